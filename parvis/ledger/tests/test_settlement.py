"""A batch is settled once, whole or not at all, and the database keeps what was settled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from msgspec.structs import replace

from conftest import House
from parvis.audit.models import Entry
from parvis.ledger.actions.settlement import Settled, balances, correct, settle, value
from parvis.ledger.models import Call, PriceBook, Rate, Transfer
from parvis.ledger.personal import forget
from parvis.ledger.pricing import Unit
from parvis.ledger.tests.calls import NOON, book_in_force, call
from parvis.ledger.usage import Carbon, EventId, Outcome, Quantities, Usage
from parvis.personal import Subject

pytestmark = pytest.mark.django_db
JANUARY = date(2026, 1, 1)
ONE_CALL = 130_000  # nano-euro, in the book of `calls`


def test_a_call_is_recorded_and_charged_at_the_price_of_its_own_time(house: House) -> None:
    here = house.institution.id
    book_in_force(here, JANUARY)
    later = book_in_force(here, date(2026, 10, 16), input_euros=1, output_euros=3)
    after = datetime(2026, 10, 15, 22, tzinfo=UTC)  # midnight in Paris
    batch = [call(here, 1), call(here, 2, occurred_at=after)]
    assert settle(batch) == Settled(recorded=2)
    assert list(Transfer.unscoped.values_list("amount_nano", flat=True)) == [ONE_CALL, 10 * ONE_CALL]
    assert Call.unscoped.get(sequence=2).price_version == later.version
    assert balances(here) == {"use/UFR Droit/assistant:1": 11 * ONE_CALL, "owed": -11 * ONE_CALL}


@pytest.mark.parametrize("seed", range(4))
def test_any_batch_handed_in_twice_changes_nothing(house: House, seed: int) -> None:
    random, here, there = Random(seed), house.institution.id, house.neighbour_institution.id
    book_in_force(None, JANUARY)
    calls = [_drawn(random, random.choice((here, there)), number) for number in range(60)]
    settle(calls[: random.randrange(60)])
    settle(random.sample(calls, 40))
    settle(calls)
    rows = list(Call.unscoped.order_by("id").values_list("id", flat=True))
    before = balances(here), balances(there)
    random.shuffle(calls)
    again = settle(calls + calls[:10])
    assert (again.recorded, again.replayed, again.contradicted) == (0, 70, ())
    assert list(Call.unscoped.order_by("id").values_list("id", flat=True)) == rows
    assert (balances(here), balances(there)) == before
    assert len(rows) == 60
    priced = sum(one.outcome != Outcome.REFUSED and one.model_id == 7 for one in calls)
    assert Transfer.unscoped.count() == priced
    for side, found in zip((here, there), before, strict=True):
        assert sum(found.values()) == 0
        told = Transfer.unscoped.filter(institution=side).values_list("amount_nano", flat=True)
        assert sum(told) == sum(amount for account, amount in found.items() if account.startswith("use/"))


def _drawn(random: Random, institution_id: int, number: int) -> Usage:
    return call(
        institution_id,
        number,
        event=EventId(1 + number % 3, number),
        quantities=Quantities(random.randrange(9_000), 0, random.randrange(2_000)),
        outcome=random.choice(list(Outcome)),
        model_id=random.choice((7, 7, 7, 8)),
        component=random.choice(("", "UFR Droit", "IUT")),
        carbon=random.choice((None, Carbon(3, 9, "ecologits 0.11.3"))),
    )


def test_a_call_without_a_price_is_not_valued_and_never_free(house: House) -> None:
    here = house.institution.id
    settled = settle([call(here, 1), call(here, 2, outcome=Outcome.REFUSED, quantities=Quantities())])
    assert settled == Settled(recorded=2, unvalued=1)
    assert not Transfer.unscoped.exists()
    book_in_force(here, JANUARY)
    assert settle([call(here, 1)]).replayed == 1
    assert not Transfer.unscoped.exists(), "handing it in again values nothing"
    assert value(here) == 1
    assert value(here) == 0
    charge = Transfer.unscoped.get()
    assert (charge.amount_nano, charge.call.sequence, charge.price_version) == (ONE_CALL, 1, PriceBook.unscoped.get().version)


def test_what_was_told_first_stands_and_what_contradicts_it_is_evidence(house: House) -> None:
    here = house.institution.id
    book_in_force(here, JANUARY)
    first, second = call(here, 1), call(here, 1, quantities=Quantities(5, 0, 5))
    assert settle([first, second]).contradicted == (EventId(1, 1),)
    assert settle([second, call(here, 2)]) == Settled(recorded=1, contradicted=(EventId(1, 1),))
    assert Call.unscoped.get(sequence=1).input_tokens == 1_000
    assert Entry.objects.filter(action="ledger.contradict", institution_id=here).count() == 2


def test_what_cannot_be_true_stops_no_other(house: House) -> None:
    here = house.institution.id
    naive = replace(call(here, 3), occurred_at=datetime(2026, 10, 1))  # noqa: DTZ001 - what is refused
    wrong = [
        call(10**12, 1),
        call(here, 2, quantities=Quantities(-1)),
        naive,
        call(here, 4, amount_nano=5),
        call(here, 5, quantities=Quantities(2**63)),
        call(here, 6, component="a\0b"),
    ]
    settled = settle([*wrong, call(here, 7)])
    assert settled.recorded == 1
    assert [event.sequence for event in settled.refused] == [1, 2, 3, 4, 5, 6]


def test_the_price_that_came_with_the_call_is_kept(house: House) -> None:
    settle([call(house.institution.id, 1, price_version="book:9", amount_nano=42)])
    assert Transfer.unscoped.get().amount_nano == 42


def test_a_correction_is_a_reversal_once(house: House) -> None:
    here = house.institution.id
    book_in_force(here, JANUARY)
    settle([call(here, 1), call(here, 2)])
    first, second = Transfer.unscoped.all()
    right = correct(first, actor="person:1", reason="tokens counted twice", amount_nano=30_000)
    correct(second, actor="person:1", reason="never sent")
    assert balances(here) == {"use/UFR Droit/assistant:1": 30_000, "owed": -30_000}
    for again in (first, second):
        with pytest.raises(IntegrityError), transaction.atomic():
            correct(again, actor="person:1", reason="again")
    correct(right, actor="person:1", reason="nothing after all")
    assert set(balances(here).values()) == {0}
    with pytest.raises(ValueError, match="not reversed"):
        correct(Transfer.unscoped.get(reverses=first), actor="person:1", reason="no")


CHANGES = [
    "UPDATE ledger_transfer SET amount_nano = 0",
    "UPDATE ledger_transfer SET reason = 'x'",
    "DELETE FROM ledger_transfer",
    "UPDATE ledger_call SET output_tokens = 0",
    "UPDATE ledger_call SET person_id = 2",
    "UPDATE ledger_call SET person_id = NULL, input_tokens = 0",
    "DELETE FROM ledger_call",
    "UPDATE ledger_pricebook SET starts_date = '2020-01-01'",
    "UPDATE ledger_pricebook SET published_at = NULL",
    "DELETE FROM ledger_pricebook",
    "UPDATE ledger_rate SET amount_nano = 0",
    "DELETE FROM ledger_rate",
    "INSERT INTO ledger_rate (institution_id, book_id, model_id, model_name, unit, amount_nano)"
    " SELECT institution_id, book_id, 9, 'x', unit, 0 FROM ledger_rate",
    "UPDATE ledger_expensestatement SET total_nano = 0",
    "DELETE FROM ledger_expensestatement",
    "UPDATE ledger_reconciliation SET is_flagged = NOT is_flagged",
    "DELETE FROM ledger_reconciliation",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_the_database_refuses_to_change_what_is_settled(house: House, kept: None, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"append-only|not changed"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own way round")
def test_nor_to_replace_it(house: House, kept: None) -> None:
    for table in ("ledger_call", "ledger_transfer", "ledger_expensestatement"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own way round")
def test_nor_to_empty_it(house: House, kept: None) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute("TRUNCATE ledger_transfer CASCADE")


@pytest.fixture
def kept(house: House) -> None:
    from parvis.ledger.models import ExpenseStatement, Reconciliation

    here = house.institution.id
    book_in_force(here, JANUARY)
    settle([call(here, 1)])
    common = {"institution_id": here, "month_date": date(2026, 10, 1), "made_by": "person:1"}
    ExpenseStatement.unscoped.create(number=1, nature="statement", total_nano=1, digest="0", **common)
    Reconciliation.unscoped.create(file_name="f", file_digest="0", invoiced_nano=1, counted_nano=1, is_flagged=False, **common)


def test_a_draft_of_a_book_is_changed_and_removed(house: House) -> None:
    book = PriceBook.unscoped.create(
        institution=house.institution, name="B", starts_date=JANUARY, source="s", source_date=JANUARY, created_by="person:1"
    )
    Rate.unscoped.create(institution=house.institution, book=book, model_id=1, model_name="m", unit=Unit.INPUT, amount_nano=1)
    Rate.unscoped.update(amount_nano=2)
    book.delete()
    assert not Rate.unscoped.exists()


def test_who_called_is_forgotten_and_what_it_cost_is_not(house: House) -> None:
    here, person = house.institution.id, house.student.person_id
    book_in_force(here, JANUARY)
    usage = call(here, 1, person_id=person, key_id=None)
    settle([usage])
    forget(Subject(person, here, frozenset({house.student.id})))
    row = Call.unscoped.get()
    assert (row.person_id, row.input_tokens, Transfer.unscoped.get().amount_nano) == (None, 1_000, ONE_CALL)
    assert settle([usage]).replayed == 1, "a replay does not bring them back"
    assert Call.unscoped.get().person_id is None


def test_a_batch_stands_or_falls_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full, or the database gone, after the calls and before the charges."""
    from parvis.ledger.actions import settlement

    here = house.institution.id
    book_in_force(here, JANUARY)
    insert = settlement._insert_rows

    def fail(table: str, *given: object, **named: object) -> object:
        if table == "ledger_transfer":
            raise OSError("No space left on device")
        return insert(table, *given, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(settlement, "_insert_rows", fail)
        with pytest.raises(OSError, match="space"):
            settle([call(here, number) for number in range(5)], now=NOON)
    assert not Call.unscoped.exists()
    assert settle([call(here, number) for number in range(5)]).recorded == 5
    assert Transfer.unscoped.count() == 5
