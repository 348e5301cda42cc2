"""1 % of what `bench.gateway` does."""

from __future__ import annotations

import logging
from pathlib import Path
from random import Random

import pytest

from parvis.gateway.tests.faults import run_faults, run_hostile


def test_whatever_a_provider_does_is_told_and_settled(tmp_path: Path) -> None:
    outcome = run_faults(tmp_path, Random(1), 100)
    assert (outcome.dishonest, outcome.unsettled, outcome.hanging) == (0, 0, 0), outcome.examples
    assert outcome.inexact == 0 < outcome.partials, outcome.examples


def test_whatever_a_client_sends_is_refused_with_a_sentence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "uvicorn.error")
    outcome = run_hostile(tmp_path, Random(1), 1_000)
    assert (outcome.failures, outcome.let_in, outcome.hanging) == (0, 0, 0), outcome.examples
