"""What the installation signs: heads of its logs, other members' heads that it has seen, and the key that follows its own.

Texts are signed notes, as transparency logs write them: `verifier` reads them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.verifier import COSIGNATURE, NOTE, Key, countersigned, endorsement


@dataclass(frozen=True)
class Signer:
    name: str
    private: Ed25519PrivateKey

    @property
    def key(self) -> Key:
        return Key(self.name, self.private.public_key().public_bytes_raw())

    def head(self, origin: str, size: int, root: bytes, *, at: str) -> str:
        """A signed head. `at`: when, in words of the standard ISO 8601."""
        return self._note(f"{origin}\n{size}\n{base64.b64encode(root).decode()}\nat {at}\n")

    def endorse(self, follower: Key) -> str:
        return self._note(endorsement(follower))

    def countersign(self, note: str, *, seconds: int) -> str:
        """The note, with the word that it was seen then."""
        text = note.rpartition("\n\n")[0] + "\n"
        signature = self.private.sign(countersigned(text, seconds))
        return note + self._line(COSIGNATURE, seconds.to_bytes(8, "big") + signature)

    def _note(self, text: str) -> str:
        return f"{text}\n" + self._line(NOTE, self.private.sign(text.encode()))

    def _line(self, use: int, signature: bytes) -> str:
        raw = self.key.identifier(use) + signature
        return f"\N{EM DASH} {self.name} {base64.b64encode(raw).decode()}\n"
