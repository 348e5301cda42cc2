"""Tells a listing (commands, code, configuration) from prose, where the document does not say."""

from __future__ import annotations

import re

from parvis.retrieval.analysis import fold

MOST_FUNCTION_WORDS = 0.08  # of its words; French and English prose have a quarter and more
FEWEST_SIGNS = 2


def is_listing(text: str) -> bool:
    words = _WORD.findall(fold(text))
    function_words = sum(word in _FUNCTION_WORDS for word in words)
    if max(map(len, words), default=0) < 4 or function_words > MOST_FUNCTION_WORDS * len(words):
        return False
    signs = len(_SIGN.findall(_ADDRESS.sub("", text)))
    return _PROMPT.search(text) is not None or (signs >= FEWEST_SIGNS and 10 * signs >= len(words))


_WORD = re.compile(r"[^\W\d_]+")
_FUNCTION_WORDS = frozenset(
    """
    a au aux avec ce ces cet cette d dans de des du elle en est et il ils l la le les leur lorsque mais n ne on ou par pas
    pour qu que qui s sa se ses si son sont sur un une vous y
    and are as at be by for from has have if in is it not of on or that the this to was which will with you
    """.split()
)
_ADDRESS = re.compile(r"\b(?:https?|ftp)://\S+|\S+@\S+")
# A formula has none of these: "W = n R T / V", "T_0", "x < 0".
_SIGN = re.compile(
    r"""[{}$\\\#~;]|<[a-zA-Z/]|--\w|/?(?:[\w.-]{2,}/)+[\w.-]{2,}|[a-z]{2}_[a-z]{2}|\b\w{2,}=\w|::|\w\(\)|2>&1
    |^\s*(?:\d+\s+)?[A-Z][a-z]+(?:-[A-Z][a-z]+)*:[ ]""",
    re.MULTILINE | re.VERBOSE,
)
_PROMPT = re.compile(r"^\s*(?:[$#%]|>>>)\s+[a-z./]", re.M)
