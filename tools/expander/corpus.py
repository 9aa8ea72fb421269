"""Writes the training texts: prompts followed by phrases that suit them.

Which phrases suit a prompt is decided by three numbers per phrase: whether it was written for this kind
of subject, how much nearer it is to this prompt than to the average prompt (sentence embeddings), and
how well it goes with the phrases already chosen. A sample of that choice, text by text, is what the
language model learns; so it can choose without the embedding model, which is ten times its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.expander.phrases import Phrase
from tools.expander.subjects import FINISHES, Subject, finish_of_medium

# How many phrases of a facet one text may hold, and how early they tend to come (0 first).
FACETS = {
    "material": (4, 0.4),
    "detail": (4, 0.6),
    "setting": (2, 0.5),
    "light": (4, 0.5),
    "mood": (3, 1.0),
    "colour": (2, 1.2),
    "composition": (2, 1.2),
    "style": (2, 1.6),
    "finish": (4, 1.5),
}
CONCRETE = (
    "material",
    "detail",
    "setting",
)  # these name things, so they must belong to the subject
SUBJECT_WEIGHT = 0.8  # per standard deviation of similarity to the prompt
CONCRETE_WEIGHT = 1.7
HARMONY_WEIGHT = 0.45  # per standard deviation of similarity to the phrases chosen so far
DOMAIN_WEIGHT = 2.6
MINED_PENALTY = 1.1
POOL = 500  # only the best-suited phrases compete
CALIBRATION_ROUNDS, CALIBRATION_TEXTS = 3, 600
COMMON_SHARE = 0.035  # a phrase in a larger share of the texts is worn out and made less likely
TOO_ALIKE = 0.82  # cosine similarity above which a phrase only says again what stands there
FAR_SETTING = 0.25  # a second place must be this similar to the first


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
        vectors: np.ndarray,
        reference: np.ndarray,
        labels: np.ndarray,
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
        self._neutral = np.array(["any" in phrase.domains for phrase in phrases])
        named = [_finish_of(phrase) for phrase in phrases]
        self._finish = {
            finish: np.array([n in (None, finish) for n in named]) for finish in FINISHES
        }
        is_finish = np.array([bool(phrase.domains & set(FINISHES)) for phrase in phrases])
        self._always = self._neutral | is_finish
        facets = ["finish" if f else p.facet for p, f in zip(phrases, is_finish, strict=True)]
        self._facet = np.array([list(FACETS).index(facet) for facet in facets])
        self._concrete = np.isin(facets, CONCRETE) & ~self._always
        self._mined = np.array([phrase.mined for phrase in phrases])
        words = sorted({word for phrase in phrases for word in phrase.text.split()})
        self._bias = np.zeros(len(phrases))
        self._word_index = {word: index for index, word in enumerate(words)}
        self._uses = np.zeros((len(phrases), len(words)), dtype=bool)
        for row, phrase in enumerate(phrases):
            self._uses[row, [self._word_index[word] for word in phrase.text.split()]] = True

    def suitability(
        self, vector: np.ndarray, domain_weights: np.ndarray, finish: str
    ) -> np.ndarray:
        """Return a log weight per phrase for a prompt, ``-inf`` where it must not be used."""
        similarity = self._vectors @ vector
        best = int(domain_weights.argmax())
        nearness = (similarity - self._mean) / self._deviation
        nearness += (similarity - self._domain_mean[best]) / self._domain_deviation[best]
        weight = np.where(self._concrete, CONCRETE_WEIGHT, SUBJECT_WEIGHT)
        fits = np.where(self._always, 0.55, (self._membership * domain_weights).max(1))
        score = weight * np.clip(nearness / 2, -2, 2.5) + DOMAIN_WEIGHT * np.log(fits.clip(0.01))
        score = np.where(self._finish[finish], score, -np.inf)
        return score - MINED_PENALTY * self._mined + self._bias

    def calibrate(
        self,
        prompts: Sequence[Subject],
        vectors: np.ndarray,
        finder: DomainFinder,
        random: np.random.Generator,
    ) -> None:
        """Make phrases less likely that come with nearly every prompt, by writing some texts."""
        place = {phrase.text: index for index, phrase in enumerate(self._phrases)}
        for _ in range(CALIBRATION_ROUNDS):
            counts = np.zeros(len(self._phrases))
            for index in random.integers(len(prompts), size=CALIBRATION_TEXTS):
                weights = finder.weights(vectors[index], None)
                text = self.sample(prompts[index], vectors[index], weights, random, 24)
                counts[[place[phrase] for phrase in text.phrases]] += 1
            self._bias -= np.log(np.maximum(counts / CALIBRATION_TEXTS / COMMON_SHARE, 1))

    def sample(
        self,
        subject: Subject,
        vector: np.ndarray,
        domain_weights: np.ndarray,
        random: np.random.Generator,
        count: int,
    ) -> Text:
        """Return ``count`` phrases for a prompt, fewer if nothing is left.

        No word of the prompt and none of an earlier phrase comes again.
        """
        finish = subject.finish or str(random.choice(FINISHES, p=(0.45, 0.3, 0.1, 0.15)))
        score = self.suitability(vector, domain_weights, finish)
        score[self._blocked_by(subject.text)] = -np.inf
        pool = np.argsort(score + random.gumbel(size=len(score)) * 0.35)[-POOL:]
        score = score[pool]
        used = np.zeros(len(FACETS))
        limits = np.array([limit for limit, _ in FACETS.values()]) * max(1.0, count / 20)
        lateness = np.array([late for _, late in FACETS.values()])
        chosen: list[int] = []
        while len(chosen) < count:
            step = len(chosen) / 17
            facet_bias = -np.abs(lateness - 1.8 * step) * 0.9 - 0.9 * used
            weight = score + np.where(used < limits, facet_bias, -np.inf)[self._facet[pool]]
            if chosen:
                weight = weight + HARMONY_WEIGHT * self._harmony(chosen, pool)
            best = int(np.argmax(weight + random.gumbel(size=len(weight)) * 0.6))
            if np.isinf(weight[best]):
                break
            pick = int(pool[best])
            chosen.append(pick)
            used[self._facet[pick]] += 1
            score[self._blocks(pick)[pool]] = -np.inf
        return Text(subject.text, tuple(self._phrases[index].text for index in chosen))

    def _blocked_by(self, prompt: str) -> np.ndarray:
        words = [self._word_index[word] for word in prompt.split() if word in self._word_index]
        return self._uses[:, words].any(1)

    def _blocks(self, pick: int) -> np.ndarray:
        blocks = self._uses[:, self._uses[pick]].any(1) | (self._alike[pick] > TOO_ALIKE)
        setting = list(FACETS).index("setting")
        if self._facet[pick] == setting:
            blocks |= (self._facet == setting) & (self._alike[pick] < FAR_SETTING)
        return blocks

    def _harmony(self, chosen: list[int], pool: np.ndarray) -> np.ndarray:
        mean = self._alike[np.ix_(chosen[-6:], pool)].mean(0)
        return np.clip((mean - mean.mean()) / mean.std(), -2.5, 2.5)


def _finish_of(phrase: Phrase) -> str | None:
    """The finish that a phrase belongs to: by its file, or because its style names a medium."""
    for finish in FINISHES:
        if finish in phrase.domains:
            return finish
    return finish_of_medium(phrase.text) if phrase.facet == "style" else None


class DomainFinder:
    """Finds the domains of a prompt by its nearest subjects.

    Args:
        vectors: unit embeddings of subjects with known domain.
        labels: index of each one's domain.
        count: number of domains.
    """

    def __init__(self, vectors: np.ndarray, labels: np.ndarray, count: int) -> None:
        self._vectors = vectors
        self._one_hot = np.eye(count)[labels]

    def weights(self, vector: np.ndarray, known: int | None) -> np.ndarray:
        """Return a weight from 0 to 1 per domain; ``known`` is counted as certain."""
        similarity = self._vectors @ vector
        nearest = np.argsort(similarity)[-12:]
        closeness = np.exp(14 * (similarity[nearest] - similarity[nearest].max()))
        weights = closeness @ self._one_hot[nearest] / closeness.sum()
        if known is not None:
            weights = np.maximum(weights * 0.7, np.eye(len(weights))[known])
        return np.clip(weights, 0.02, 1.0)
