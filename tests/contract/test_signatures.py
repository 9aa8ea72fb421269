"""The host's names that the extension calls, with the parameters that it gives them."""

from __future__ import annotations

import importlib
import inspect

import pytest

from tests.contract.hosts import FAMILY

pytestmark = pytest.mark.skipif(
    not FAMILY.asks_after_calls,
    reason="these are A1111's names; the adapter of Forge's family finds its own by features",
)

FUNCTIONS = {
    "script_callbacks.on_cfg_denoiser": ["callback"],
    "script_callbacks.on_cfg_denoised": ["callback"],
    "script_callbacks.on_model_loaded": ["callback"],
    "script_callbacks.on_ui_settings": ["callback"],
    "script_callbacks.on_before_ui": ["callback"],
    "script_callbacks.on_infotext_pasted": ["callback"],
    "script_callbacks.on_app_started": ["callback"],
    "script_callbacks.on_script_unloaded": ["callback"],
    "scripts.Script.before_process": ["self", "p", "args"],
    "scripts.Script.process": ["self", "p", "args"],
    "scripts.Script.postprocess": ["self", "p", "processed", "args"],
    "scripts.Script.elem_id": ["self", "item_id"],
    "sd_models.checkpoint_tiles": [],
    "sd_models.list_models": [],
    "sd_models.get_closet_checkpoint_match": ["search_string"],
    "sd_models.get_checkpoint_state_dict": ["checkpoint_info", "timer"],
    "sd_models.load_model": ["checkpoint_info", "already_loaded_state_dict"],
    "prompt_parser.reconstruct_multicond_batch": ["c", "current_step"],
    "prompt_parser.reconstruct_cond_batch": ["c", "current_step"],
    "prompt_parser.DictWithShape": ["x", "shape"],
    "processing.StableDiffusionProcessing.setup_conds": ["self"],
    "processing.StableDiffusionProcessing.close": ["self"],
    "processing.StableDiffusionProcessing.comment": ["self", "text"],
    "processing.StableDiffusionProcessingTxt2Img.calculate_hr_conds": ["self"],
    "processing.process_images": ["p"],
    "extra_networks.activate": ["p", "extra_network_data"],
    "devices.torch_gc": [],
    "devices.autocast": [],
    "ui_common.create_refresh_button": [
        "refresh_component",
        "refresh_method",
        "refreshed_args",
        "elem_id",
    ],
    "shared.OptionInfo": ["default", "label", "component", "component_args", "section", "infotext"],
    "options.Options.add_option": ["self", "key", "info"],
}

ATTRIBUTES = {
    "script_callbacks": ["callback_map"],
    "scripts": ["AlwaysVisible", "scripts_data", "scripts_txt2img", "scripts_img2img"],
    "shared": ["opts", "cmd_opts", "state", "sd_model"],
    "devices": ["device", "cpu", "dtype", "dtype_unet", "unet_needs_upcast"],
    "sd_models": ["model_data", "SkipWritingToConfig", "checkpoints_list", "checkpoint_aliases"],
    "sd_hijack": ["model_hijack"],
    "sd_vae": ["base_vae", "loaded_vae_file", "checkpoint_info"],
    "sd_unet": ["current_unet"],
    "ui_components": ["InputAccordion"],
    "timer": ["Timer"],
    "paths": ["data_path", "models_path", "script_path"],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_what_the_extension_gives_it(session_host, name):
    module, *path = name.split(".")
    function = importlib.import_module(f"modules.{module}")
    for part in path:
        function = getattr(function, part)
    parameters = inspect.signature(function).parameters
    missing = [parameter for parameter in FUNCTIONS[name] if parameter not in parameters]
    assert not missing, f"{name}{inspect.signature(function)}"
    required = {
        parameter.name
        for parameter in parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    assert required <= set(FUNCTIONS[name])


@pytest.mark.parametrize("module", ATTRIBUTES)
def test_a_module_has_what_the_extension_reads(session_host, module):
    missing = [
        n for n in ATTRIBUTES[module] if not hasattr(getattr(session_host.modules, module), n)
    ]
    assert not missing


def test_callbacks_carry_what_the_extension_reads(session_host):
    callbacks = session_host.modules.script_callbacks
    wanted = {
        "CFGDenoiserParams": "x image_cond sigma sampling_step text_cond text_uncond",
        "CFGDenoisedParams": "x sampling_step total_sampling_steps inner_model",
        "AfterCFGCallbackParams": "x sampling_step total_sampling_steps",
    }
    for name, parameters in wanted.items():
        signature = inspect.signature(getattr(callbacks, name).__init__)
        assert set(parameters.split()) <= set(signature.parameters), name


def test_model_data_has_what_the_extension_saves(host):
    data = host.modules.sd_models.model_data
    assert data.loaded_sd_models == [data.sd_model]
    database = host.modules.sd_hijack.model_hijack.embedding_db
    assert {"ids_lookup", "word_embeddings", "expected_shape"} <= set(vars(database))
