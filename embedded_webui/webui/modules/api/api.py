"""Doubles modules/api/api.py: the routes under /sdapi/v1."""

from __future__ import annotations

import time
from contextlib import closing
from secrets import compare_digest

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from modules import (
    images,
    infotext_utils,
    script_callbacks,
    scripts,
    sd_samplers,
    shared,
)
from modules.api import models
from modules.api.errors import api_middleware
from modules.api.info_routes import InfoRoutes
from modules.api.infotext_fields import apply_infotext
from modules.api.pictures import decode_base64_to_image, encode_pil_to_base64
from modules.api.script_args import ScriptArgsMixin, script_name_to_index  # noqa: F401
from modules.processing import (
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
    process_images,
)
from modules.progress import add_task_to_queue, create_task_id, finish_task, start_task
from modules.shared import opts

PREFIX = "/sdapi/v1"
NOT_FOR_PROCESSING = (
    "include_init_images",
    "script_name",
    "script_args",
    "alwayson_scripts",
    "infotext",
    "send_images",
    "save_images",
)


def validate_sampler_name(name):
    """The name if there is such a sampler, else status 400."""
    if name not in sd_samplers.all_samplers_map:
        raise HTTPException(status_code=400, detail="Sampler not found")
    return name


class Api(ScriptArgsMixin, InfoRoutes):
    """All routes, on an application; generations run one at a time under `queue_lock`."""

    def __init__(self, app: FastAPI, queue_lock):
        self.credentials = {}
        if shared.cmd_opts.api_auth:
            self.credentials = dict(
                pair.split(":", 1) for pair in shared.cmd_opts.api_auth.split(",")
            )
        self.router = APIRouter()
        self.app = app
        self.queue_lock = queue_lock
        self.default_script_arg_txt2img = self._default_args(
            scripts.scripts_txt2img, is_img2img=False
        )
        self.default_script_arg_img2img = self._default_args(
            scripts.scripts_img2img, is_img2img=True
        )
        api_middleware(app)
        self._add_routes()  # last: the page's server answers already, and knows no such route until now

    def _default_args(self, runner, is_img2img):
        if not runner.scripts:
            from modules import ui

            ui.create_ui()
        if not runner.scripts:
            runner.initialize_scripts(is_img2img)
        return self.init_default_script_args(runner)

    def _add_routes(self) -> None:
        get, post = ["GET"], ["POST"]
        for path, endpoint, methods, response in (
            ("txt2img", self.text2imgapi, post, models.TextToImageResponse),
            ("img2img", self.img2imgapi, post, models.ImageToImageResponse),
            ("png-info", self.pnginfoapi, post, models.PNGInfoResponse),
            ("progress", self.progressapi, get, models.ProgressResponse),
            ("interrupt", self.interruptapi, post, None),
            ("skip", self.skip, post, None),
            ("options", self.get_config, get, models.OptionsModel),
            ("options", self.set_config, post, None),
            ("cmd-flags", self.get_cmd_flags, get, models.FlagsModel),
            ("samplers", self.get_samplers, get, list[models.SamplerItem]),
            ("schedulers", self.get_schedulers, get, list[models.SchedulerItem]),
            ("sd-models", self.get_sd_models, get, list[models.SDModelItem]),
            ("refresh-checkpoints", self.refresh_checkpoints, post, None),
            ("scripts", self.get_scripts_list, get, models.ScriptsList),
            ("script-info", self.get_script_info, get, list[models.ScriptInfo]),
        ):
            self.add_api_route(
                f"{PREFIX}/{path}", endpoint, methods=methods, response_model=response
            )

    def add_api_route(self, path: str, endpoint, **kwargs):
        """A route that asks for a password if --api-auth sets one."""
        if shared.cmd_opts.api_auth:
            kwargs["dependencies"] = [Depends(self.auth)]
        return self.app.add_api_route(path, endpoint, **kwargs)

    def auth(self, credentials: HTTPBasicCredentials = Depends(HTTPBasic())):  # noqa: B008
        """True for a known user and password, else status 401."""
        password = self.credentials.get(credentials.username)
        if password is not None and compare_digest(
            credentials.password.encode(), password.encode()
        ):
            return True
        raise HTTPException(
            status_code=401,
            detail="Incorrect username or password",
            headers={"WWW-Authenticate": "Basic"},
        )

    @staticmethod
    def _processing_args(request) -> dict:
        """The processing class's arguments: the request with its sampler's and schedule's real names."""
        sampler, scheduler = sd_samplers.get_sampler_and_scheduler(
            request.sampler_name or request.sampler_index, request.scheduler
        )
        populate = request.copy(
            update={
                "sampler_name": validate_sampler_name(sampler),
                "sampler_index": None,
                "do_not_save_samples": not request.save_images,
                "do_not_save_grid": not request.save_images,
            }
        )
        if not populate.scheduler and scheduler != "Automatic":
            populate.scheduler = scheduler
        return {
            key: value for key, value in vars(populate).items() if key not in NOT_FOR_PROCESSING
        }

    def _generate(self, request, tab, runner, default_args, make_p, response):
        """What txt2img and img2img share; `make_p` gets the processing class's arguments."""
        task_id = request.force_task_id or create_task_id(tab)
        mentioned: dict = {}
        apply_infotext(request, tab, script_runner=runner, mentioned_script_args=mentioned)
        selectable, index = self.get_selectable_script(request.script_name, runner)
        args = self._processing_args(request)
        script_args = self.init_script_args(
            request, default_args, selectable, index, runner, input_script_args=mentioned
        )
        add_task_to_queue(task_id)
        with self.queue_lock, closing(make_p(args)) as p:
            p.is_api = True
            p.scripts = runner
            p.outpath_grids = getattr(opts, f"outdir_{tab}_grids")
            p.outpath_samples = getattr(opts, f"outdir_{tab}_samples")
            try:
                shared.state.begin(job=f"scripts_{tab}")
                start_task(task_id)
                if selectable is not None:
                    p.script_args = script_args
                    processed = runner.run(p, *p.script_args)
                else:
                    p.script_args = tuple(script_args)
                    processed = process_images(p)
                finish_task(task_id)
            finally:
                shared.state.end()
                shared.total_tqdm.clear()
        shown = (
            [encode_pil_to_base64(image) for image in processed.images]
            if request.send_images
            else []
        )
        if tab == "img2img" and not request.include_init_images:
            request.init_images = None
            request.mask = None
        return response(images=shown, parameters=vars(request), info=processed.js())

    def text2imgapi(self, txt2imgreq: models.StableDiffusionTxt2ImgProcessingAPI):
        """Make pictures from text."""
        return self._generate(
            txt2imgreq,
            "txt2img",
            scripts.scripts_txt2img,
            self.default_script_arg_txt2img,
            lambda args: StableDiffusionProcessingTxt2Img(sd_model=shared.sd_model, **args),
            models.TextToImageResponse,
        )

    def img2imgapi(self, img2imgreq: models.StableDiffusionImg2ImgProcessingAPI):
        """Make pictures from pictures."""
        if img2imgreq.init_images is None:
            raise HTTPException(status_code=404, detail="Init image not found")
        mask = decode_base64_to_image(img2imgreq.mask) if img2imgreq.mask else None

        def make_p(args):
            p = StableDiffusionProcessingImg2Img(sd_model=shared.sd_model, **{**args, "mask": mask})
            p.init_images = [decode_base64_to_image(x) for x in args["init_images"]]
            return p

        return self._generate(
            img2imgreq,
            "img2img",
            scripts.scripts_img2img,
            self.default_script_arg_img2img,
            make_p,
            models.ImageToImageResponse,
        )

    def pnginfoapi(self, req: models.PNGInfoRequest):
        """Read the infotext of a picture."""
        image = decode_base64_to_image(req.image.strip())
        info, items = images.read_info_from_image(image)
        info = info or ""
        params = infotext_utils.parse_generation_parameters(info)
        script_callbacks.infotext_pasted_callback(info, params)
        return models.PNGInfoResponse(info=info, items=items, parameters=params)

    def progressapi(self, req: models.ProgressRequest = Depends()):  # noqa: B008
        """Progress of whatever is running."""
        state = shared.state
        if state.job_count == 0:
            return models.ProgressResponse(
                progress=0, eta_relative=0, state=state.dict(), textinfo=state.textinfo
            )
        done = 0.01
        if state.job_count > 0:
            done += state.job_no / state.job_count
        if state.sampling_steps > 0:
            done += 1 / state.job_count * state.sampling_step / state.sampling_steps
        elapsed = time.time() - state.time_start
        state.set_current_image()
        image = None
        if state.current_image and not req.skip_current_image:
            image = encode_pil_to_base64(state.current_image)
        return models.ProgressResponse(
            progress=min(done, 1),
            eta_relative=elapsed / done - elapsed,
            state=state.dict(),
            current_image=image,
            textinfo=state.textinfo,
        )

    def interruptapi(self):
        """Give up the running job."""
        shared.state.interrupt()
        return {}

    def skip(self):
        """Give up the running batch."""
        shared.state.skip()
