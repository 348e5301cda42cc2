"""Reversible pseudonyms: what names a person is replaced before a model is asked, and put back in what it answers.

Without Django, network or clock. `detection` finds, `vault` names, `bodies` reads whole requests, `restoration` puts back,
also in streams. See docs/decisions/0021-pseudonymisation.md for what is covered and what is not.
"""

from __future__ import annotations


class PseudonymsUnavailableError(Exception):
    """What was asked cannot be pseudonymised, so it must not be sent. `code` is one of:

    pseudonyms_unavailable (no directory, or a fault), pseudonyms_unreadable (an image, a sound, a file, tokens instead of
    words), pseudonyms_too_long. It never holds a word of the text, nor do its causes."""

    def __init__(self, code: str = "pseudonyms_unavailable") -> None:
        super().__init__(code)
        self.code = code
