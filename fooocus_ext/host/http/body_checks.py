"""How large requests to our routes, and the answers to wrong ones, may be.

What is too large is refused before anything is made of it: a model that is given a hundred thousand
unknown keys writes an error for each, which takes seconds, and a whole number of 400 digits becomes no
float. The limits lie far above every request that makes sense.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from fooocus_ext.errors import writable

MAX_BYTES = 1024 * 1024
MAX_VALUES = 2000
MAX_DEPTH = 32
MAX_DIGITS = 100
MAX_PROBLEMS = 10
MAX_QUOTED = 300
_JSON = "application/json"


async def read_body(request: Request, most: int = MAX_BYTES) -> bytes:
    """Return a request's body of at most ``most`` bytes.

    Raises HTTPException if it is no JSON of ours, too large, or cut off.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < MAX_DIGITS and int(announced) > most:
        raise _too_large(most)
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > most:
                raise _too_large(most)
    except ClientDisconnect:
        raise HTTPException(status_code=400, detail="Fooocus: the body was cut off.") from None
    if content:
        _check(bytes(content), request.headers.get("content-type", ""))
    return bytes(content)


def size_problem(value: Any) -> str | None:
    """Return in which way a value read from JSON is more than any request needs, or None."""
    waiting, count = [(value, 1)], 1
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, (dict, list)):
            count += len(item)
            if count > MAX_VALUES:
                return f"more than {MAX_VALUES} values"
            if depth > MAX_DEPTH:
                return f"values nested deeper than {MAX_DEPTH}"
            inner = item.values() if isinstance(item, dict) else item
            waiting += [(each, depth + 1) for each in inner]
    return None


def shortened_problems(problems: Sequence[Any]) -> list[Any]:
    """Return pydantic's list of problems as an answer may carry it: few, and each of them short.

    pydantic 2 repeats in each problem what it was given: for a key that is missing, all the others.
    """
    shown = [
        {key: _shortened(item) for key, item in problem.items() if not _repeats_the_body(key, item)}
        for problem in problems[:MAX_PROBLEMS]
    ]
    if len(problems) > len(shown):
        more = f"and {len(problems) - len(shown)} more"
        shown.append({"loc": ["body"], "msg": more, "type": "value_error.more"})
    return shown


def _check(content: bytes, content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != _JSON:
        raise HTTPException(
            status_code=415,
            detail=f'Fooocus: allowed: a body in JSON with the header "Content-Type: {_JSON}".',
        )
    try:
        value = json.loads(
            content, parse_int=_whole, parse_float=_number, parse_constant=_refuse_constant
        )
    except RecursionError:
        problem: str | None = f"values nested deeper than {MAX_DEPTH}"
    except ValueError as error:
        problem = f"a body that is not JSON ({error})"
    else:
        problem = size_problem(value)
    if problem:
        raise HTTPException(status_code=422, detail=f"Fooocus: got {problem[:MAX_QUOTED]}.")


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _number(text: str) -> float:
    number = float(text) if len(text) <= MAX_DIGITS else math.inf
    if not math.isfinite(number):
        raise ValueError(f"a number is too large or has more than {MAX_DIGITS} digits")
    return number


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _repeats_the_body(key: str, value: Any) -> bool:
    return key == "input" and isinstance(value, (dict, list, tuple))


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {_shortened(str(key)): _shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shortened(item) for item in value[:MAX_DEPTH]]
    if isinstance(value, str):
        text = writable(value)
        return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _shortened(str(value))  # pydantic 2 puts exceptions among what it says


def _too_large(most: int) -> HTTPException:
    return HTTPException(
        status_code=413, detail=f"Fooocus: allowed: a body of at most {most} bytes."
    )
