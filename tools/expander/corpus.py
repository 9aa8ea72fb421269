"""Writes the training texts: prompts followed by phrases that suit them.

Which phrases suit a prompt is decided by three numbers per phrase: whether it was written for this kind
of subject, how much nearer it is to this prompt than to the average prompt (sentence embeddings), and
how well it goes with the phrases already chosen. What would fight the prompt is closed by the rules that hold
when the model writes, too (``fooocus_ext/prompting/expander/harmony.py``). A sample of that choice, text by
text, is what the language model learns; so it can choose without the embedding model, which is ten times its
size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fooocus_ext.prompting.expander.accord import Accord
from fooocus_ext.prompting.expander.limits import facet_limits
from fooocus_ext.prompting.expander.rules_file import load_rules
from tools.expander.exclusions import words_of
from tools.expander.phrases import ANY, MEDIUM, Phrase
from tools.expander.subjects import Subject

# How early the phrases of a facet tend to come (0 first).
LATENESS = {
    "light": 0.5,
    "medium": 0.2,
    "mood": 0.8,
    "colour": 0.9,
    "detail": 0.8,
    "composition": 1.2,
    "finish": 1.3,
}
SUBJECT_WEIGHT = 1.0  # per standard deviation of similarity to the prompt
HARMONY_WEIGHT = 0.35  # per standard deviation of similarity to the phrases chosen so far
DOMAIN_WEIGHT = 2.6
NEUTRAL_FIT = (
    0.45  # what a phrase that suits anything is worth against one of the prompt's own kind, 1
)
MEDIUM_FIT = 2.0  # the technique of the medium that the prompt names
POOL = 300  # only the best-suited phrases compete
CALIBRATION_ROUNDS, CALIBRATION_TEXTS = 3, 600
COMMON_SHARE = 0.03  # a phrase in a larger share of the texts is worn out and made less likely
TOO_ALIKE = 0.82  # cosine similarity above which a phrase only says again what stands there


@dataclass(frozen=True)
class Text:
    """One training text: the prompt and the phrases behind it."""

    prompt: str
    phrases: tuple[str, ...]


class Sampler:
    """Chooses phrases for prompts.

    Args:
        phrases: what to choose from.
        vectors: unit embeddings of the phrases, ``[len(phrases), 384]``.
        reference: unit embeddings of many prompts, ``[n, 384]``: the "average prompt".
        labels: index of the domain of each reference prompt, ``[n]``.
        domains: names of the domains, as in ``phrases/``.
    """

    def __init__(
        self,
        phrases: Sequence[Phrase],
        vectors: NDArray[Any],
        reference: NDArray[Any],
        labels: NDArray[Any],
        domains: Sequence[str],
    ) -> None:
        self._phrases = phrases
        self._vectors = vectors
        self._alike = vectors @ vectors.T
        similarity = vectors @ reference.T
        self._mean, self._deviation = similarity.mean(1), similarity.std(1)
        groups = [similarity[:, labels == index] for index in range(len(domains))]
        self._domain_mean = np.stack([group.mean(1) for group in groups])
        self._domain_deviation = np.stack([group.std(1) for group in groups])
        self._membership = np.array([[d in phrase.domains for d in domains] for phrase in phrases])
        self._neutral = np.array([ANY in phrase.domains for phrase in phrases])
        self._medium = np.array([phrase.facet == MEDIUM for phrase in phrases])
        self._facet = np.array([list(LATENESS).index(phrase.facet) for phrase in phrases])
        self._rules = load_rules()
        self._says = self._rules.says(phrase.text for phrase in phrases)
        self._suits = self._rules.suit(phrase.text for phrase in phrases)
        self._bias = np.zeros(len(phrases))
        words = sorted({word for phrase in phrases for word in phrase.text.split()})
        self._word_index = {word: index for index, word in enumerate(words)}
        self._uses = np.zeros((len(phrases), len(words)), dtype=bool)
        for row, phrase in enumerate(phrases):
            self._uses[row, [self._word_index[word] for word in phrase.text.split()]] = True

    def suitability(self, vector: NDArray[Any], domain_weights: NDArray[Any]) -> NDArray[Any]:
        """Return a log weight per phrase for a prompt."""
        similarity = self._vectors @ vector
        best = int(domain_weights.argmax())
        nearness = (similarity - self._mean) / self._deviation
        nearness += (similarity - self._domain_mean[best]) / self._domain_deviation[best]
        fits = (self._membership * domain_weights).max(1)
        fits = np.where(self._neutral, np.maximum(fits, NEUTRAL_FIT), fits)
        fits = np.where(self._medium, MEDIUM_FIT, fits)
        score = SUBJECT_WEIGHT * np.clip(nearness / 2, -2, 2.5)
        return np.asarray(score + DOMAIN_WEIGHT * np.log(fits.clip(0.01)) + self._bias)

    def calibrate(
        self,
        prompts: Sequence[Subject],
        vectors: NDArray[Any],
        finder: DomainFinder,
        random: np.random.Generator,
    ) -> None:
        """Make phrases less likely that come with nearly every prompt, by writing some texts."""
        place = {phrase.text: index for index, phrase in enumerate(self._phrases)}
        for _ in range(CALIBRATION_ROUNDS):
            counts = np.zeros(len(self._phrases))
            for index in random.integers(len(prompts), size=CALIBRATION_TEXTS):
                weights = finder.weights(vectors[index], None)
                text = self.sample(prompts[index], vectors[index], weights, random, 9)
                counts[[place[phrase] for phrase in text.phrases]] += 1
            self._bias -= np.log(np.maximum(counts / CALIBRATION_TEXTS / COMMON_SHARE, 1))

    def sample(
        self,
        subject: Subject,
        vector: NDArray[Any],
        domain_weights: NDArray[Any],
        random: np.random.Generator,
        count: int,
        *,
        broad: bool = False,
    ) -> Text:
        """Return ``count`` phrases for a prompt, fewer if nothing is left.

        No word of the prompt and none of an earlier phrase comes again, and nothing clashes. Each phrase
        suits every picture or repeats what the prompt says; ``broad``: it needs no reason.
        """
        score = self.suitability(vector, domain_weights)
        score[self._blocked_by(subject.text)] = -np.inf
        limits = facet_limits(list(LATENESS), count)
        reading = self._rules.read(subject.text)
        suits = None if broad else self._suits
        accord = Accord(
            self._rules, self._says, reading, suits=suits, facets=self._facet, limits=limits
        )
        score[~accord.allowed] = -np.inf
        pool = np.argsort(score + random.gumbel(size=len(score)) * 0.35)[-POOL:]
        score = score[pool]
        used = np.zeros(len(LATENESS))
        lateness = np.array(list(LATENESS.values()))
        chosen: list[int] = []
        while len(chosen) < count:
            facet_bias = -np.abs(lateness - 1.6 * len(chosen) / count) * 0.9 - 0.9 * used
            weight = score + facet_bias[self._facet[pool]]
            if chosen:
                weight = weight + HARMONY_WEIGHT * self._harmony(chosen, pool)
            best = int(np.argmax(weight + random.gumbel(size=len(weight)) * 0.6))
            if np.isinf(weight[best]):
                break
            pick = int(pool[best])
            chosen.append(pick)
            used[self._facet[pick]] += 1
            accord.add(pick)
            score[(self._blocks(pick) | ~accord.allowed)[pool]] = -np.inf
        return Text(subject.text, tuple(self._phrases[index].text for index in chosen))

    def _blocked_by(self, prompt: str) -> NDArray[Any]:
        words = [self._word_index[w] for w in words_of(prompt) if w in self._word_index]
        return np.asarray(self._uses[:, words].any(1))

    def _blocks(self, pick: int) -> NDArray[Any]:
        return np.asarray(self._uses[:, self._uses[pick]].any(1) | (self._alike[pick] > TOO_ALIKE))

    def _harmony(self, chosen: list[int], pool: NDArray[Any]) -> NDArray[Any]:
        mean = self._alike[np.ix_(np.asarray(chosen[-6:]), pool)].mean(0)
        return np.asarray(np.clip((mean - mean.mean()) / mean.std(), -2.5, 2.5))


class DomainFinder:
    """Finds the domains of a prompt by its nearest subjects.

    Args:
        vectors: unit embeddings of subjects with known domain.
        labels: index of each one's domain.
        count: number of domains.
    """

    def __init__(self, vectors: NDArray[Any], labels: NDArray[Any], count: int) -> None:
        self._vectors = vectors
        self._one_hot = np.eye(count)[labels]

    def weights(self, vector: NDArray[Any], known: int | None) -> NDArray[Any]:
        """Return a weight from 0 to 1 per domain; ``known`` is counted as certain."""
        similarity = self._vectors @ vector
        nearest = np.argsort(similarity)[-12:]
        closeness = np.exp(14 * (similarity[nearest] - similarity[nearest].max()))
        weights = closeness @ self._one_hot[nearest] / closeness.sum()
        if known is not None:
            weights = np.maximum(weights * 0.7, np.eye(len(weights))[known])
        return np.asarray(np.clip(weights, 0.02, 1.0))
