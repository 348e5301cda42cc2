"""One version of a harmonised need as plain data, and the hash that every document made from it bears."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass

LEVELS = ("P", "I", "S")  # primordiale, importante, souhaitable


@dataclass(frozen=True, slots=True)
class Requirement:
    code: str  # EX-001: lasts for the life of the need
    level: str  # one of LEVELS
    text: str
    verification: str = ""  # how it is verified
    institutions: tuple[str, ...] = ()  # none: it applies to all


@dataclass(frozen=True, slots=True)
class Specification:
    reference: str  # BH-012
    version: int
    title: str
    description: str
    scope: str = ""
    out_of_scope: str = ""
    working_group: str = ""
    requirements: tuple[Requirement, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the words and the requirements: RFC 8785 order and escapes, texts composed (NFC), lines ended by \\n.

        Neither co-signatures nor the register enter it: they grow while the version stays what it is.
        """
        said = {
            "reference": self.reference,
            "version": self.version,
            "title": _canonical(self.title),
            "description": _canonical(self.description),
            "scope": _canonical(self.scope),
            "out_of_scope": _canonical(self.out_of_scope),
            "working_group": _canonical(self.working_group),
            "requirements": [
                {
                    "code": one.code,
                    "level": one.level,
                    "text": _canonical(one.text),
                    "verification": _canonical(one.verification),
                    "institutions": sorted(_canonical(name) for name in one.institutions),
                }
                for one in sorted(self.requirements, key=lambda one: one.code)
            ],
        }
        serial = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(serial.encode()).hexdigest()


def _canonical(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())
