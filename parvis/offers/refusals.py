"""Why an act of this package was refused."""

from __future__ import annotations

from typing import Any


class Impossible(Exception):
    """The act is somebody's to do, but not as things stand. `code` has its sentence in `offers.messages`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params
