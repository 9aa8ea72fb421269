"""Doubles modules/sd_hijack.py.

Wraps a loaded model's text encoders and keeps process-wide state about it.
"""

from __future__ import annotations

import torch

from modules import shared

optimizers: list = []
current_optimizer = None


class EmbeddingDatabase:
    """Textual inversion without embeddings: counts its reloads and remembers for which width they were."""

    def __init__(self):
        self.ids_lookup: dict = {}
        self.word_embeddings: dict = {}
        self.skipped_embeddings: dict = {}
        self.embedding_dirs: dict = {}
        self.expected_shape = -1
        self.previously_displayed_embeddings = ()
        self.loads = 0

    def add_embedding_dir(self, path):
        """Folders are noted, not read."""
        self.embedding_dirs[path] = path

    def get_expected_shape(self):
        """Width of the active model's text encoder."""
        embedder = getattr(shared.sd_model.cond_stage_model, "wrapped", None)
        if embedder is None or not hasattr(embedder, "shape"):
            embedder = shared.sd_model.conditioner.embedders[0].wrapped
        return embedder.shape.width

    def load_textual_inversion_embeddings(self, force_reload=False):
        """Refit to the active model's width; without `force_reload` nothing has changed on disk."""
        if force_reload:
            self.expected_shape = self.get_expected_shape()
            self.loads += 1


class StableDiffusionModelHijack:
    """`layers` and `clip` always belong to the model that was hijacked last."""

    fixes = None
    layers = None
    circular_enabled = False
    clip = None
    optimization_method = "sdp"

    def __init__(self):
        self.extra_generation_params = {}
        self.comments = []
        self.embedding_db = EmbeddingDatabase()
        self.embedding_db.add_embedding_dir(shared.cmd_opts.embeddings_dir)

    def hijack(self, m):
        """Wrap the text encoders; sets `m.cond_stage_model`."""
        from modules import sd_hijack_clip

        wrappers = {
            "FrozenOpenCLIPEmbedder2": sd_hijack_clip.FrozenOpenCLIPEmbedder2WithCustomWords,
            "FrozenCLIPEmbedder": sd_hijack_clip.FrozenCLIPEmbedderForSDXLWithCustomWords,
        }
        conditioner = getattr(m, "conditioner", None)
        if conditioner is None:
            m.cond_stage_model = sd_hijack_clip.FrozenCLIPEmbedderWithCustomWords(
                m.cond_stage_model, self
            )
        else:
            text = []
            for i, embedder in enumerate(conditioner.embedders):
                wrapper = wrappers.get(type(embedder).__name__)
                if wrapper is not None:
                    conditioner.embedders[i] = wrapper(embedder, self)
                    text.append(conditioner.embedders[i])
            m.cond_stage_model = text[0] if len(text) == 1 else conditioner
        self.clip = m.cond_stage_model
        self.layers = list(m.modules())

    def undo_hijack(self, m):
        """Unwrap them again."""
        conditioner = getattr(m, "conditioner", None)
        if conditioner is None:
            m.cond_stage_model = getattr(m.cond_stage_model, "wrapped", m.cond_stage_model)
        else:
            for i, embedder in enumerate(conditioner.embedders):
                conditioner.embedders[i] = getattr(embedder, "wrapped", embedder)
            if hasattr(m, "cond_stage_model"):
                del m.cond_stage_model
        self.apply_circular(False)
        self.layers = None
        self.clip = None

    def apply_circular(self, enable):
        """Tiling: convolutions wrap around."""
        if self.circular_enabled == enable:
            return
        self.circular_enabled = enable
        for layer in self.layers:
            if type(layer) is torch.nn.Conv2d:
                layer.padding_mode = "circular" if enable else "zeros"

    def clear_comments(self):
        """A job starts."""
        self.comments = []
        self.extra_generation_params = {}

    def get_prompt_lengths(self, text):
        """(tokens, tokens until the next chunk); dashes while no model is loaded."""
        if self.clip is None:
            return "-", "-"
        _, token_count = self.clip.process_texts([text])
        return token_count, self.clip.get_target_prompt_token_count(token_count)


model_hijack = StableDiffusionModelHijack()
