"""What a call emitted, as an estimate with its method, or as it was measured. Pure; nothing is fetched.

The estimate is EcoLogits' (request usage and embodied impacts, climate change), which counts the tokens of the answer alone:
reading a long question, and comparing meanings, are not in it. It is a range: a model whose size is not published has one, and
so has a country that nobody named. The spread of the method itself, which its authors do not give, is not in the range.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from math import inf
from typing import Any

from parvis.ledger.usage import Carbon

_EUROPE = "AUT BEL BGR CYP CZE DEU DNK ESP EST FIN FRA GRC HRV HUN IRL ITA LTU LUX LVA MLT NLD POL PRT ROU SVK SVN SWE".split()
# Where the computing may take place, by hosting zone. None: anywhere.
COUNTRIES: dict[str, list[str] | None] = {"on_prem": ["FRA"], "fr": ["FRA"], "eu": _EUROPE, "world": None}
PROVIDERS = ("mistralai", "huggingface_hub", "openai", "anthropic", "google_genai", "cohere")
_KG = 1_000_000_000  # in micrograms
_JOULES = 3_600_000  # in a kilowatt-hour
_PROBE = 1_000  # tokens
_SHORT = 0.1  # seconds: less than the method ever gives to so many tokens


@dataclass(frozen=True, slots=True)
class Slope:
    """Micrograms: the method is linear in the tokens that came out and in the time it took, of which it takes no more than
    its own model of it."""

    token: float
    second: float
    modelled_token: float  # with the time that the method gives
    modelled_start: float

    def of(self, tokens: int, seconds: float | None) -> float:
        modelled = self.modelled_start + self.modelled_token * tokens
        return modelled if seconds is None else min(modelled, self.token * tokens + self.second * seconds)


def estimated(model_name: str, *, zone: str, output_tokens: int, milliseconds: int | None = None) -> Carbon | None:
    """None for a model that the method does not know, and where no token came out. `milliseconds`: how long the call took,
    if that was measured."""
    if output_tokens <= 0 or (slopes := slopes_of(model_name, zone)) is None:
        return None
    seconds = None if milliseconds is None else milliseconds / 1_000
    low, high = (round(slope.of(output_tokens, seconds)) for slope in slopes)
    return Carbon(low, max(low, high), method())


def measured(*, watts: float, milliseconds: int, zone: str = "on_prem", share: float = 1.0) -> Carbon:
    """From the power of the machine while it answered: `share` is the part of it that this call had. It takes the place of
    the estimate of use; what making the machine emitted is not in it."""
    kwh = watts * share * milliseconds / 1_000 / _JOULES
    low, high = _mix(zone)
    return Carbon(round(kwh * low * _KG), round(kwh * high * _KG), "measured")


@cache
def method() -> str:
    return f"ecologits {version('ecologits')}"


@cache
def slopes_of(model_name: str, zone: str) -> tuple[Slope, Slope] | None:
    """At least and at most. Looked for under the name that the provider gives it, then without what stands before its last
    slash."""
    for name in dict.fromkeys((model_name, model_name.rpartition("/")[2])):
        for provider in PROVIDERS:
            if found := _slopes(provider, name, zone):
                return found
    return None


def _slopes(provider: str, name: str, zone: str) -> tuple[Slope, Slope] | None:
    """From a few computations of the method itself: it is too slow to be asked at each call."""
    from ecologits.model_repository import models

    logging.getLogger("ecologits").setLevel(logging.ERROR)  # it warns of each default once, on the standard error
    if models.find_model(provider=provider, model_name=name) is None:
        return None
    once, twice = (_extremes(provider, name, zone, tokens, inf) for tokens in (_PROBE, 2 * _PROBE))
    at_once, in_a_while = (_extremes(provider, name, zone, _PROBE, seconds) for seconds in (0.0, _SHORT))
    low, high = (
        Slope(
            token=at_once[at] / _PROBE,
            second=(in_a_while[at] - at_once[at]) / _SHORT,
            modelled_token=(twice[at] - once[at]) / _PROBE,
            modelled_start=2 * once[at] - twice[at],
        )
        for at in (0, 1)
    )
    return low, high


def _extremes(provider: str, name: str, zone: str, tokens: int, seconds: float) -> tuple[float, float]:
    from ecologits.tracers.utils import llm_impacts

    found = []
    for country in _ends(zone):
        value = llm_impacts(provider, name, tokens, seconds, country).gwp
        if value is not None:
            found += _both(value.value)
    return min(found) * _KG, max(found) * _KG


def _both(value: Any) -> list[float]:
    """EcoLogits gives a number or a range; neither is typed."""
    return [float(value.min), float(value.max)] if hasattr(value, "min") else [float(value)]


@cache
def _ends(zone: str) -> tuple[str, ...]:
    """The countries whose electricity emits least and most."""
    mixes = _mixes(zone)
    by_emission = sorted(mixes, key=lambda country: (mixes[country], country))
    return tuple(dict.fromkeys((by_emission[0], by_emission[-1])))


def _mix(zone: str) -> tuple[float, float]:
    """Kilograms of CO₂ equivalent per kilowatt-hour, at least and at most."""
    values = _mixes(zone).values()
    return min(values), max(values)


@cache
def _mixes(zone: str) -> dict[str, float]:
    from ecologits.electricity_mix_repository import electricity_mixes

    countries = COUNTRIES.get(zone)
    known = {mix.zone: float(mix.gwp) for mix in electricity_mixes.list_electricity_mixes()}
    return {zone: value for zone, value in known.items() if countries is None or zone in countries}
