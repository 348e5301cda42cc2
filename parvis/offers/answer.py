"""What a vendor answers to one version of a need, as plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from parvis.needs.specification import Requirement, Specification

# Standard, adaptation by settings, specific development, not covered, outside what the vendor does or not feasible.
CODES = ("ST", "DS", "DEV", "SP", "HP")
ZONES = ("on-prem", "fr", "eu", "world")
NANO = 10**9  # nano-euro in a euro


@dataclass(frozen=True, slots=True)
class Frame:
    """What is asked: the requirements of one version, in one request."""

    request: str  # SI-003
    specification: Specification

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        return self.specification.requirements

    def marks(self) -> dict[str, str]:
        """What the row of each requirement bears, hidden, so that it is known again whatever was done to it."""
        version = (self.request, self.specification.fingerprint)
        return {
            one.code: hashlib.sha256("\0".join((*version, one.code)).encode()).hexdigest()[:16] for one in self.requirements
        }


@dataclass(frozen=True, slots=True)
class Line:
    """The answer to a requirement. No code is "sans réponse", which is never conformity."""

    requirement: str
    code: str | None = None
    proof: str = ""  # words, or an address
    available_date: date | None = None
    comment: str = ""

    @property
    def lacks_its_date(self) -> bool:
        """What is still to be written is a promise, and a promise has a day."""
        return self.code == "DEV" and self.available_date is None


@dataclass(frozen=True, slots=True)
class Price:
    """A line of the price book, before tax, from a quantity on, between two days that both belong to it."""

    label: str
    unit: str
    amount_nano: int  # per unit, in nano-euro
    tier_from: int = 0
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """What is said once, whatever the requirement. None and "" are "sans réponse"."""

    product: str = ""
    summary: str = ""
    processor: str = ""
    zone: str | None = None
    no_training: bool | None = None
    no_training_date: date | None = None
    no_training_document: str = ""
    accessibility: str = ""
    reversibility: str = ""


@dataclass(frozen=True, slots=True)
class GridError:
    sheet: str
    row: int  # as the spreadsheet shows it; 0 when what is wrong is that a row is not there
    column: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grid:
    lines: tuple[Line, ...] = ()  # of the rows without fault, empty answers included
    prices: tuple[Price, ...] = ()
    company: Company = Company()
    errors: tuple[GridError, ...] = ()

    def line(self, requirement: str) -> Line:
        return next((line for line in self.lines if line.requirement == requirement), Line(requirement))
