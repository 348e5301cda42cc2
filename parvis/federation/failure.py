"""What can go wrong between Parvis and an identity provider, as a code: the sentence is made where it is shown."""

from __future__ import annotations

AWAY = frozenset({"slow", "unreachable", "provider_status"})  # it may answer in a moment


class SignInError(Exception):
    """`detail` is for administrators: never a secret, a token or a value of an attribute."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
