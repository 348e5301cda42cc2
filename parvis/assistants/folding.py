"""Words compared as people mean them, without case or accents: in Python and in the database alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Func, TextField

from parvis.retrieval.analysis import fold

_SAME: Mapping[str, str] = {"’": "'", "\u00a0": " ", "\u202f": " "}


def folded(text: str) -> str:
    """ "césure" and "CESURE" give the same. The length may change."""
    return fold(text).translate(str.maketrans(dict[str, str | int | None](_SAME)))


def find(words: str, text: str) -> tuple[int, int] | None:
    """Where `text` holds `words`, in offsets of `text`."""
    wanted, kept, places = folded(words), "", list[int]()
    for place, character in enumerate(text):
        piece = folded(character)
        kept += piece
        places += [place] * len(piece)
    at = kept.find(wanted)
    return (places[at], places[at + len(wanted) - 1] + 1) if wanted and at >= 0 else None


class Folded(Func):
    """`folded`, of a column. PostgreSQL has no such function without an extension: the letters of Latin scripts are
    translated one by one."""

    function = "parvis_folded"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        connection.ensure_connection()
        connection.connection.create_function("parvis_folded", 1, _folded_value, deterministic=True)
        return self.as_sql(compiler, connection, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "translate(replace(replace(lower(%(expressions)s), 'œ', 'oe'), 'æ', 'ae'), %%s, %%s)"
        sql, params = self.as_sql(compiler, connection, template=template, **context)
        return sql, (*params, _FROM, _TO)


def _folded_value(text: object) -> str | None:
    return None if text is None else folded(str(text))


_LETTERS = {chr(code): folded(chr(code)) for code in range(0xC0, 0x250)}
_PAIRS = {**_SAME} | {letter: plain for letter, plain in _LETTERS.items() if len(plain) == 1 and plain.isascii()}
_FROM, _TO = "".join(_PAIRS), "".join(_PAIRS.values())
