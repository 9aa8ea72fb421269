"""What the command line asks for, from checking the list to the last words."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from bulk import body, inspect_folder, lists, manifest, resume
from bulk.admission import Admission, Standard
from bulk.chosen_webuis import make_executor, wanted_webuis
from bulk.dispatch import Dispatcher, End, Limits, Run
from bulk.errors import BadLinesError, UsageError
from bulk.executors.base import Executor
from bulk.hosts import Host
from bulk.journal import Folder, Journal, write_json
from bulk.plan import Plan
from bulk.progress import Progress
from fooocus_ext.errors import RequestError

ALL_MADE, SOME_FAILED, UNFINISHED = 0, 1, 3
SHOWN = 50
FEW = 10
"""Failures that are not yet too many, whatever their share: lists may be short."""
BAD_LINES = "bad-lines.txt"


def run(options: argparse.Namespace) -> int:
    """Make the pictures of a list, or with --dry-run only check it."""
    with contextlib.ExitStack() as stack:
        if options.dry_run:  # its plan goes where it is in nobody's way
            folder = Folder(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        else:
            folder = Folder(options.out)
            stack.enter_context(folder.lock())
        plan = Plan(folder.plan)
        stack.callback(plan.close)
        read_list(options, plan)
        if options.dry_run:
            return _dry_run(options, plan, folder)
        return _Session(options, folder, plan).run()


def read_list(options: argparse.Namespace, plan: Plan) -> None:
    """Read and check every line. Raises UsageError."""
    defaults: dict[str, Any] = {}
    if options.defaults:
        try:
            defaults = body.checked_defaults(lists.read_object(options.defaults))
        except RequestError as error:
            raise UsageError(f"{options.defaults}: {error.detail}") from error
    plan.read(options.list, defaults)
    counts = plan.counts()
    if not counts.total:
        raise UsageError(f"{options.list}: has no request in it.")
    say(f"{options.list}: {plan.lines} lines, {counts.total} different pictures.")


class _Session:
    """One run in one folder."""

    def __init__(self, options: argparse.Namespace, folder: Folder, plan: Plan) -> None:
        self._options = options
        self._folder = folder
        self._plan = plan
        self._journal = Journal(folder)
        self._standard = resume.standard_of(folder)
        self._hosts: list[Host] = []

    def run(self) -> int:
        """Make what is not made yet, and say how it went."""
        if self._standard is not None:
            self._load(self._standard)
            counts = self._plan.counts()
            if counts.left == 0:
                say("Nothing is left to do.")
                state = Run([], counts.done, counts.failed, counts.total)
                Progress(state, self._folder).close("finished")
                return self._finish(state, "finished")
        specs = wanted_webuis(self._options, self._folder)
        self._hosts = [Host(spec.name) for spec in specs]
        counts = self._plan.counts()
        state = Run(self._hosts, counts.done, counts.failed, counts.total)
        with (
            contextlib.closing(make_executor(self._options, specs)) as executor,
            stop_on_signals(state),
        ):
            end = self._work(state, executor)
        self._journal.close()
        return self._finish(state, end)

    def _load(self, standard: Standard) -> None:
        self._plan.set_keys(standard.model_hash, standard.version)
        retry = self._options.retry_failed
        adopted = resume.load(self._folder, self._journal, self._plan, standard, retry_failed=retry)
        if adopted:
            say(f"{adopted} pictures were there without a record, and have one now.")

    def _work(self, state: Run, executor: Executor) -> End:
        options = self._options
        share, of_all = options.max_failures
        limits = Limits(
            timeout=options.timeout,
            attempts=options.attempts,
            max_failures=max(FEW, share * state.total) if of_all else share,
            patience=options.patience,
        )
        was_there = self._standard is not None
        admission = Admission(
            self._hosts, self._plan.names, self._standard, self._set_standard,
            strict=options.strict, model_hash=options.model_hash,
        )  # fmt: skip
        dispatcher = Dispatcher(state, self._plan, self._journal, executor, admission, limits)
        progress = Progress(state, self._folder)
        end: End = "interrupted"
        try:
            end = dispatcher.run(admission.choose_standard, progress)
            if admission.standard is None or end != "finished":
                complain_of_names(self._hosts, self._plan)
                return end
            if not was_there:
                self._load(admission.standard)
                counts = self._plan.counts()
                state.done, state.failed = counts.done, counts.failed
            for host, note in admission.settle_waiting():
                state.say(f"{host.name} {note}" if note else f"{host.name} is ready")
            dispatcher.begin(admission.standard.version)
            end = dispatcher.run(dispatcher.is_finished, progress)
            return end
        finally:
            progress.close(end)

    def _set_standard(self, standard: Standard) -> None:
        self._standard = standard
        of = f"{standard.of.partition(',')[0]}, with which this folder was begun,"
        write_json(self._folder.run, {"standard": {**asdict(standard), "of": of}}, is_kept=True)

    def _finish(self, state: Run, end: End) -> int:
        """Write what is made of the journal, and say how it went."""
        problem = manifest.write_manifest(self._folder)
        if problem:
            say(f"No manifest.parquet: {problem}")
        if self._options.format == "webdataset":
            count = manifest.write_shards(self._folder, self._options.shard_size)
            say(f"{count} shards in {self._folder.shards}.")
        say(
            f"{state.done} done, {state.failed} failed, {state.left} left of {state.total} ({end})."
        )
        for host in self._hosts:
            if host.state != "ready":
                say(f"  {host.name} is {host.state}: {host.reason}")
        if end != "finished":
            say("The same command goes on where this run has ended.")
            return UNFINISHED
        if state.failed:
            say("Reasons are in journal.jsonl; --retry-failed tries those again.")
            return SOME_FAILED
        return ALL_MADE


def _dry_run(options: argparse.Namespace, plan: Plan, folder: Folder) -> int:
    """Say what would be done; with webuis, ask them too."""
    counts = plan.counts()
    if not (options.webui or options.spawn):
        say(
            "Every line is right, as far as can be told without a webui (name one to check names too)."
        )
        return ALL_MADE
    specs = wanted_webuis(options, folder)
    hosts = [Host(spec.name) for spec in specs]
    state = Run(hosts, 0, 0, counts.total)
    admission = Admission(
        hosts,
        plan.names,
        None,
        lambda _standard: None,
        strict=options.strict,
        model_hash=options.model_hash,
    )
    limits = Limits(options.timeout, options.attempts, counts.total, options.patience)
    journal = Journal(folder)
    with contextlib.closing(make_executor(options, specs)) as executor:
        Dispatcher(state, plan, journal, executor, admission, limits).run(
            admission.choose_standard, lambda: None
        )
    journal.close()
    complain_of_names(hosts, plan)
    settled = admission.settle_waiting() if admission.standard else ()
    notes = {host.name: note for host, note in settled}
    for host in hosts:
        say(f"  {host.name}: {host.state} {host.reason or notes.get(host.name, '')}")
    return ALL_MADE if all(host.state == "ready" for host in hosts) else UNFINISHED


def complain_of_names(hosts: list[Host], plan: Plan) -> None:
    """Raise BadLinesError for names that no webui has."""
    nowhere = set.intersection(*(set(host.missing) for host in hosts))
    problems = [
        (line, f'{kind} "{name}": no webui has it.')
        for kind, name in nowhere
        for line in plan.names[kind, name]
    ]
    if problems:
        raise BadLinesError(sorted(problems))


@contextlib.contextmanager
def stop_on_signals(state: Run) -> Iterator[None]:
    """Let the first Ctrl-C finish what runs, and the second end the process at once."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if state.stopping:
            os._exit(UNFINISHED)
        state.stopping = True
        state.say(
            "Stopping: what is being made is finished. Once more ends at once, and loses nothing either."
        )

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show_status(path: Path) -> int:
    """Say how far a run is."""
    folder = Folder(path)
    status = folder.read_json(folder.status)
    if not status:
        raise UsageError(f"{path}: there is no run in this folder.")
    is_running = inspect_folder.is_running(folder)
    say(
        f"{status['done']} done, {status['failed']} failed, {status['left']} left of {status['total']}"
    )
    say(
        f"{'running' if is_running else 'not running'}, last known: {status['state']}, {status['updated_at']}"
    )
    if is_running and status["seconds_left"] is not None:
        say(f"{status['pictures_per_second']} pictures/s, about {status['seconds_left']} s left")
    for host in status["hosts"]:
        say(f"  {host['name']}: {host['state']}, {host['made']} made in this run {host['reason']}")
    if is_running or status["left"]:
        return UNFINISHED
    return SOME_FAILED if status["failed"] else ALL_MADE


