from __future__ import annotations

import unicodedata
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.offers import sealing
from parvis.offers.sealing import Context, Cost, Holder, RequestKey

CHEAP = Cost(memory=1, passes=1)
CONTEXT = Context(request_id="sondage-1", vendor_id="editeur-7", revision=2)
ANSWER = "Exigence EX-001 : conforme en standard. Prix : 1 234,56 € HT par an.".encode()
PASSPHRASES = [f"la phrase secrète de l’établissement {number}" for number in range(7)]
HOLDERS = [sealing.enrol(passphrase, CHEAP) for passphrase in PASSPHRASES]
VENDOR_PASSPHRASE = "un éditeur qui tient à sa réponse"
VENDOR = sealing.enrol(VENDOR_PASSPHRASE, CHEAP)
REQUEST = sealing.make_request_key(HOLDERS[:3], 2)
BLOB = sealing.seal(ANSWER, CONTEXT, [REQUEST.public_key, VENDOR.public_key])


def contributions(request: RequestKey, holders: list[Holder], numbers: tuple[int, ...]) -> list[bytes]:
    return [
        sealing.contribute(PASSPHRASES[number], holders[number], request.sealed_shares[number], request.public_key)
        for number in numbers
    ]


SHARES = contributions(REQUEST, HOLDERS, (0, 1, 2))
KEY = sealing.rebuild(SHARES[1:], REQUEST.public_key)


@settings(max_examples=12, deadline=None)
@given(st.integers(2, 7).flatmap(lambda holders: st.tuples(st.just(holders), st.integers(2, holders))))
def test_any_group_large_enough_opens_and_none_smaller(size: tuple[int, int]) -> None:
    count, threshold = size
    holders = HOLDERS[:count]
    request = sealing.make_request_key(holders, threshold)
    shares = contributions(request, holders, tuple(range(count)))
    keys = {sealing.rebuild(group, request.public_key) for group in combinations(shares, threshold)}
    blob = sealing.seal(ANSWER, CONTEXT, [request.public_key])
    assert [sealing.open_sealed(key, blob, CONTEXT) for key in keys] == [ANSWER]
    for group in combinations(shares, threshold - 1):
        with pytest.raises(sealing.TooFewSharesError):
            sealing.rebuild(group, request.public_key)
        with pytest.raises((sealing.TooFewSharesError, sealing.WrongSharesError)):  # even if the threshold is lied about
            sealing.rebuild([share[:1] + bytes([threshold - 1]) + share[2:] for share in group], request.public_key)


def test_the_same_holder_twice_does_not_make_two() -> None:
    once = contributions(REQUEST, HOLDERS, (1,))
    with pytest.raises(sealing.TooFewSharesError) as refusal:
        sealing.rebuild(once * 2, REQUEST.public_key)
    assert refusal.value.params == {"given": 1, "needed": 2}
    with pytest.raises(sealing.KeyholdersError):
        sealing.make_request_key([HOLDERS[0], HOLDERS[0]], 2)
    with pytest.raises(sealing.KeyholdersError):
        sealing.make_request_key(HOLDERS[:3], 1)


def test_shares_of_another_request_open_nothing() -> None:
    other = sealing.make_request_key(HOLDERS[:3], 2)
    with pytest.raises(sealing.WrongSharesError):
        sealing.rebuild(contributions(other, HOLDERS, (0, 1)), REQUEST.public_key)
    with pytest.raises(sealing.AlteredError):
        sealing.contribute(PASSPHRASES[0], HOLDERS[0], other.sealed_shares[0], REQUEST.public_key)
    with pytest.raises(sealing.AlteredError):
        sealing.contribute(PASSPHRASES[0], HOLDERS[0], REQUEST.sealed_shares[1], REQUEST.public_key)


def test_a_vendor_reopens_its_own_answer_and_nobody_elses() -> None:
    assert sealing.reopen(VENDOR_PASSPHRASE, VENDOR.salt, BLOB, CONTEXT) == ANSWER
    other_passphrase = "la phrase d’un autre éditeur"
    other = sealing.enrol(other_passphrase, CHEAP)
    with pytest.raises(sealing.NotARecipientError):
        sealing.open_sealed(sealing.unlock(other_passphrase, other), BLOB, CONTEXT)
    for salt in (VENDOR.salt, other.salt):
        with pytest.raises(sealing.WrongPassphraseError):
            sealing.reopen(other_passphrase, salt, BLOB, CONTEXT)
    with pytest.raises(sealing.WrongPassphraseError):
        sealing.unlock(other_passphrase, VENDOR)


