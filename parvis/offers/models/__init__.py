"""What vendors answer, once for everybody, and what each institution alone makes of it."""

from __future__ import annotations

from parvis.offers.models.choices import Agreement, AgreementPrice, Choice, ChoiceState, UsageReference, Vehicle
from parvis.offers.models.offers import ConformityLine, Offer, PriceLine, Zone
from parvis.offers.models.portfolio import Coverage, PortfolioFile, ThresholdParameter, Tool, ToolSource
from parvis.offers.models.requests import (
    AnswerDraft,
    KeyHolder,
    Question,
    RegisterEntry,
    RegisterKind,
    RequestDocument,
    RequestForInformation,
    RequestState,
    SealedAnswer,
)

__all__ = [
    "Agreement",
    "AgreementPrice",
    "AnswerDraft",
    "Choice",
    "ChoiceState",
    "ConformityLine",
    "Coverage",
    "KeyHolder",
    "Offer",
    "PortfolioFile",
    "PriceLine",
    "Question",
    "RegisterEntry",
    "RegisterKind",
    "RequestDocument",
    "RequestForInformation",
    "RequestState",
    "SealedAnswer",
    "ThresholdParameter",
    "Tool",
    "ToolSource",
    "UsageReference",
    "Vehicle",
    "Zone",
]
