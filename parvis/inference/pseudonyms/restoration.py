"""Values put back where their placeholders stand, in a text that comes in pieces cut anywhere.

What might be the beginning of a placeholder is held until it is one, or can no longer be; nothing else waits.
"""

from __future__ import annotations

import json
import re

from parvis.inference.pseudonyms.vault import CLOSING, OPENING, Vault

LONGEST = 48  # characters between the brackets, with what a model may add; as written, escapes included

_WHOLE = re.compile(rf"{OPENING}([^{OPENING}{CLOSING}]{{1,{LONGEST}}}){CLOSING}")
_UNENDED = re.compile(rf"{OPENING}[\w\s\\\-\u2010\u2011*`\u200b-\u200d\u2060]{{0,{LONGEST}}}\Z")

# Of the text of a JSON string: escapes are read one by one, so that an escaped backslash is not taken for the next one's.
_JSON_OPENING = re.compile(rf"\\u27[eE]6|{OPENING}|\\(?:u[0-9a-fA-F]{{4}}|[^u])", re.DOTALL)
_JSON_INSIDE = r"(?:\\u[0-9a-fA-F]{4}|\\[^u]|[^\\\"" + OPENING + CLOSING + r"])"
_JSON_REST = re.compile(rf"({_JSON_INSIDE}{{1,{LONGEST}}}?)(?:\\u27[eE]7|{CLOSING})", re.DOTALL)
_JSON_UNENDED = re.compile(rf"{_JSON_INSIDE}{{0,{LONGEST}}}(?:\\(?:u[0-9a-fA-F]{{0,3}})?)?\Z", re.DOTALL)
_JSON_CUT = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")


class Restorer:
    """Of one text: the content of an answer, or with `json` the text of a JSON document, whose values are escaped."""

    def __init__(self, vault: Vault, *, json: bool = False) -> None:
        self._vault = vault
        self._next = self._next_of_json if json else self._next_of_text
        self._held = ""

    @property
    def holds(self) -> bool:
        return bool(self._held)

    def push(self, piece: str) -> str:
        """What can be shown so far."""
        if not self._held and OPENING not in piece and "\\" not in piece:
            return piece
        return self._take(self._held + piece, ended=False)

    def close(self) -> str:
        """What was held."""
        return self._take(self._held, ended=True)

    def _take(self, text: str, *, ended: bool) -> str:
        shown: list[str] = []
        place = 0
        while place < len(text):
            piece, following = self._next(text, place, ended)
            if following == place:
                break
            shown.append(piece)
            place = following
        self._held = text[place:]
        return "".join(shown)

    def _next_of_text(self, text: str, place: int, ended: bool) -> tuple[str, int]:
        """What to show of the text from `place`, and where to go on; `place` itself, to wait."""
        opening = text.find(OPENING, place)
        if opening != place:
            stop = opening if opening >= 0 else len(text)
            return text[place:stop], stop
        if whole := _WHOLE.match(text, place):
            value = self._vault.value(whole[1])
            return (OPENING, place + 1) if value is None else (value, whole.end())
        return ("", place) if not ended and _UNENDED.match(text, place) else (OPENING, place + 1)

    def _next_of_json(self, text: str, place: int, ended: bool) -> tuple[str, int]:
        match = _JSON_OPENING.search(text, place)
        if match is None or match.start() > place:
            stop = match.start() if match else len(text)
            if match is None and not ended and (cut := _JSON_CUT.search(text, place)):
                stop = cut.start()
            return text[place:stop], stop
        if match[0] != OPENING and match[0].lower() != r"\u27e6":
            return match[0], match.end()
        if rest := _JSON_REST.match(text, match.end()):
            value = self._vault.value(_unescaped(rest[1]))
            return (match[0], match.end()) if value is None else (_escaped(value), rest.end())
        return ("", place) if not ended and _JSON_UNENDED.match(text, match.end()) else (match[0], match.end())


def restored(text: str, vault: Vault, *, json: bool = False) -> str:
    restorer = Restorer(vault, json=json)
    return restorer.push(text) + restorer.close()


def _escaped(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _unescaped(inside: str) -> str:
    try:
        return str(json.loads(f'"{inside}"', strict=False))
    except ValueError:
        return ""
