"""Which phrases go with a prompt, its styles and the phrases before them.

The language model chooses among what is allowed; so what ``harmony.txt`` rules out holds whatever it
would like to write.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fooocus_ext.prompting.expander.harmony import Mask, Reading, Rules


class Accord:
    """Which phrases may still be written behind one text.

    Args:
        rules: what clashes.
        says: which facts each phrase says, ``[phrases, facts]``.
        reading: what the prompt and its styles say.
        suits: which phrases need no reason, ``[phrases]``: the others must repeat something that was said,
            and none may bring what decides about the picture. None: none needs a reason.
        facets: number of the facet of each phrase, ``[phrases]``; None where they have none.
        limits: how many phrases of each facet may be written.
    """

    def __init__(
        self,
        rules: Rules,
        says: Mask,
        reading: Reading,
        *,
        suits: Mask | None = None,
        facets: npt.NDArray[np.int64] | None = None,
        limits: Sequence[int] = (),
    ) -> None:
        said = rules.columns(reading.said)
        brought = rules.given if suits is None else rules.given | rules.decides
        unsaid = (brought & ~said) | rules.never | rules.columns(reading.denied)
        self._rules = rules
        self._says = says
        self._facets = facets
        self._left = list(limits)
        self.allowed: Mask = ~(says & unsaid).any(axis=1)
        if suits is not None:
            self.allowed &= suits | (says & rules.earns & said).any(axis=1)
        self._forbid(said)

    def add(self, index: int) -> None:
        """Take a phrase: what it says counts from now on, and its facet has one place less."""
        self._forbid(self._says[index])
        if self._facets is not None and self._left:
            facet = self._facets[index]
            self._left[facet] -= 1
            if self._left[facet] <= 0:
                self.allowed &= self._facets != facet

    def _forbid(self, said: Mask) -> None:
        """Close the phrases that clash with facts, ``[facts]``."""
        forbidden = self._rules.clashes[said].any(axis=0)
        self.allowed &= ~(self._says & forbidden).any(axis=1)
