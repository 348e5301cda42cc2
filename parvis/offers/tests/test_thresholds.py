from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from parvis.offers import thresholds
from parvis.offers.thresholds import Purchase

TABLE = thresholds.read_table()
BEFORE, AFTER = date(2026, 3, 31), date(2026, 4, 1)
EURO = 100


def purchase(euros: int, *, service: str = "DSI", need: str = "transcription", innovative: bool = False) -> Purchase:
    return Purchase("univ-a", service, need, euros * EURO, innovative)


def said(purchases: list[Purchase], on: date) -> list[tuple[str, int | None]]:
    """Each code with the amount of the threshold it is due to, in euros."""
    found = thresholds.warnings(purchases, TABLE, on)
    return [(w.code, w.threshold.amount_euro_cents // EURO if w.threshold else None) for w in found]


@pytest.mark.parametrize(
    ("euros", "on", "expected"),
    [
        (39_999, BEFORE, ("exempt", 40_000)),
        (40_000, BEFORE, ("competition_required", 40_000)),
        (59_999, BEFORE, ("competition_required", 40_000)),
        (60_000, BEFORE, ("competition_required", 40_000)),
        (59_999, AFTER, ("exempt", 60_000)),
        (60_000, AFTER, ("competition_required", 60_000)),
        (139_999, AFTER, ("competition_required", 60_000)),
        (140_000, AFTER, ("formal_procedure", 140_000)),
    ],
)
def test_the_amount_and_the_day_decide(euros: int, on: date, expected: tuple[str, int]) -> None:
    assert said([purchase(euros)], on) == [expected]


def test_a_warning_carries_its_reference_and_what_a_lawyer_must_check() -> None:
    (exempt,) = thresholds.warnings([purchase(59_999)], TABLE, AFTER)
    (formal,) = thresholds.warnings([purchase(140_000)], TABLE, AFTER)
    assert exempt.threshold
    assert formal.threshold
    assert "R. 2122-8" in exempt.threshold.legal_reference
    assert "2025-1386" in exempt.threshold.legal_reference
    assert (exempt.threshold.caution, formal.threshold.caution) == ("", "category_to_confirm")


def test_services_that_buy_the_same_need_are_added_up() -> None:
    apart = [purchase(35_000, service="Formation"), purchase(35_000, service="Bibliothèque")]
    assert said(apart, AFTER) == [("competition_required", 60_000), ("split", 60_000)]
    assert thresholds.warnings(apart, TABLE, AFTER)[1].services == ("Bibliothèque", "Formation")
    assert said([replace(apart[0], need="traduction"), apart[1]], AFTER) == [("exempt", 60_000)] * 2
    assert said([replace(apart[0], institution="univ-b"), apart[1]], AFTER) == [("exempt", 60_000)] * 2


def test_only_what_no_purchase_reaches_alone_is_called_split() -> None:
    assert said([purchase(100_000), purchase(10_000)], AFTER) == [("competition_required", 60_000)]
    assert said([purchase(70_000), purchase(70_000)], AFTER) == [("formal_procedure", 140_000), ("split", 140_000)]


def test_an_innovative_need_has_its_own_exemption_if_all_of_it_is_innovative() -> None:
    innovative = purchase(99_999, innovative=True)
    assert said([innovative], AFTER) == [("exempt_if_innovative", 100_000)]
    assert said([replace(innovative, amount_euro_cents=100_000 * EURO)], AFTER) == [("competition_required", 60_000)]
    assert said([innovative, purchase(0)], AFTER)[0] == ("competition_required", 60_000)
    assert said([purchase(50_000, innovative=True)] * 2, AFTER)[-1] == ("split", 100_000)


def test_a_day_the_table_does_not_know_is_said() -> None:
    found = thresholds.warnings([purchase(140_000)], TABLE, date(2028, 1, 1))
    assert [(w.code, w.missing) for w in found] == [
        ("competition_required", None),
        ("threshold_unknown", "formal_procedure"),
    ]


def test_a_table_with_two_rows_in_force_on_one_day_is_refused() -> None:
    old = next(row for row in TABLE if row.valid_until == BEFORE)
    overlapping = replace(old, valid_from=BEFORE, valid_until=BEFORE + timedelta(days=2))
    with pytest.raises(thresholds.TableError):
        thresholds.check_table([old, overlapping])