def show_verified(path: Path) -> int:
    """Check a folder, and say what is wrong in it."""
    folder = Folder(path)
    if not folder.journal.is_file():
        raise UsageError(f"{path}: there is no run in this folder.")
    found = inspect_folder.verify(folder)
    for problem in found.problems[:SHOWN]:
        say(problem)
    left = "" if found.left is None else f", {found.left} left"
    say(f"{found.done} done, {found.failed} failed{left}, {len(found.problems)} problems.")
    return SOME_FAILED if found.problems else ALL_MADE


def show_bad_lines(error: BadLinesError, out: Path) -> None:
    """Say what is wrong with a list: all of it in a file, if it is much."""
    lines = [f"line {number}: {problem}" for number, problem in error.problems]
    for line in lines[:SHOWN]:
        say(line)
    if len(lines) > SHOWN and out.is_dir():
        text = "\n".join(lines) + "\n"
        (out / BAD_LINES).write_text(text, encoding="utf-8", errors="backslashreplace")
        say(f"... and {len(lines) - SHOWN} more: {out / BAD_LINES} has them all.")
    say(f"dev.py bulk: {error}; no picture was made.")


def say(message: str) -> None:
    """Tell people; standard output is left to programs that might want it one day."""
    print(message, file=sys.stderr, flush=True)
