"""What people see of a run is a courtesy: it never ends one."""

from __future__ import annotations

from bulk.dispatch import Run
from bulk.journal import Folder
from bulk.progress import Progress


def test_a_status_that_cannot_be_written_ends_no_run(tmp_path):
    folder = Folder(tmp_path)
    folder.status.mkdir()
    Progress(Run([], 0, 0, 10), folder).close("finished")
    folder.status.rmdir()
    Progress(Run([], 0, 0, 10), folder).close("finished")
    assert folder.read_json(folder.status)["state"] == "finished"
