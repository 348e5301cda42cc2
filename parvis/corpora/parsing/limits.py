"""How much of the machine one document may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    bytes: int = 200_000_000  # of the file
    pages: int = 3_000
    decompressed_bytes: int = 1_000_000_000  # of what a ZIP container holds
    seconds: float = 1_200.0  # spent by the child, not waiting for whoever takes the units
    memory_bytes: int = 1_500_000_000  # address space of the child
    characters: int = 30_000_000
    members: int = 2_000  # of an archive
