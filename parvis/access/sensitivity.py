"""How sensitive data are, and where they may be computed: words that rules, routing and the data plane share."""

from __future__ import annotations

from collections.abc import Iterable

ZONES = ("on_prem", "fr", "eu", "world")  # nearest first
DATA_CLASSES = ("public", "internal", "personal", "sensitive")  # least sensitive first


def highest(data_classes: Iterable[str], *, default: str = "internal") -> str:
    """The class of what is made of several: that of its most sensitive part. A part that says nothing ("") has the default,
    which is its institution's; so has what is made of nothing."""
    return max((one or default for one in data_classes), key=DATA_CLASSES.index, default=default)
