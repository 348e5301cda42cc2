"""How many tokens a call came to, where its provider did not count to the end: what it counted last, and for the rest an
estimate, said to be one. Pure; shared by both planes.

Each model teaches what its tokenizer makes of a byte, by the calls that its provider counted. Nothing that is estimated is
below what was counted, nor above the worst that was reserved.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from msgspec import Struct

FIRST_TOKENS, FIRST_BYTES = 30.0, 100.0  # of a model that nobody has heard yet; its first count outweighs it
FORGOTTEN_AT = 32 << 20  # bytes: what is older weighs half
MOST_MODELS = 4_096


class Heard(Struct, eq=False):
    """What passed of one call. `prompt` None: nothing was counted. `pieces` are those that carried something the model
    wrote, `said` its bytes; `counted_pieces` and `counted_said` what they were when the provider last counted."""

    prompt: int | None = None
    completion: int = 0
    cached: int = 0
    pieces: int = 0
    said: int = 0
    counted_pieces: int = 0
    counted_said: int = 0
    is_streamed: bool = True  # else nothing tells what was written before its end
    is_whole: bool = False  # it came to its end

    def hear(self, said: int) -> None:
        if said:
            self.pieces += 1
            self.said += said

    def count(self, prompt: int, completion: int, cached: int) -> None:
        self.prompt, self.completion, self.cached = prompt, completion, min(cached, prompt)
        self.counted_pieces, self.counted_said = self.pieces, self.said

    @property
    def is_counted(self) -> bool:
        """To the last word that was heard."""
        return self.prompt is not None and self.pieces == self.counted_pieces


class Tokens(Struct, frozen=True):
    """Cached ones are among those of the prompt."""

    prompt: int
    cached: int
    completion: int
    is_estimated: bool


@dataclass(slots=True)
class _Ratio:
    tokens: float = FIRST_TOKENS
    bytes: float = FIRST_BYTES

    def learn(self, tokens: int, size: int) -> None:
        self.tokens += tokens
        self.bytes += size
        if self.bytes > FORGOTTEN_AT:
            self.tokens, self.bytes = self.tokens / 2, self.bytes / 2

    def of(self, size: int) -> int:
        return -int(-size * self.tokens // self.bytes)


@dataclass(slots=True)
class Tokenizer:
    """As far as it is known of one model."""

    asked: _Ratio = field(default_factory=_Ratio)
    said: _Ratio = field(default_factory=_Ratio)

    def tokens(self, heard: Heard, *, most_in: int, most_out: int) -> Tokens:
        """`most_in` and `most_out` are what was reserved; the first is the size of the request, in bytes."""
        if heard.is_counted and heard.prompt is not None:
            if heard.is_whole:
                self._learn(heard, most_in)
            return Tokens(heard.prompt, heard.cached, heard.completion, is_estimated=False)
        prompt = min(self.asked.of(most_in), most_in) if heard.prompt is None else heard.prompt
        if not (heard.is_streamed or heard.is_whole):
            return Tokens(prompt, heard.cached, most_out, is_estimated=True)
        pieces, said = heard.pieces - heard.counted_pieces, heard.said - heard.counted_said
        completion = min(heard.completion + max(pieces, self.said.of(said)), max(most_out, heard.completion))
        return Tokens(prompt, heard.cached, completion, is_estimated=True)

    def _learn(self, heard: Heard, asked: int) -> None:
        self.asked.learn(heard.prompt or 0, asked)
        if heard.is_streamed and heard.said:
            self.said.learn(heard.completion, heard.said)


class Tokenizers:
    """Of one process, by model. From any thread: two that teach at once may lose one lesson."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Tokenizer] = {}

    def of(self, model: Hashable) -> Tokenizer:
        found = self._known.get(model)
        if found is None:
            if len(self._known) >= MOST_MODELS:
                self._known.clear()
            found = self._known.setdefault(model, Tokenizer())
        return found
