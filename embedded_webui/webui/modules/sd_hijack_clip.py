"""Doubles modules/sd_hijack_clip.py: prompts of any length in chunks of 75 tokens, with weights."""

from __future__ import annotations

import math

import torch

from modules import devices, prompt_parser, sd_emphasis, sd_hijack
from modules.shared import opts

CHUNK_LENGTH = 75


class PromptChunk:
    """77 tokens, start and end marks included, and their weights."""

    def __init__(self):
        self.tokens = []
        self.multipliers = []
        self.fixes = []


class _Chunker:
    """Fills chunks token by token; a text after a nearby comma moves to the next chunk as a whole."""

    def __init__(self, encoder):
        self.encoder = encoder
        self.chunks = []
        self.token_count = 0
        self._start_chunk([], [])

    def _start_chunk(self, tokens, multipliers):
        self.tokens, self.multipliers = tokens, multipliers
        self.last_comma = -1

    def close_chunk(self, is_last=False):
        self.token_count += len(self.tokens) if is_last else CHUNK_LENGTH
        missing = CHUNK_LENGTH - len(self.tokens)
        chunk = PromptChunk()
        chunk.tokens = [self.encoder.id_start, *self.tokens, *[self.encoder.id_end] * (missing + 1)]
        chunk.multipliers = [1.0, *self.multipliers, *[1.0] * (missing + 1)]
        self.chunks.append(chunk)
        self._start_chunk([], [])

    def add(self, token, weight):
        full = len(self.tokens) == CHUNK_LENGTH
        if token == self.encoder.comma_token:
            self.last_comma = len(self.tokens)
        elif full and self._comma_is_near():
            kept = self.last_comma + 1
            moved = self.tokens[kept:], self.multipliers[kept:]
            self.tokens, self.multipliers = self.tokens[:kept], self.multipliers[:kept]
            self.close_chunk()
            self._start_chunk(*moved)
        if len(self.tokens) == CHUNK_LENGTH:
            self.close_chunk()
        self.tokens.append(token)
        self.multipliers.append(weight)

    def _comma_is_near(self) -> bool:
        limit = opts.comma_padding_backtrack
        return limit != 0 and self.last_comma != -1 and len(self.tokens) - self.last_comma <= limit


class TextConditionalModel(torch.nn.Module):
    """Texts to [B, 77 k, C], and the pooled state of the first chunk if the encoder has one."""

    def __init__(self):
        super().__init__()
        self.hijack = sd_hijack.model_hijack
        self.chunk_length = CHUNK_LENGTH
        self.is_trainable = False
        self.input_key = "txt"
        self.return_pooled = False
        self.comma_token = None
        self.id_start = None
        self.id_end = None
        self.id_pad = None

    def empty_chunk(self):
        """The chunk of an empty text."""
        chunk = PromptChunk()
        chunk.tokens = [self.id_start] + [self.id_end] * (self.chunk_length + 1)
        chunk.multipliers = [1.0] * (self.chunk_length + 2)
        return chunk

    def get_target_prompt_token_count(self, token_count):
        """The number of tokens at which a prompt needs one chunk more."""
        return math.ceil(max(token_count, 1) / self.chunk_length) * self.chunk_length

    def tokenize(self, texts):
        """Token ids of each text, without marks."""
        raise NotImplementedError

    def encode_with_transformers(self, tokens):
        """[B,77] token ids to [B,77,C]; a pooled state is an attribute of the tensor."""
        raise NotImplementedError

    def tokenize_line(self, line):
        """(chunks, number of tokens) of a prompt."""
        parsed = (
            [[line, 1.0]] if opts.emphasis == "None" else prompt_parser.parse_prompt_attention(line)
        )
        chunker = _Chunker(self)
        for tokens, (text, weight) in zip(
            self.tokenize([text for text, _ in parsed]), parsed, strict=True
        ):
            if text == "BREAK" and weight == -1:
                chunker.close_chunk()
                continue
            for token in tokens:
                chunker.add(token, weight)
        if chunker.tokens or not chunker.chunks:
            chunker.close_chunk(is_last=True)
        return chunker.chunks, chunker.token_count

    def process_texts(self, texts):
        """(chunks of each text, largest number of tokens)."""
        known = {line: self.tokenize_line(line) for line in dict.fromkeys(texts)}
        return [known[line][0] for line in texts], max(
            (count for _, count in known.values()), default=0
        )

    def forward(self, texts):
        batch_chunks, _ = self.process_texts(texts)
        encoded = []
        for i in range(max(len(chunks) for chunks in batch_chunks)):
            row = [chunks[i] if i < len(chunks) else self.empty_chunk() for chunks in batch_chunks]
            self.hijack.fixes = [chunk.fixes for chunk in row]
            encoded.append(
                self.process_tokens([x.tokens for x in row], [x.multipliers for x in row])
            )
        if opts.emphasis != "Original" and any("(" in x or "[" in x for x in texts):
            self.hijack.extra_generation_params["Emphasis"] = opts.emphasis
        if self.return_pooled:
            return torch.hstack(encoded), encoded[0].pooled
        return torch.hstack(encoded)

    def process_tokens(self, remade_batch_tokens, batch_multipliers):
        """One chunk of every text through the encoder, weights applied."""
        tokens = torch.asarray(remade_batch_tokens).to(devices.device)
        if self.id_end != self.id_pad:
            for row, ids in enumerate(remade_batch_tokens):
                tokens[row, ids.index(self.id_end) + 1 :] = self.id_pad
        z = self.encode_with_transformers(tokens)
        pooled = getattr(z, "pooled", None)
        emphasis = sd_emphasis.get_current_option(opts.emphasis)()
        emphasis.tokens = remade_batch_tokens
        emphasis.multipliers = torch.asarray(batch_multipliers).to(devices.device)
        emphasis.z = z
        emphasis.after_transformers()
        z = emphasis.z
        if pooled is not None:
            z.pooled = pooled
        return z


