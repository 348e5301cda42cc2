from __future__ import annotations

import pytest

from tests.peers import missing


def test_a_missing_peer_leaves_a_test_out_but_not_where_all_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARVIS_TEST_PEERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="absent"):
        missing("absent")
    monkeypatch.setenv("PARVIS_TEST_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="absent"):
        missing("absent")
