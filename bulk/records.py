"""What is written about a picture when it is finished."""

from __future__ import annotations

from datetime import datetime, timezone

from bulk.answers import Answer, Made
from bulk.journal import DONE, FAILED, Record
from bulk.pictures import Facts
from bulk.plan import Picture, Plan


def of_made(
    plan: Plan, picture: Picture, version: str, host: str, answer: Answer, made: Made
) -> Record:
    """Return the record of a picture that a webui has made."""
    return {
        **_of(plan, picture, DONE, version),
        **_of_file(picture.key, made.facts, len(made.png)),
        "host": host,
        "prompt_final": made.prompt,
        "model": made.model,
        "model_hash": made.model_hash,
        "seconds": round(answer.seconds, 3),
    }


def of_found(
    plan: Plan, picture: Picture, version: str, model_hash: str, facts: Facts, size: int
) -> Record:
    """Return the record of a picture whose file was found without one; who made it, nobody knows."""
    return {
        **_of(plan, picture, DONE, version),
        **_of_file(picture.key, facts, size),
        "model_hash": model_hash,
        "adopted": True,
    }


def of_failed(plan: Plan, picture: Picture, version: str, host: str, answer: Answer) -> Record:
    """Return the record of a request that has failed for good, with what came of it last."""
    error = {"http": answer.http, "reason": f"{answer.kind}: {answer.reason}"}
    return {**_of(plan, picture, FAILED, version), "host": host, "error": error}


def _of(plan: Plan, picture: Picture, status: str, version: str) -> Record:
    lines, ids = plan.lines_of(picture)
    return {
        "key": picture.key,
        "status": status,
        "lines": lines,
        "ids": ids,
        "seed": picture.request["seed"],
        "request": picture.request,
        "extension_version": version,
        "finished_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _of_file(key: str, facts: Facts, size: int) -> Record:
    return {"file": f"images/{key[:2]}/{key}.png", "bytes": size, **facts._asdict()}
