from __future__ import annotations

import io
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.corpora.parsing.archives import LONGEST_NAME, Member, display_name, members
from parvis.corpora.parsing.reading import Limits, Unreadable


def archive(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name), content, method)
    return path


def listed(path: Path, limits: Limits | None = None) -> dict[str, Member]:
    """Members are opened while the archive is."""
    return {member.name: member for member in members(path, limits or Limits())}


def test_members_are_opened_and_system_files_left_out(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.zip",
        {"cours/un.txt": b"Un", "__MACOSX/._un.txt": b"x", "cours/.DS_Store": b"x", "Thumbs.db": b"x", "deux.txt": b"Deux"},
    )
    assert {member.name: member.open().read() for member in members(path, Limits())} == {
        "cours/un.txt": b"Un",
        "deux.txt": b"Deux",
    }


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\x\\a.txt", "a/..\\b.txt", "\\\\serveur\\a.txt"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.zip", {name: b"x", "bon.txt": b"bon"})
    refusals = {member.name: member.refusal.code if member.refusal else None for member in members(path, Limits())}
    assert refusals.pop("bon.txt") is None
    assert list(refusals.values()) == ["unsafe_name"]
    hostile = next(member for member in members(path, Limits()) if member.refusal)
    with pytest.raises(Unreadable):
        hostile.open()


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("lien.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(link, "/etc/passwd")
    (member,) = members(path, Limits())
    assert member.refusal is not None
    assert member.refusal.code == "unsafe_name"


def test_an_archive_in_an_archive_is_refused_and_a_document_is_not(tmp_path: Path) -> None:
    inner, word = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as made:
        made.writestr("a.txt", "x")
    with zipfile.ZipFile(word, "w") as made:
        made.writestr("[Content_Types].xml", "x")
    files = {
        "in.zip": inner.getvalue(),
        "in.bin": inner.getvalue(),
        "r.tgz": b"\x1f\x8b\x08" + bytes(9),
        "r.docx": word.getvalue(),
    }
    path = archive(tmp_path / "a.zip", files)
    refused = {name: member.refusal.code if member.refusal else None for name, member in listed(path).items()}
    nested = "archive_in_archive"
    assert refused == {"in.zip": nested, "in.bin": nested, "r.tgz": nested, "r.docx": None}


@pytest.mark.parametrize(
    ("limits", "code"),
    [(Limits(members=2), "too_many_members"), (Limits(decompressed_bytes=1000), "decompression_bomb")],
)
def test_an_archive_over_a_limit_is_refused_whole(tmp_path: Path, limits: Limits, code: str) -> None:
    path = archive(tmp_path / "a.zip", {f"{n}.txt": b"x" * 500 for n in range(3)})
    assert len(listed(path)) == 3
    with pytest.raises(Unreadable) as refusal:
        listed(path, limits)
    assert refusal.value.code == code


def test_zeros_by_the_gigabyte_are_refused_unopened(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"z.txt": bytes(60_000_000)})
    with pytest.raises(Unreadable) as refusal:
        listed(path)
    assert refusal.value.code == "decompression_bomb"


@pytest.mark.parametrize(("method", "start"), [(zipfile.ZIP_DEFLATED, 40), (zipfile.ZIP_BZIP2, 40), (zipfile.ZIP_LZMA, 48)])
def test_a_damaged_member_is_refused_and_the_others_go_on(tmp_path: Path, method: int, start: int) -> None:
    path = archive(tmp_path / "a.zip", {"mal.txt": b"abcdefgh" * 200, "bon.txt": b"bon"}, method)
    data = bytearray(path.read_bytes())
    data[start : start + 10] = b"\xff" * 10
    path.write_bytes(data)
    found = listed(path)
    refusal = found["mal.txt"].refusal
    assert refusal is not None
    assert refusal.code == "corrupt"
    assert found["bon.txt"].refusal is None


def test_old_french_names_are_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"NAME.txt": b"x"})
    path.write_bytes(path.read_bytes().replace(b"NAME", "été ".encode("cp850")))
    assert list(listed(path)) == ["été .txt"]


@given(st.text(max_size=400))
def test_a_shown_name_is_harmless(name: str) -> None:
    shown = display_name(name)
    assert 0 < len(shown) <= LONGEST_NAME
    assert not shown.startswith("/")
    assert ".." not in shown.split("/")
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in shown)


def test_a_shown_name_keeps_its_extension_and_loses_its_tricks() -> None:
    assert display_name("a" * 10_000 + ".pdf").endswith("….pdf")
    assert display_name("cours\u202efdp.exe\x07") == "coursfdp.exe"
    assert display_name("../../x.pdf") == "x.pdf"
