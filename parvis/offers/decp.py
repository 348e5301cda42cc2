"""Contracts out of the open data of French public procurement (DECP, arrêté of 22 December 2022, and the format before it).

The files met are not the schema's: a list or one object where the other is due, holders wrapped once, twice or not at all,
keys in lower case with dots or underscores, numbers as text, "NC" and "CDL" for what is not known, identifiers that a
spreadsheet stripped of their zeros. What can be read is read; what cannot is said by row and field; a row without an
identifier, a buyer or a subject is skipped. An amount is not known rather than zero.
"""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

EURO = 10**9  # nano-euro
MOST_EUROS = 10**10  # beyond, a slip of the keyboard: such amounts are published
MOST_MONTHS = 99 * 12

Json = Any  # whatever a stranger's file holds


@dataclass(frozen=True, slots=True)
class Supplier:
    """`kind` of identifier: SIRET, TVA, HORS-UE … The current format gives no name."""

    id: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Modification:
    """What replaces the contract's own values from that day on; None or empty where it replaces nothing."""

    notified: date | None
    months: int | None
    amount: int | None
    suppliers: tuple[Supplier, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """As first published. Amounts are nano-euro, taxes excluded, for the whole term; a ceiling if `is_framework`."""

    id: str
    buyer_siret: str
    subject: str
    cpv: str
    nature: str
    procedure: str
    notified: date | None
    months: int | None
    amount: int | None
    suppliers: tuple[Supplier, ...]
    innovative: bool | None
    offers_received: int | None
    is_framework: bool
    framework_id: str
    modifications: tuple[Modification, ...] = ()

    @property
    def uid(self) -> str:
        """An identifier is a buyer's own; with the buyer it is everyone's."""
        return f"{self.buyer_siret}-{self.id}"

    def as_modified(self) -> Contract:
        """With the latest value of what was modified."""
        months, amount, suppliers = self.months, self.amount, self.suppliers
        for modification in self.modifications:
            months = modification.months or months
            amount = modification.amount if modification.amount is not None else amount
            suppliers = modification.suppliers or suppliers
        return replace(self, months=months, amount=amount, suppliers=suppliers, modifications=())

    @property
    def yearly_amount(self) -> int | None:
        """Spread evenly over the term: a first guess for a portfolio, to be confirmed."""
        return None if self.amount is None or not self.months else self.amount * 12 // self.months

    @property
    def end_date(self) -> date | None:
        """The first day after the term."""
        if self.notified is None or self.months is None:
            return None
        years, month = divmod(self.notified.month - 1 + self.months, 12)
        year = self.notified.year + years
        return date(year, month + 1, min(self.notified.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Problem:
    """`row` from 1, `id` as far as it is known. Codes: field_missing, field_unreadable, value_implausible, not_a_contract,
    concession. A row not `skipped` was imported without the field."""

    row: int
    id: str
    code: str
    field: str
    value: str
    skipped: bool


@dataclass(frozen=True, slots=True)
class Parsed:
    contracts: tuple[Contract, ...]
    problems: tuple[Problem, ...]


class DecpError(Exception):
    """The file is not JSON, or holds no list of contracts: code `not_json` or `no_contracts`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse(data: bytes, sirens: Collection[str] | None = None) -> Parsed:
    """A contract published several times is one contract with the modifications of all of them. With `sirens`, only what
    these buyers bought; whatever is wrong with the rest of a national file is not said."""
    contracts: dict[str, Contract] = {}
    problems: list[Problem] = []
    for number, values in enumerate(_rows(_load(data)), 1):
        if sirens is not None and not (isinstance(values, dict) and _siren(values) in sirens):
            continue
        if not isinstance(values, dict):
            problems.append(Problem(number, "", "not_a_contract", "", str(values)[:80], skipped=True))
        elif contract := _Row(number, values, problems).contract():
            known = contracts.get(contract.uid)
            contracts[contract.uid] = _merged(known, contract) if known else contract
    return Parsed(tuple(contracts.values()), tuple(problems))


def _load(data: bytes) -> Json:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    try:
        return _with_plain_keys(json.loads(text, parse_float=Decimal, parse_constant=lambda _: None))
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise DecpError("not_json") from error


def _with_plain_keys(value: Json) -> Json:
    if isinstance(value, dict):
        return {key.strip().lower().replace(".", "_"): _with_plain_keys(item) for key, item in value.items()}
    return [_with_plain_keys(item) for item in value] if isinstance(value, list) else value


def _rows(content: Json) -> Iterator[Json]:
    """Of {marches: {marche: […]}}, {marches: […]}, a portal's {results: […]} or {records: [{fields}]}, or a bare list."""
    if isinstance(content, list):
        for item in content:
            yield item["fields"] if isinstance(item, dict) and isinstance(item.get("fields"), dict) else item
        return
    if not isinstance(content, dict):
        raise DecpError("no_contracts")
    inside = [content[key] for key in ("marches", "marche", "contrat-concession", "results", "records") if key in content]
    if not inside and "id" in content:
        inside = [[content]]
    if not inside:
        raise DecpError("no_contracts")
    for item in inside:
        nested = isinstance(item, dict) and not {"marche", "contrat-concession", "marches"} & item.keys()
        yield from _rows([item] if nested and item else item)


_T = TypeVar("_T")
_UNKNOWN = frozenset({"", "NC", "CDL", "NAN", "NULL", "NONE", "N/A", "INCONNU", "SANS OBJET"})
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_FRENCH_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})$")
_FLAGS = {"true": True, "1": True, "oui": True, "false": False, "0": False, "non": False}


class _ImplausibleError(ValueError):
    pass


@dataclass(frozen=True, slots=True)
class _Row:
    """One contract of the file. What cannot be read of it goes to `problems`."""

    number: int
    values: Mapping[str, Json]
    problems: list[Problem]

    def contract(self) -> Contract | None:
        missing = self._why_skipped()
        if missing:
            self._say(*missing, skipped=True)
            return None
        nature = self._text("nature")
        return Contract(
            id=self._text("id"),
            buyer_siret=_siret(_buyer(self.values)),
            subject=" ".join(self._text("objet").split()),
            cpv=self._read("codecpv", _cpv) or "",
            nature=nature,
            procedure=self._text("procedure"),
            notified=self._read("datenotification", _date),
            months=self._read("dureemois", _months),
            amount=self._read("montant", _amount),
            suppliers=self._suppliers(),
            innovative=self._read("marcheinnovant", _flag),
            offers_received=self._read("offresrecues", _count),
            is_framework="accord-cadre" in f"{nature} {self.values.get('techniques', self.values.get('technique'))}".lower(),
            framework_id=self._text("idaccordcadre"),
            modifications=_in_order(self._modifications()),
        )

    def _why_skipped(self) -> tuple[str, str, Json] | None:
        kind = f"{self._text('_type')} {self._text('nature')}"
        if "concession" in kind.lower() or self.values.get("concessionnaires"):
            return "concession", "nature", kind.strip()
        for field, text in (("id", self._text("id")), ("objet", self._text("objet")), ("acheteur.id", _buyer(self.values))):
            if not text:
                return "field_missing", field, None
        try:
            _siret(_buyer(self.values))
        except ValueError:
            return "field_unreadable", "acheteur.id", _buyer(self.values)
        return None

    def _suppliers(self) -> tuple[Supplier, ...]:
        columns = ("id", "typeidentifiant", "denominationsociale")
        numbered = [{name: self.values.get(f"titulaire_{name}{n}") for name in columns} for n in ("", "_1", "_2", "_3")]
        found = _suppliers([self.values.get("titulaires"), numbered])
        if not found:
            self._say("field_missing", "titulaires", None)
        return found

    def _modifications(self) -> Iterator[Modification]:
        """Nested, or, in a portal's flat rows, one in columns of its own."""
        columns = {name: self.values.get(f"{name}modification") for name in ("datenotification", "dureemois", "montant")}
        for values in (*_objects(self.values.get("modifications")), columns):
            row = _Row(self.number, {**values, "id": self.values.get("id")}, self.problems)
            dated = "datenotificationmodification" if "datenotificationmodification" in values else "datenotification"
            yield Modification(
                notified=row._read(dated, _date),
                months=row._read("dureemois", _months),
                amount=row._read("montant", _amount),
                suppliers=_suppliers(values.get("titulaires")),
            )

    def _text(self, field: str) -> str:
        return _text(self.values.get(field))

    def _read(self, field: str, reader: Callable[[str], _T]) -> _T | None:
        """None for what is not known, and for what is not readable, which is said."""
        text = self._text(field)
        if not text:
            return None
        try:
            return reader(text)
        except _ImplausibleError:
            self._say("value_implausible", field, text)
        except (ValueError, ArithmeticError):
            self._say("field_unreadable", field, text)
        return None

    def _say(self, code: str, field: str, value: Json, *, skipped: bool = False) -> None:
        text = "" if value is None else str(value)[:80]
        self.problems.append(Problem(self.number, self._text("id"), code, field, text, skipped))


def _buyer(values: Mapping[str, Json]) -> str:
    buyer = values.get("acheteur")
    return _text(buyer.get("id", buyer.get("siret")) if isinstance(buyer, dict) else values.get("acheteur_id"))


def _siren(values: Mapping[str, Json]) -> str:
    try:
        return _siret(_buyer(values))[:9]
    except ValueError:
        return ""


def _merged(one: Contract, other: Contract) -> Contract:
    return replace(one, modifications=_in_order((*one.modifications, *other.modifications)))


def _in_order(modifications: Iterable[Modification]) -> tuple[Modification, ...]:
    """Without those that modify nothing we keep, nor repetitions; undated ones first."""
    telling = dict.fromkeys(m for m in modifications if m.months or m.amount is not None or m.suppliers)
    return tuple(sorted(telling, key=lambda modification: modification.notified or date.min))


def _suppliers(value: Json) -> tuple[Supplier, ...]:
    found = (
        Supplier(_text(v.get("id")), _text(v.get("typeidentifiant")) or "SIRET", _text(v.get("denominationsociale")))
        for v in _objects(value)
    )
    return tuple(dict.fromkeys(supplier for supplier in found if supplier.id))


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    """The objects inside lists and wrappers such as {"titulaire": {…}}, however deep."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
    elif isinstance(value, dict):
        wrapped = value.get("titulaire", value.get("modification")) if len(value) == 1 else None
        if wrapped is None:
            yield value
        else:
            yield from _objects(wrapped)


def _text(value: Json) -> str:
    """ "" for what a file says it does not know."""
    if value is None or isinstance(value, dict | list):
        return ""
    text = str(value).strip()
    return "" if text.upper() in _UNKNOWN else text


def _siret(text: str) -> str:
    digits = re.sub(r"[\s.]|\.0$", "", text).rjust(14, "0")  # spreadsheets drop the zeros in front
    if not re.fullmatch(r"\d{14}", digits) or not digits.strip("0"):
        raise ValueError(text)
    return digits


def _cpv(text: str) -> str:
    digits = re.sub(r"-\d$", "", text).rjust(8, "0")
    if not re.fullmatch(r"\d{8}", digits):
        raise ValueError(text)
    return digits


def _date(text: str) -> date:
    if found := _FRENCH_DATE.match(text):
        day, month, year = map(int, found.groups())
    elif found := _DATE.match(text):
        year, month, day = map(int, found.groups())
    else:
        raise ValueError(text)
    if not 1950 <= year <= 2100:
        raise _ImplausibleError
    return date(year, month, day)


def _count(text: str) -> int:
    number = Decimal(text)
    if not number.is_finite() or not 0 <= number < 10**6 or number != int(number):
        raise ValueError(text)
    return int(number)


def _months(text: str) -> int:
    months = _count(text)
    if not 0 < months <= MOST_MONTHS:
        raise _ImplausibleError
    return months


def _amount(text: str) -> int:
    euros = Decimal(re.sub(r"\s|€", "", text).replace(",", "."))
    if not euros.is_finite():
        raise ValueError(text)
    if not 0 < euros <= MOST_EUROS:
        raise _ImplausibleError
    return int(euros * EURO)


def _flag(text: str) -> bool:
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        raise ValueError(text) from None
