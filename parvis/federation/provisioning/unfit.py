"""What cannot be done with people and groups, as a code: the sentence is made where it is shown."""

from __future__ import annotations


class Unfit(Exception):
    """What was asked cannot be done; `code` has its sentence in `sentences`."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code, self.params = code, params
