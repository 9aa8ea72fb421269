"""Doubles modules/shared_state.py: what the running job is doing, and the buttons' flags."""

from __future__ import annotations

import datetime
import logging
import threading
import time

from modules import devices, errors, shared

log = logging.getLogger(__name__)

IDLE = {
    "skipped": False,
    "interrupted": False,
    "stopping_generation": False,
    "job_no": 0,
    "processing_has_refined_job_count": False,
    "sampling_step": 0,
    "current_latent": None,
    "current_image": None,
    "current_image_sampling_step": 0,
    "id_live_preview": 0,
    "textinfo": None,
}
REPORTED = (
    "skipped",
    "interrupted",
    "stopping_generation",
    "job",
    "job_count",
    "job_timestamp",
    "job_no",
    "sampling_step",
    "sampling_steps",
)


class State:
    """One object for the process: written by the generation, read by progress requests in other threads."""

    skipped = False
    interrupted = False
    stopping_generation = False
    job = ""
    job_no = 0
    job_count = 0
    processing_has_refined_job_count = False
    job_timestamp = "0"
    sampling_step = 0
    sampling_steps = 0
    current_latent = None
    current_image = None
    current_image_sampling_step = 0
    id_live_preview = 0
    textinfo = None
    time_start = None

    def __init__(self):
        self.server_start = time.time()
        self._server_command = None
        self._server_command_signal = threading.Event()

    @property
    def need_restart(self):
        return self.server_command == "restart"

    @need_restart.setter
    def need_restart(self, value):
        if value:
            self.server_command = "restart"

    @property
    def server_command(self):
        return self._server_command

    @server_command.setter
    def server_command(self, value):
        self._server_command = value
        self._server_command_signal.set()

    def wait_for_server_command(self, timeout=None):
        """The next command ("stop", "restart") or None after `timeout` seconds."""
        if not self._server_command_signal.wait(timeout):
            return None
        self._server_command_signal.clear()
        command, self._server_command = self._server_command, None
        return command

    def request_restart(self):
        """Interrupt the job and ask the server loop to reload the page."""
        self.interrupt()
        self.server_command = "restart"

    def skip(self):
        """Give up the current batch."""
        self.skipped = True
        log.info("Received skip request")

    def interrupt(self):
        """Give up the job."""
        self.interrupted = True
        log.info("Received interrupt request")

    def stop_generating(self):
        """Finish the current batch, start no other."""
        self.stopping_generation = True
        log.info("Received stop generating request")

    def nextjob(self):
        """One batch, or one pass of it, is done."""
        if shared.opts.live_previews_enable and shared.opts.show_progress_every_n_steps == -1:
            self.do_set_current_image()
        self.job_no += 1
        self.sampling_step = 0
        self.current_image_sampling_step = 0

    def dict(self):
        """What the API shows as the state."""
        return {name: getattr(self, name) for name in REPORTED}

    def begin(self, job="(unknown)"):
        """A job starts; earlier interrupt and skip requests are forgotten."""
        for name, value in IDLE.items():
            setattr(self, name, value)
        self.time_start = time.time()
        self.job_count = -1
        self.job_timestamp = datetime.datetime.now().strftime("%Y%m%d%H%M%S")
        self.job = job
        devices.torch_gc()
        log.info("Starting job %s", job)

    def end(self):
        """The job is over, however it went."""
        log.info("Ending job %s (%.2f seconds)", self.job, time.time() - self.time_start)
        self.job = ""
        self.job_count = 0
        devices.torch_gc()

    def set_current_image(self):
        """Decode a preview if enough steps have passed since the last one."""
        if not shared.parallel_processing_allowed:
            return
        period = shared.opts.show_progress_every_n_steps
        due = self.sampling_step - self.current_image_sampling_step >= period
        if due and shared.opts.live_previews_enable and period != -1:
            self.do_set_current_image()

    def do_set_current_image(self):
        """Decode a preview now; failures are recorded, not shown, as the model may be changing."""
        if self.current_latent is None:
            return
        import modules.sd_samplers as samplers

        try:
            grid = shared.opts.show_progress_grid
            draw = samplers.samples_to_image_grid if grid else samplers.sample_to_image
            self.assign_current_image(draw(self.current_latent))
            self.current_image_sampling_step = self.sampling_step
        except Exception:
            errors.record_exception()

    def assign_current_image(self, image):
        """Show this picture as the preview."""
        if shared.opts.live_previews_image_format == "jpeg" and image.mode in ("RGBA", "P"):
            image = image.convert("RGB")
        self.current_image = image
        self.id_live_preview += 1
