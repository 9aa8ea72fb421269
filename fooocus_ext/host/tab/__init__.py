"""The Fooocus tab on the webui: connects its page to jobs, files and the other tabs.

The way of a click on Generate: javascript/fooocus_tab.js posts the widgets' values as `api.queue.ToAdd`.
`submit` has `fooocus_ext.tab.choices` read them and `job` check them, and puts them into the `JobQueue`
that `queue` opened. `worker` takes one job at a time to `work`, where `job` makes of it what
`host/jobs/run.py` has the webui sample, under `generation/hooks.py`. Each picture comes back through
`host/jobs/outputs.py` to `record`, which enters it into the log and the queue; `shown` puts it on the page.

`connect` builds the page and connects its parts: `lists` is what there is to choose from, `fill` and
`loaded` write settings into the widgets, `presets`, `session`, `prompt` and `send` have buttons of their own.
"""
