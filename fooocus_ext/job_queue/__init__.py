"""The Fooocus tab's jobs: those that wait, the one that runs, and those whose pictures a page shows.

``jobs.py`` says what a job is, ``store.py`` keeps jobs on disk, ``queue.py`` says what may happen to them.
Nothing here knows a page or the webui.

A job survives a restart of the server, and none of its pictures is made or logged twice: see ``Announced``.
"""
