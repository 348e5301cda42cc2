"""Programs beside Python that some tests talk to. `make test` does without them; CI does not."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(sentence: str) -> NoReturn:
    """Leaves the test out. Where PARVIS_TEST_PEERS says that every one is installed, as `.ci/run` does, the test fails: there
    a peer that went missing would be a test that nobody runs any more."""
    if os.environ.get("PARVIS_TEST_PEERS"):
        pytest.fail(sentence)
    pytest.skip(sentence)  # the one place: a machine that has only Python still runs all the rest
