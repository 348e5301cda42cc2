from __future__ import annotations

import pytest

from parvis.access.secrets import SecretUnreadableError, seal, unseal


def test_a_secret_opens_in_its_own_row() -> None:
    assert (
        unseal(seal("clé très secrète", master="m", row="1|provider|7"), master="m", row="1|provider|7") == "clé très secrète"
    )


@pytest.mark.parametrize(("master", "row"), [("m", "1|provider|8"), ("m", "2|provider|7"), ("other", "1|provider|7")])
def test_a_secret_moved_elsewhere_or_under_another_key_stays_closed(master: str, row: str) -> None:
    sealed = seal("clé", master="m", row="1|provider|7")
    with pytest.raises(SecretUnreadableError):
        unseal(sealed, master=master, row=row)


@pytest.mark.parametrize("altered", ["", "1:", "1:AAAA", "2:AAAA", "1:é"])
def test_what_is_not_a_sealed_secret_is_refused(altered: str) -> None:
    with pytest.raises(SecretUnreadableError):
        unseal(altered, master="m", row="1|provider|7")


def test_two_seals_of_one_secret_differ() -> None:
    assert seal("clé", master="m", row="r") != seal("clé", master="m", row="r")
