"""What a model sends and how it fails, as plain data: shared by the HTTP client and by those who read its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

Message = dict[str, str]

TEMPLATE_TOKENS = 64  # what a provider's template adds to each message: far less than that


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer. The counts come with the last pieces, from providers that give them: cached tokens are among those
    of the prompt. Two are not the model's: `notice`, a code that the person is told a sentence for before the first words,
    and `nano_euro`, what the whole cost, after the last ones where its price is known."""

    text: str = ""
    finish: str = ""  # why it ended: "stop", "length", "content_filter"…
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    unsaid: int = 0  # bytes that the model wrote, and that are no part of the answer: what it thought, tools it would call
    notice: str = ""
    nano_euro: int | None = None


# Closing the iterator hangs up on the provider.
Model = Callable[[list[Message]], AsyncIterator[Delta]]


class UpstreamError(Exception):
    """A model did not answer as it should. `code` is one of:

    unreachable, forbidden_address (of the machine itself), refused_key, unknown_model, refused (another 4xx), too_long,
    rate_limited (params: retry_after, seconds or None), overloaded (params: status), stalled, cut, garbage, too_large, empty
    (of a trial: not a word).
    Neither the exception nor its causes ever hold the key or the address's credentials."""

    def __init__(self, code: str, **params: str | int | float | None) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class ModelWithheldError(UpstreamError):
    """Nothing was sent to a model, and the documents are to be quoted instead."""


# Nothing was sent, or the provider says that it did nothing: nothing is owed.
_NOTHING_DONE = frozenset({"unreachable", "forbidden_address", "refused_key", "unknown_model", "rate_limited"})


def is_owed(error: UpstreamError) -> bool:
    """Whether a provider may charge for what ended so before its first word."""
    return error.code not in _NOTHING_DONE and "status" not in error.params
