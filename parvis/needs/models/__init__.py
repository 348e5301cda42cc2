"""The commons: what institutions need, in their own words, and what they agree it is."""

from __future__ import annotations

from parvis.needs.models.expressions import Answer, ImportedFile, Judgement, RawNeed, RawNeedState, RawNeedText, TextVector
from parvis.needs.models.harmonised import (
    Attachment,
    AttachmentState,
    Ballot,
    HarmonisedNeed,
    HarmonisedState,
    Level,
    NeedVersion,
    Operation,
    OperationKind,
    Requirement,
    RequirementText,
)
from parvis.needs.models.signatures import CoSignature, CoSignatureState, Engagement
from parvis.needs.models.workshops import Minute, MinuteKind, Workshop

__all__ = [
    "Answer",
    "Attachment",
    "AttachmentState",
    "Ballot",
    "CoSignature",
    "CoSignatureState",
    "Engagement",
    "HarmonisedNeed",
    "HarmonisedState",
    "ImportedFile",
    "Judgement",
    "Level",
    "Minute",
    "MinuteKind",
    "NeedVersion",
    "Operation",
    "OperationKind",
    "RawNeed",
    "RawNeedState",
    "RawNeedText",
    "Requirement",
    "RequirementText",
    "TextVector",
    "Workshop",
]