def test_a_draft_is_saved_again_without_its_passphrase() -> None:
    draft = sealing.seal(b"brouillon", CONTEXT, [VENDOR.public_key])
    saved = sealing.seal(ANSWER, CONTEXT, sealing.recipients(draft))
    assert sealing.reopen(VENDOR_PASSPHRASE, VENDOR.salt, saved, CONTEXT) == ANSWER
    with pytest.raises(sealing.NotARecipientError):
        sealing.open_sealed(KEY, saved, CONTEXT)


@pytest.mark.parametrize(
    "elsewhere",
    [replace(CONTEXT, request_id="sondage-2"), replace(CONTEXT, vendor_id="editeur-8"), replace(CONTEXT, revision=1)],
)
def test_an_answer_moved_to_another_row_does_not_open(elsewhere: Context) -> None:
    with pytest.raises(sealing.WrongContextError):
        sealing.open_sealed(KEY, BLOB, elsewhere)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.integers(0, 300), st.integers(0, len(BLOB) - 1)), st.integers(1, 255))
def test_any_byte_changed_is_refused(place: int, change: int) -> None:
    altered = BLOB[:place] + bytes([BLOB[place] ^ change]) + BLOB[place + 1 :]
    with pytest.raises((sealing.AlteredError, sealing.NotARecipientError)):
        sealing.open_sealed(KEY, altered, CONTEXT)


@pytest.mark.parametrize("length", [0, 1, 236, 300, len(BLOB) - 1])
def test_a_cut_answer_is_refused(length: int) -> None:
    with pytest.raises(sealing.AlteredError):
        sealing.open_sealed(KEY, BLOB[:length], CONTEXT)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, len(REQUEST.sealed_shares[0]) - 1), st.integers(1, 255))
def test_an_altered_share_is_refused(place: int, change: int) -> None:
    share = REQUEST.sealed_shares[0]
    altered = share[:place] + bytes([share[place] ^ change]) + share[place + 1 :]
    for unfit in (altered, share[:place]):
        with pytest.raises(sealing.AlteredError):
            sealing.contribute(PASSPHRASES[0], HOLDERS[0], unfit, REQUEST.public_key)
    with pytest.raises((sealing.TooFewSharesError, sealing.WrongSharesError)):
        sealing.rebuild([SHARES[1][: min(place, 67)], SHARES[2]], REQUEST.public_key)


@pytest.mark.parametrize(
    "salt",
    [b"", bytes([40, 1]) + VENDOR.salt[2:], bytes([1, 0]) + VENDOR.salt[2:], VENDOR.salt[:-1]],
    ids=["empty", "a cost beyond reason", "too low a cost", "cut"],  # the bytes differ in each process
)
def test_an_altered_salt_is_refused_before_it_costs_anything(salt: bytes) -> None:
    with pytest.raises(sealing.AlteredError):
        sealing.unlock(VENDOR_PASSPHRASE, replace(VENDOR, salt=salt))


def test_nothing_stored_holds_a_word_or_a_key() -> None:
    stored = BLOB + b"".join(REQUEST.sealed_shares)
    stored += b"".join(holder.public_key + holder.salt for holder in [*HOLDERS, VENDOR])
    for word in ANSWER.split():
        assert len(word) < 4 or word not in stored
    for secret in (KEY, sealing.unlock(VENDOR_PASSPHRASE, VENDOR), *(share[2:] for share in SHARES)):
        assert secret not in stored


def test_the_length_of_an_answer_is_hidden_up_to_a_bucket() -> None:
    def sealed_length(length: int) -> int:
        blob = sealing.seal(b"a" * length, CONTEXT, [REQUEST.public_key])
        assert sealing.open_sealed(KEY, blob, CONTEXT) == b"a" * length
        return len(blob)

    assert len({sealed_length(length) for length in (0, 1, 40_000, 65_528)}) == 1
    assert sealed_length(65_529) - sealed_length(65_528) == sealing.SMALLEST_BUCKET


def test_a_passphrase_is_the_same_however_its_accents_and_spaces_are_typed() -> None:
    typed_elsewhere = "  " + unicodedata.normalize("NFD", VENDOR_PASSPHRASE).replace(" ", "  ")
    assert sealing.unlock(typed_elsewhere, VENDOR) == sealing.unlock(VENDOR_PASSPHRASE, VENDOR)


@pytest.mark.parametrize("passphrase", ["", "court", "aaaaaaaaaaaaaaaaaaaaaaaa", "   a b c   d e f      "])
def test_a_weak_passphrase_is_refused(passphrase: str) -> None:
    with pytest.raises(sealing.WeakPassphraseError):
        sealing.enrol(passphrase, CHEAP)


def test_a_suggested_passphrase_is_accepted() -> None:
    assert sealing.enrol(sealing.suggest_passphrase(), CHEAP)
