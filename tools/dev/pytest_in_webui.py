"""Runs pytest inside a webui's Python: `PYTHON pytest_in_webui.py PACKAGES [pytest's arguments]`.

PACKAGES is a folder with pytest; it comes last on the path, so that the webui keeps its own versions of
whatever both have.
"""

import sys


def main() -> int:
    """Run pytest and return its exit status."""
    sys.path.append(sys.argv[1])
    arguments, sys.argv = sys.argv[2:], ["launch.py"]
    import pytest  # noqa: PLC0415 -- found only now

    return int(pytest.main(arguments))


if __name__ == "__main__":
    sys.exit(main())