class FrozenCLIPEmbedderWithCustomWordsBase(TextConditionalModel):
    """Around a text encoder, `wrapped`."""

    def __init__(self, wrapped, hijack):
        super().__init__()
        self.hijack = hijack
        self.wrapped = wrapped
        self.is_trainable = getattr(wrapped, "is_trainable", False)
        self.input_key = getattr(wrapped, "input_key", "txt")
        self.return_pooled = getattr(wrapped, "return_pooled", False)
        self.legacy_ucg_val = None
        self.tokenizer = wrapped.tokenizer
        self.comma_token = self.tokenizer.comma_id
        self.id_start = self.tokenizer.bos_token_id
        self.id_end = self.tokenizer.eos_token_id
        self.id_pad = self.id_end

    def tokenize(self, texts):
        return self.tokenizer(texts, truncation=False, add_special_tokens=False)["input_ids"]


class FrozenCLIPEmbedderWithCustomWords(FrozenCLIPEmbedderWithCustomWordsBase):
    """CLIP-L in SD 1.5, with clip skip."""

    def encode_with_transformers(self, tokens):
        skip = opts.CLIP_stop_at_last_layers
        outputs = self.wrapped.encode_tokens(tokens)
        if skip > 1:
            return self.wrapped.transformer.text_model.final_layer_norm(
                outputs.hidden_states[-skip]
            )
        return outputs.last_hidden_state


class FrozenCLIPEmbedderForSDXLWithCustomWords(FrozenCLIPEmbedderWithCustomWordsBase):
    """CLIP-L in SDXL."""

    def encode_with_transformers(self, tokens):
        hidden = self.wrapped.layer == "hidden"
        outputs = self.wrapped.encode_tokens(tokens)
        if opts.sdxl_clip_l_skip is True:
            return outputs.hidden_states[-opts.CLIP_stop_at_last_layers]
        return (
            outputs.hidden_states[self.wrapped.layer_idx] if hidden else outputs.last_hidden_state
        )


class FrozenOpenCLIPEmbedder2WithCustomWords(FrozenCLIPEmbedderWithCustomWordsBase):
    """OpenCLIP bigG in SDXL; pads with token 0."""

    def __init__(self, wrapped, hijack):
        super().__init__(wrapped, hijack)
        self.id_pad = 0

    def encode_with_transformers(self, tokens):
        encoded = self.wrapped.encode_with_transformer(tokens)
        z = encoded[self.wrapped.layer]
        z.pooled = encoded["pooled"]
        return z
