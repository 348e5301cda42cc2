"""Nothing of a protected passage comes out: no run of eight of its words, nor the whole of a shorter one, however spaced,
hyphenated or accented."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from parvis.retrieval.analysis import fold

LONGEST_RUN = 8  # words
SHORTEST_PASSAGE = 3  # words: fewer are anybody's


class Guard:
    """Follows what has been let out, so that a run cut between two sentences is seen too.

    Compared letter by letter without spaces and marks; a translation, a cipher or a paraphrase is not recognised."""

    def __init__(self, protected: Iterable[str], shown: Iterable[str] = ()) -> None:
        """A passage too short to hold a run is guarded whole, unless one of those `shown` says it too."""
        elsewhere = [_letters(text) for text in shown]
        self._runs = {run for text in protected for run in _runs(text, elsewhere)}
        self._memory = max(map(len, self._runs), default=1)
        self._let_out = ""

    def allows(self, text: str) -> bool:
        """Whether the text may follow what came out before."""
        stream = self._let_out + _letters(text) if self._runs else ""
        return not any(run in stream for run in self._runs)

    def lets_out(self, text: str) -> bool:
        """As `allows`, and what is allowed is remembered as having come out."""
        if not self.allows(text):
            return False
        if self._runs:
            self._let_out = (self._let_out + _letters(text))[-self._memory :]
        return True


def _runs(text: str, elsewhere: Sequence[str]) -> set[str]:
    words = [letters for word in _WORD.findall(fold(text)) if (letters := _letters(word))]
    if SHORTEST_PASSAGE <= len(words) < LONGEST_RUN:
        whole = "".join(words)
        return set() if any(whole in letters for letters in elsewhere) else {whole}
    return {"".join(words[start : start + LONGEST_RUN]) for start in range(len(words) - LONGEST_RUN + 1)}


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))


_WORD = re.compile(r"[^\W_]+")
