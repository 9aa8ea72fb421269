"""The API's routes that list what there is and change settings; modules/api/api.py uses this."""

from __future__ import annotations

from typing import Any

from modules import scripts, sd_models, sd_samplers, sd_schedulers, shared
from modules.api import models
from modules.sd_models_config import find_checkpoint_config_near_filename


class InfoRoutes:
    """Endpoints without a generation."""

    def get_config(self):
        """All settings."""
        return dict(shared.opts.data)

    def set_config(self, req: dict[str, Any]):
        """Change settings and save them."""
        name = req.get("sd_model_checkpoint")
        if name is not None and name not in sd_models.checkpoint_aliases:
            raise RuntimeError(f"model {name!r} not found")
        for key, value in req.items():
            shared.opts.set(key, value, is_api=True)
        shared.opts.save(shared.config_filename)

    def get_cmd_flags(self):
        """The command line."""
        return vars(shared.cmd_opts)

    def get_samplers(self):
        """All samplers."""
        return [
            {"name": x.name, "aliases": x.aliases, "options": x.options}
            for x in sd_samplers.all_samplers
        ]

    def get_schedulers(self):
        """All schedule types."""
        names = ("name", "label", "aliases", "default_rho", "need_inner_model")
        return [{name: getattr(x, name) for name in names} for x in sd_schedulers.schedulers]

    def get_sd_models(self):
        """All checkpoints."""
        return [
            {
                "title": x.title,
                "model_name": x.model_name,
                "hash": x.shorthash,
                "sha256": x.sha256,
                "filename": x.filename,
                "config": find_checkpoint_config_near_filename(x),
            }
            for x in sd_models.checkpoints_list.values()
        ]

    def refresh_checkpoints(self):
        """Search for checkpoints again."""
        with self.queue_lock:
            shared.refresh_checkpoints()

    def get_scripts_list(self):
        """Names of the scripts of both tabs."""
        runners = scripts.scripts_txt2img, scripts.scripts_img2img
        names = [
            [script.name for script in runner.scripts if script.name is not None]
            for runner in runners
        ]
        return models.ScriptsList(txt2img=names[0], img2img=names[1])

    def get_script_info(self):
        """Controls of the scripts of both tabs."""
        every = [*scripts.scripts_txt2img.scripts, *scripts.scripts_img2img.scripts]
        return [script.api_info for script in every if script.api_info is not None]
