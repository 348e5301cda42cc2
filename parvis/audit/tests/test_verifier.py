"""What is verified away from Parvis: an export whose every fault is named."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.evidence import locate
from parvis.audit import verifier
from parvis.audit.signing import Signer
from parvis.audit.tests.logs import ORIGIN, Written, signer, tree_of, written
from parvis.audit.verifier import Finding, Head, Key, Note, Unreadable, verify, verify_by_hand


@pytest.fixture(scope="module")
def log() -> Written:
    return written(300, heads_every=50)


def findings(log: Written, **given: object) -> list[Finding]:
    return verify(io.BytesIO(log.file()), **given).findings  # type: ignore[arg-type]


def test_a_log_that_nobody_touched_holds(log: Written) -> None:
    result = verify(io.BytesIO(log.file()), signer().key)
    assert result.holds
    assert (result.entries, result.size, result.is_pinned) == (300, 300, True)


def test_every_tampered_entry_is_named(log: Written) -> None:
    tried, missed = locate(log, at_once=60)
    assert {tried[kind] for kind in tried if kind != "cut off"} == {300}
    assert sum(missed.values()) == 0


def test_who_rewrites_the_list_of_leaves_too_is_caught_between_two_signed_heads(log: Written) -> None:
    forged = written(300, heads_every=50)
    row = forged.entries[123]
    row["b"] = row["b"].replace("person:", "person:9")
    row["c"] = verifier.commitment(bytes.fromhex(row["s"]), row["b"].encode()).hex()
    tree = tree_of([bytes.fromhex(one["c"]) for one in forged.entries])
    listed = b"".join(tree.changed[0, place] for place in range(2))
    forged.listed[:] = [{"first": 0, "hashes": listed.hex()}]
    assert findings(forged) == [Finding("changed_between", 100, 149)]


def test_a_log_signed_by_another_key_is_refused(log: Written) -> None:
    assert Finding("head_not_signed") in findings(log, pinned=signer(2).key)


def test_a_head_known_from_elsewhere_must_be_in_the_log(log: Written) -> None:
    assert findings(log, known=[log.header["heads"][2]]) == []
    other = signer().head(ORIGIN, 150, b"\x07" * 32, at="2026-11-02T08:00:00Z")
    assert findings(log, known=[other]) == [Finding("not_the_known_log", 0, 149)]
    newer = signer().head(ORIGIN, 420, b"\x07" * 32, at="2026-11-02T08:00:00Z")
    assert findings(log, known=[newer]) == [Finding("older_than_known", 300, 419)]
    stranger = signer(3).head(ORIGIN, 150, b"\x07" * 32, at="2026-11-02T08:00:00Z")
    assert Finding("known_not_signed") in findings(log, known=[stranger])


def test_a_witness_holds_a_log_to_what_it_saw(log: Written) -> None:
    witness = Signer("temoin.example", signer(5).private)
    seen = witness.countersign(log.header["head"], seconds=1_793_000_000)
    log = Written(log.header | {"witnesses": [{"key": str(witness.key), "note": seen}]}, log.entries, log.listed)
    result = verify(io.BytesIO(log.file()))
    assert result.holds
    assert result.witnesses == [("temoin.example", 1_793_000_000)]
    forged = seen.replace("\nat 2026", "\nat 2025")
    log.header["witnesses"][0]["note"] = forged
    assert Finding("witness_not_signed", detail="temoin.example") in findings(log)


def test_a_key_that_the_one_before_did_not_name_is_refused(log: Written) -> None:
    former, new = signer(), Signer("parvis.example", signer(8).private)
    rows = [{"key": str(former.key), "endorsed": ""}, {"key": str(new.key), "endorsed": former.endorse(new.key)}]
    assert verifier.accepted_keys(rows) == [former.key, new.key]
    assert verifier.accepted_keys(rows, pinned=new.key) == [new.key]
    rows[1]["endorsed"] = new.endorse(new.key)
    with pytest.raises(Unreadable, match="not endorsed"):
        verifier.accepted_keys(rows)


@pytest.mark.parametrize("garbage", [b"", b"{}", b"[1]", b"not json", b'{"format":"parvis-evidence-1"}', b"\xff\xfe" * 9])
def test_what_is_no_export_is_said_to_be_none(garbage: bytes) -> None:
    with pytest.raises(Unreadable):
        verify(io.BytesIO(garbage))


def test_a_line_that_cannot_be_read_is_named(log: Written) -> None:
    lines = log.file().splitlines(keepends=True)
    lines[8] = b'{"n":7,"c":12}\n'
    found = verify(io.BytesIO(b"".join(lines))).findings
    assert Finding("unreadable_line", detail="9") in found
    assert Finding("missing", 7, 7) in found


# RFC 8032, 7.1: TEST 1, 2 and 3.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_signatures_are_verified_without_any_library(public: str, message: str, signature: str) -> None:
    parts = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert verify_by_hand(*parts)
    assert not verify_by_hand(parts[0], parts[1] + b"!", parts[2])
    assert not verify_by_hand(parts[0], parts[1], parts[2][:-1] + bytes([parts[2][-1] ^ 0x10]))
    above = (int.from_bytes(parts[2][32:], "little") + verifier._L).to_bytes(32, "little")
    assert not verify_by_hand(parts[0], parts[1], parts[2][:32] + above)


def test_keys_and_heads_are_read_as_they_are_written() -> None:
    key = signer().key
    assert Key.read(str(key)) == key
    note = Note.read(signer().head(ORIGIN, 3, b"\x01" * 32, at="2026-11-02T08:00:00Z"))
    assert Head.read(note.text) == Head(ORIGIN, 3, b"\x01" * 32)
    for wrong in ("", "a+b+c", str(key)[:-4], str(key).replace("example", "exemple")):
        with pytest.raises(Unreadable):
            Key.read(wrong)
    with pytest.raises(Unreadable):
        Head.read(f"{ORIGIN}\n03\n{base64.b64encode(bytes(32)).decode()}\n")


def test_one_file_verifies_alone(log: Written, tmp_path: Path) -> None:
    """Copied away, without anything installed: -I -S leave it the standard library."""
    alone = Path(shutil.copy(verifier.__file__, tmp_path))
    good, bad = tmp_path / "journal.jsonl", tmp_path / "change.jsonl"
    good.write_bytes(log.file())
    bad.write_bytes(log.file().replace(b"person:1", b"person:2", 1))
    run = [sys.executable, "-I", "-S", str(alone)]
    done = [subprocess.run([*run, str(path)], capture_output=True, check=False) for path in (good, bad, tmp_path / "rien")]
    assert [one.returncode for one in done] == [0, 1, 2]
    assert "Tout se vérifie." in done[0].stdout.decode()
    number = next(place for place, row in enumerate(log.entries) if '"person:1' in json.dumps(row["b"]).replace('\\"', '"'))
    assert f"l’entrée {number} a été modifiée" in done[1].stdout.decode()


def test_the_file_is_written_for_python_3_9() -> None:
    import ast

    ast.parse(Path(verifier.__file__).read_text(encoding="utf-8"), feature_version=(3, 9))
