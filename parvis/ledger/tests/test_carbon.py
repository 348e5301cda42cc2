"""Emissions: EcoLogits' own figures, offline, as a range that says its method."""

from __future__ import annotations

from math import inf

import pytest
from ecologits.tracers.utils import llm_impacts

from parvis.ledger.carbon import _both, estimated, measured
from parvis.ledger.usage import Carbon


@pytest.mark.parametrize("model", ["mistral-small-latest", "mistral-medium-latest", "mistral-large-latest"])
@pytest.mark.parametrize("tokens", [1, 400, 5_000])
@pytest.mark.parametrize("milliseconds", [None, 50, 3_000, 400_000])
def test_the_estimate_is_the_methods_own(model: str, tokens: int, milliseconds: int | None) -> None:
    seconds = inf if milliseconds is None else milliseconds / 1_000
    gwp = llm_impacts("mistralai", model, tokens, seconds, "FRA").gwp
    assert gwp is not None
    values = _both(gwp.value)
    low, high = min(values), max(values)
    found = estimated(model, zone="fr", output_tokens=tokens, milliseconds=milliseconds)
    assert found is not None
    assert found.low_ug == pytest.approx(low * 1e9, abs=1)
    assert found.high_ug == pytest.approx(high * 1e9, abs=1)
    assert found.method.startswith("ecologits ")


def test_a_country_that_is_not_named_widens_the_range() -> None:
    france, europe, world = (estimated("mistral-small-latest", zone=zone, output_tokens=400) for zone in ("fr", "eu", "world"))
    assert france is not None
    assert europe is not None
    assert world is not None
    assert france.low_ug == france.high_ug
    assert world.low_ug <= europe.low_ug < france.low_ug < europe.high_ug < world.high_ug


def test_what_the_method_does_not_know_is_not_estimated() -> None:
    assert estimated("modèle-maison", zone="fr", output_tokens=400) is None
    assert estimated("mistral-small-latest", zone="fr", output_tokens=0) is None


def test_measured_power_takes_its_place() -> None:
    """700 W for 3 s, shared by 64 calls, at 41.44 g/kWh."""
    assert measured(watts=700, milliseconds=3_000, share=1 / 64) == Carbon(378, 378, "measured")
