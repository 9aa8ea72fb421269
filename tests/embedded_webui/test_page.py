"""The page has the host's tabs and element ids, and its events carry what the host's carry."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from tests.embedded_webui.lazy import Lazy

call_queue, fifo_lock, progress = Lazy("call_queue"), Lazy("fifo_lock"), Lazy("progress")
shared, ui_gradio_extensions = Lazy("shared"), Lazy("ui_gradio_extensions")
ROOT = Path(__file__).resolve().parents[2]
WEBUI = ROOT / "embedded_webui" / "webui"

IDS = {
    "txt2img": """prompt neg_prompt generate interrupt skip interrupting width height batch_count
        batch_size cfg_scale gallery gallery_container results res_switch_btn hr hr_scale
        hr_upscaler hr_resize_x hr_resize_y hires_steps denoising_strength script_container
        override_settings styles toprow settings accordions open_folder send_to_img2img
        send_to_inpaint sampling scheduler steps seed generation_info_button""",
    "img2img": """prompt neg_prompt generate interrupt skip interrupting width height batch_count
        batch_size cfg_scale gallery gallery_container results image denoising_strength mask_blur
        script_container override_settings inpaint_full_res mask_mode inpainting_fill sampling
        scheduler steps seed""",
}
OTHER_IDS = [
    "tabs",
    "tab_txt2img",
    "tab_img2img",
    "tab_pnginfo",
    "tab_settings",
    "settings",
    "settings_json",
    "html_info_txt2img",
    "html_log_txt2img",
    "generation_info_txt2img",
    "save_txt2img",
    "html_info_img2img",
    "pnginfo_image",
    "pnginfo_generation_info",
    "mode_img2img",
    "resize_mode",
    "quicksettings",
    "setting_sd_model_checkpoint",
    "settings_submit",
    "script_list",
]


PAGE_DEFAULTS = {
    "txt2img/Width/value": 320,
    "txt2img/Width/maximum": 4096,
    "customscript/sampler.py/txt2img/Sampling method/value": "no such sampler",
    "img2img/Height/value": 192,
    "customscript/fooocus.py/txt2img/Sharpness/value": 7.5,
    "fooocus/Forced width/value": 640,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What page_report.py says of the page, built in a process of its own."""
    data = tmp_path_factory.mktemp("data")
    (data / "ui-config.json").write_text(json.dumps(PAGE_DEFAULTS), "utf-8")
    command = [sys.executable, "-m", "tests.embedded_webui.page_report", str(data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout[done.stdout.index('{"components"') :])


def test_widgets_start_as_ui_config_says(report):
    parts = {part["elem_id"]: part for part in report["components"]}
    assert (parts["txt2img_width"]["value"], parts["txt2img_width"]["maximum"]) == (320, 4096)
    assert parts["txt2img_height"]["value"] == 512
    assert parts["txt2img_sampling"]["value"] != "no such sampler"
    assert parts["img2img_height"]["value"] == 192
    sharpness = [part["value"] for part in report["components"] if part["label"] == "Sharpness"]
    assert sharpness.count(7.5) == 1


def test_the_tab_starts_with_the_size_of_a_model_of_small_pictures(report):
    values = {part["elem_id"]: part["value"] for part in report["components"]}
    assert (values["fooocus_width"], values["fooocus_height"]) == (256, 256)


def test_the_checkpoint_is_named_before_it_is_loaded(report):
    values = {part["elem_id"]: part["value"] for part in report["components"]}
    assert values["setting_sd_model_checkpoint"].startswith("pocket-sdxl-base")


@pytest.fixture(scope="module")
def by_id(report):
    """Component numbers by element id."""
    return {part["elem_id"]: part["id"] for part in report["components"]}


@pytest.fixture(scope="module")
def generate(report, by_id):
    """The event of txt2img's Generate button."""
    button = by_id["txt2img_generate"]
    (event,) = [event for event in report["dependencies"] if button in event["targets"]]
    return event


@pytest.mark.parametrize("tab", list(IDS))
def test_element_ids_of_the_generation_tabs(by_id, tab):
    assert [name for name in IDS[tab].split() if f"{tab}_{name}" not in by_id] == []


def test_other_element_ids(by_id):
    assert [name for name in OTHER_IDS if name not in by_id] == []


def test_tabs_come_in_the_hosts_order(report):
    tabs = [part for part in report["components"] if (part["elem_id"] or "").startswith("tab_")]
    labels = [part["label"] for part in tabs]
    assert labels[:3] == ["txt2img", "img2img", "PNG Info"]
    assert labels[-1] == "Settings"
    assert labels == report["tab_names"]


def test_generate_sends_the_task_then_the_widgets_then_the_scripts(report, generate):
    assert generate["js"] == "submit"
    scripts = report["script_inputs"]
    assert generate["inputs"][-len(scripts) :] == scripts
    ids = {part["id"]: part["elem_id"] for part in report["components"]}
    sent, shown = ([ids[i] for i in generate[key]] for key in ("inputs", "outputs"))
    assert sent[1:4] == ["txt2img_prompt", "txt2img_neg_prompt", "txt2img_styles"]
    assert sent[-len(scripts)] == "script_list"
    names = ["txt2img_gallery", "generation_info_txt2img", "html_info_txt2img", "html_log_txt2img"]
    assert shown == names


def test_tabs_that_can_be_sent_to(report):
    assert {"txt2img", "img2img", "inpaint"} <= set(report["paste_tabs"])


def test_every_event_script_that_is_a_name_exists(report):
    files = [WEBUI / "script.js", *WEBUI.glob("javascript/*.js"), *ROOT.glob("javascript/*.js")]
    text = "".join(file.read_text(encoding="utf8") for file in files)
    names = {event["js"] for event in report["dependencies"] if event["js"]}
    names = {name for name in names if re.fullmatch(r"\w+", name)}
    assert "submit" in names
    assert {name for name in names if not re.search(rf"\b{name}\b *[(=]", text)} == set()


def test_the_page_carries_the_scripts_and_fetches_nothing_from_other_machines(report):
    page = report["page"]
    sources = re.findall(r'<(?:script|link)\b[^>]*?(?:src|href)="([^"]+)"', page)
    names = [Path(source.split("?")[0]).name for source in sources]
    assert names.index("script.js") < names.index("ui.js")
    assert "style.css" in names
    assert [source for source in sources if re.match(r"(https?:)?//", source)] == []


def test_script_addresses_change_with_the_file(tmp_path):
    file = tmp_path / "a b.js"
    file.write_text("1", encoding="utf-8")
    assert re.fullmatch(r"file=.*/a b\.js\?[\d.]+", ui_gradio_extensions.webpath(str(file)))


# ---- the queue and the progress, without a page ----


@pytest.fixture
def state(monkeypatch):
    fields = {
        "begin": lambda job: None, "end": lambda: None, "job_count": 2, "job_no": 1, "textinfo": "x",
        "sampling_step": 5, "sampling_steps": 10, "time_start": time.time() - 3.0,
        "set_current_image": lambda: None, "id_live_preview": 4,
        "current_image": Image.new("RGB", (4, 4)),
    }  # fmt: skip
    made = SimpleNamespace(**fields)
    monkeypatch.setattr(shared, "state", made)
    monkeypatch.setattr(shared, "opts", SimpleNamespace(live_previews_image_format="png"))
    return made


@pytest.fixture
def client():
    app = FastAPI()
    progress.setup_progress_api(app)
    return TestClient(app)


def ask(client, **request):
    return client.post("/internal/progress", json=request).json()


def test_progress_of_the_running_task(client, state):
    progress.start_task("task(a)")
    answer = ask(client, id_task="task(a)", id_live_preview=3)
    assert (answer["active"], answer["queued"], answer["completed"]) == (True, False, False)
    assert answer["progress"] == pytest.approx(0.75)
    assert answer["eta"] == pytest.approx(1.0, rel=0.5), "3 seconds for three quarters"
    assert answer["live_preview"].startswith("data:image/png;base64,")
    assert answer["id_live_preview"] == 4
    again = ask(client, id_task="task(a)", id_live_preview=4)
    assert again["live_preview"] is None
    assert ask(client, id_task="task(a)", live_preview=False)["live_preview"] is None
    progress.finish_task("task(a)")
    assert ask(client, id_task="task(a)")["completed"] is True


def test_tasks_that_wait_know_their_place(client, state):
    progress.add_task_to_queue("task(b)")
    progress.add_task_to_queue("task(c)")
    assert client.get("/internal/pending-tasks").json() == {
        "size": 2,
        "tasks": ["task(b)", "task(c)"],
    }
    answer = ask(client, id_task="task(c)")
    assert answer["queued"] is True
    assert answer["textinfo"] == "In queue: 2/2"
    for task in ("task(b)", "task(c)"):
        progress.start_task(task)
        progress.finish_task(task)
    assert ask(client, id_task="nobody")["textinfo"] == "Waiting..."


def test_a_job_is_queued_timed_and_its_results_kept(state):
    def work(task, request: gr.Request, number):
        assert call_queue.queue_lock.acquire(blocking=False) is False
        assert progress.current_task == "task(d)"
        return [number, "text", "html"]

    wrapped = call_queue.wrap_gradio_gpu_call(work)
    assert "request" in inspect.signature(wrapped).parameters, "gradio looks for it there"
    result = wrapped("task(d)", None, 5)
    assert result[:2] == (5, "text")
    assert re.search(r"Time taken:.*\d sec", result[2])
    assert progress.restore_progress("task(d)")[0] == 5
    assert call_queue.queue_lock.acquire(blocking=False)
    call_queue.queue_lock.release()


def test_a_failure_is_shown_escaped_and_leaves_the_state_clean(state, caplog):
    def fail(task):
        raise ValueError("<script>")

    state.interrupted = True
    result = call_queue.wrap_gradio_gpu_call(fail, extra_outputs=[None, "", ""])("task(e)")
    assert result[:3] == (None, "", "")
    assert "ValueError: &lt;script&gt;" in result[3]
    assert "Error completing request" in caplog.text
    assert (state.interrupted, state.job_count) == (False, 0)
    assert progress.current_task is None


def test_the_lock_is_fair_and_refuses_a_release_too_many():
    lock = fifo_lock.FIFOLock()
    with lock:
        assert lock.acquire(blocking=False) is False
    with pytest.raises(RuntimeError):
        lock.release()
