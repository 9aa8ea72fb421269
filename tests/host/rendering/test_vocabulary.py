"""Words to tokens, with the webui's embeddings among them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from fooocus_ext.host.rendering.vocabulary import Vocabulary


class Embeddings:
    """The webui's database of embeddings, as far as it is asked here."""

    def __init__(self, **named):
        self.ids_lookup = {}
        for name, vectors in named.items():
            ids = letters([name])[0]
            vec = {"clip_l": torch.arange(vectors)[:, None], "clip_g": torch.ones(vectors, 2)}
            embedding = SimpleNamespace(name=name, vec=vec, vectors=vectors)
            self.ids_lookup.setdefault(ids[0], []).append((ids, embedding))

    def find_embedding_at_position(self, tokens, offset):
        for ids, embedding in self.ids_lookup.get(tokens[offset], ()):
            if tokens[offset : offset + len(ids)] == ids:
                return embedding, len(ids)
        return None, None


def letters(words):
    """A tokenizer to which every letter is a token."""
    return [[ord(letter) for letter in word] for word in words]


def vocabulary(tokenizer=None, **named):
    wrapper = SimpleNamespace(tokenize=letters)
    return Vocabulary(
        SimpleNamespace(wrapper=wrapper, tokenizer=tokenizer, embeddings=Embeddings(**named))
    )


def spelled(found, *words, weight=1.3):
    return [
        "".join("*" if token.vector is not None else chr(token.number) for token in word)
        for word in found.tokens(words, weight)
    ]


def test_each_word_is_a_group_of_its_own_with_the_weight_of_all():
    assert spelled(vocabulary(), "red", "fox") == ["red", "fox"]
    (word,) = vocabulary().tokens(["red"], 1.3)
    assert {token.weight for token in word} == {1.3}
    assert list(vocabulary().tokens([], 1.0)) == []


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["dusk"], ["***"]),
        (["dusk,"], ["***", ","]),
        (["(dusk,dusk"], ["(", "***", ",", "***"]),
        (["red", "dusk", "fox"], ["red", "***", "fox"]),
        (["embedding:styles/dusk.pt", "fox"], ["***", "fox"]),
        (["dus"], ["dus"]),
    ],
)
def test_an_embedding_is_found_by_its_name_wherever_it_stands(words, wanted):
    assert spelled(vocabulary(dusk=3), *words) == wanted


def test_each_token_of_an_embedding_has_its_own_vector():
    (word,) = vocabulary(dusk=3).tokens(["dusk"], 1.0)
    assert [int(token.vector.vec["clip_l"]) for token in word] == [0, 1, 2]
    assert [token.vector.vec["clip_g"].shape for token in word] == [(1, 2)] * 3
    assert {token.vector.name for token in word} == {"dusk"}


def test_texts_are_not_mended_and_the_webuis_tokenizer_goes_on_mending():
    class Tokenizer:
        """transformers' CLIPTokenizer, as far as it matters here."""

        def __init__(self):
            self.fix_text = lambda text: text.replace("\u201c", '"')

        def __call__(self, words, **_options):
            if self.fix_text is None:
                return {"input_ids": letters("".join(self.nlp.tokenize(word)) for word in words)}
            return {"input_ids": letters(map(self.fix_text, words))}

    tokenizer = Tokenizer()
    assert spelled(vocabulary(tokenizer), "\u201cFox") == ["\u201cfox"]
    assert tokenizer(["\u201c"])["input_ids"] == [[ord('"')]]
