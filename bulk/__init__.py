"""Pictures by the thousand: a list of requests, N webuis, each picture made and recorded exactly once.

A client: it runs beside webuis, never in one, and talks to them over HTTP alone. The way of a list:

`lists` reads its lines, `body` completes and checks them, `names` finds in them what only a webui can know,
`plan` keeps what is to be made, each picture under the key of its content. `dispatch` gives pictures to
`hosts`, through one of the `executors`, which run `webui` in threads or in Ray's actors; `policy` says what
an answer means. `journal` records what is finished, and is the truth: whatever is killed, the next run goes
on from there. `manifest` writes it in the forms that people load. `commands` and `__main__` are what stands
on the command line.
"""
