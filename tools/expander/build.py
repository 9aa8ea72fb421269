"""Puts the corpus together: phrases, prompts, their embeddings, and the texts sampled from them."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedded_webui.files import whole
from tools.expander.corpus import DomainFinder, Sampler, Text
from tools.expander.embeddings import embed
from tools.expander.exclusions import Exclusions, load_exclusions
from tools.expander.phrases import Phrase, own_phrases, own_words
from tools.expander.subjects import (
    PromptMaker,
    Subject,
    common_words,
    own_subjects,
    typed_subjects,
)

TEXTS_PER_PROMPT = 2
PHRASES_PER_TEXT = 9
COMMON_WORDS = 5500
LONG_SHARE = 0.12  # of the texts fill 75 tokens of CLIP, for those who want Fooocus's rule
LONG_TEXT = 22
BROAD_SHARE = 0.5  # have phrases without a reason: styles may give one, of which no text here knows


@dataclass(frozen=True)
class Material:
    """Everything that texts are made of.

    Attributes:
        phrases: what can be written.
        vectors: their unit embeddings, ``[len(phrases), 384]``.
        own: our own subjects, whose domains are known.
        subjects: all subjects.
        words: common words, for prompts about anything.
        own_vectors: unit embeddings of ``own``.
        labels: index of the domain of each of ``own``.
        domains: names of the domains.
    """

    phrases: tuple[Phrase, ...]
    vectors: NDArray[Any]
    own: tuple[Subject, ...]
    subjects: tuple[Subject, ...]
    words: tuple[str, ...]
    own_vectors: NDArray[Any]
    labels: NDArray[Any]
    domains: tuple[str, ...]


def project_exclusions() -> Exclusions:
    """Return the exclusions, with the words of our own phrases and subjects as ordinary words."""
    nouns = {word for subject in own_subjects() for word in subject.text.split()}
    return load_exclusions(own_words() | nouns)


def gather_material() -> Material:
    """Read and embed phrases and subjects."""
    exclusions = project_exclusions()
    phrases = own_phrases()
    nouns = tuple(own_subjects())
    typed = typed_subjects(exclusions, {phrase.text for phrase in phrases})
    domains = tuple(sorted({str(noun.domain) for noun in nouns}))
    return Material(
        phrases=phrases,
        vectors=embed([phrase.text for phrase in phrases]),
        own=nouns,
        subjects=nouns + tuple(typed),
        words=tuple(common_words(exclusions, COMMON_WORDS)),
        own_vectors=embed([noun.text for noun in nouns]),
        labels=np.array([domains.index(str(noun.domain)) for noun in nouns]),
        domains=domains,
    )


def write_texts(material: Material, path: Path, *, prompts: int, seed: int, workers: int) -> None:
    """Sample ``TEXTS_PER_PROMPT`` texts for each of ``prompts`` prompts into a tab-separated file."""
    maker = PromptMaker(list(material.subjects), list(material.words), seed)
    made = list(
        {subject.text: subject for subject in (maker.make() for _ in range(prompts))}.values()
    )
    vectors = embed([subject.text for subject in made])
    jobs = [
        (material, made[start::workers], vectors[start::workers], seed + start)
        for start in range(workers)
    ]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        shares = pool.map(_sample_share, jobs)
    with whole(path) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        for texts in zip(*shares, strict=False):
            file.writelines(f"{text.prompt}\t{', '.join(text.phrases)}\n" for text in texts)


def _sample_share(job: tuple[Material, list[Subject], NDArray[Any], int]) -> list[Text]:
    material, prompts, vectors, seed = job
    sampler = Sampler(
        material.phrases, material.vectors, material.own_vectors, material.labels, material.domains
    )
    finder = DomainFinder(material.own_vectors, material.labels, len(material.domains))
    random = np.random.default_rng(seed)
    sampler.calibrate(prompts, vectors, finder, random)
    texts = []
    for subject, vector in zip(prompts, vectors, strict=True):
        known = material.domains.index(subject.domain) if subject.domain else None
        weights = finder.weights(vector, known)
        for _ in range(TEXTS_PER_PROMPT):
            is_long = random.random() < LONG_SHARE
            texts.append(
                sampler.sample(
                    subject,
                    vector,
                    weights,
                    random,
                    LONG_TEXT if is_long else PHRASES_PER_TEXT,
                    broad=is_long or random.random() < BROAD_SHARE,
                )
            )
    return texts
