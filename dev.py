"""Run, test, measure and check sd-webui-fooocus: ``python dev.py --help``.

This file only looks at the Python that runs it, so it keeps to what every Python can read; the commands are
in tools/dev/. Where that Python is too old or too new, tools/dev/suitable_python.py finds or fetches another.
"""

import sys

SUITABLE_PYTHONS = ((3, 10), (3, 11))
OLDEST_TO_LOOK_FOR_ANOTHER = (3, 8)
INTERRUPTED = 130

UNSUITABLE = (
    "sd-webui-fooocus needs Python 3.10 or 3.11, as the webui does; this is %d.%d (%s). "
    "Run dev.py with one of those, for example `python3.11 dev.py run`; they come from python.org, "
    "your system's packages (python3.11, python3.11-venv), or pyenv (`pyenv install 3.11`).\n"
)


def main():  # type: () -> int  # noqa: ANN201 -- no Python 2 reads an annotation
    """Run the command given on the command line and return its exit status."""
    if hasattr(sys.stdout, "reconfigure"):
        # What Windows redirects is in an encoding of its own: no name or prompt shall end what prints it.
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.argv[1:2] == ["-m"]:  # a program of this repository, started by one of the commands
        import runpy  # noqa: PLC0415 -- of no use to the commands

        del sys.argv[:2]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return 0
    if sys.version_info[:2] < OLDEST_TO_LOOK_FOR_ANOTHER:
        sys.stderr.write(UNSUITABLE % (sys.version_info[0], sys.version_info[1], sys.executable))
        return 2
    if sys.version_info[:2] not in SUITABLE_PYTHONS and not {"-h", "--help"}.intersection(sys.argv):
        from tools.dev.suitable_python import run_again  # noqa: PLC0415 -- the same

        return run_again(__file__, sys.argv[1:])
    from tools.dev.commands import main as run_command  # noqa: PLC0415 -- unreadable to an older Python

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        sys.exit(INTERRUPTED)
