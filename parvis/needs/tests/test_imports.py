"""Lists of needs, as services send them: what is good is added, what is not is told, nothing is added twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from conftest import House
from parvis.access.middleware import principal_of
from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.needs.actions import imports
from parvis.needs.actions.expressions import Words
from parvis.needs.actions.imports import import_needs, receive_list
from parvis.needs.import_messages import list_sentence, row_sentence
from parvis.needs.models import ImportedFile, RawNeed
from parvis.needs.sheets import RowError, read
from parvis.needs.suggestions import close_needs
from parvis.needs.tests.test_sheets import HEADINGS, faulty_list, list_of_needs
from parvis.needs.workbooks import REFUSALS, csv_bytes

SignIn = Callable[[Profile], Client]

FAULTY = csv_bytes([HEADINGS, *faulty_list()]).replace(b"'=HYPER", b"=HYPER")


def send(client: Client, data: bytes, **more: str) -> str:
    """The address of the preview."""
    return str(client.post(reverse("needs:import"), {"file": SimpleUploadedFile("besoins.csv", data), **more})["Location"])


def test_ten_faulty_rows_among_two_hundred(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.teacher)
    preview = send(client, FAULTY)
    page = client.get(preview).content.decode()
    assert re.findall(r"<strong>(\d+)</strong>", page) == ["190", "0", "10"]
    assert page.count('<th scope="row">') == len(read(FAULTY).errors) == 10
    assert not RawNeed.unscoped.exists()
    assert "190 brouillons ajoutés" in client.post(preview, follow=True).content.decode()
    assert RawNeed.unscoped.filter(state="draft", institution=house.institution).count() == 190
    again = send(client, FAULTY)
    assert re.findall(r"<strong>(\d+)</strong>", client.get(again).content.decode()) == ["0", "190", "10"]
    assert "rien n’a été ajouté" in client.post(again, follow=True).content.decode()
    assert RawNeed.unscoped.count() == 190
    assert not ImportedFile.unscoped.exists()


def test_an_import_that_stopped_halfway_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    principal = principal_of(house.teacher)
    file = receive_list(principal, "besoins.csv", csv_bytes([HEADINGS, *list_of_needs(5)]))
    monkeypatch.setattr(imports, "AT_ONCE", 2)
    monkeypatch.setattr(imports, "record", Mock(side_effect=[None, OperationalError("stopped")]))
    with pytest.raises(OperationalError):
        import_needs(principal, file)
    assert RawNeed.unscoped.count() == 2, "what was added stays, and others wrote between two batches"
    monkeypatch.undo()
    assert import_needs(principal, ImportedFile.unscoped.get()) == 3
    assert not ImportedFile.unscoped.exists()


def test_a_row_reworded_since_is_told_and_changes_nothing(house: House, sign_in: SignIn) -> None:
    client, rows = sign_in(house.teacher), list_of_needs(2)
    client.post(send(client, csv_bytes([HEADINGS, *rows])))
    rows[1][2] = "Répondre aux étudiants le matin, désormais"
    preview = send(client, csv_bytes([HEADINGS, *rows]))
    page = client.get(preview).content.decode()
    need = RawNeed.unscoped.get(current__title="Besoin 2")
    assert [reverse("needs:detail", args=[need.id]) in page, page.count("<h3")] == [True, 1]
    client.post(preview)
    assert [text.text for text in need.texts.all()] == ["Répondre aux étudiants sur le sujet 2, le soir"]


def test_what_is_imported_is_found_by_the_next_author(house: House) -> None:
    principal = principal_of(house.teacher)
    import_needs(principal, receive_list(principal, "besoins.csv", csv_bytes([HEADINGS, *list_of_needs(3)])))
    found = close_needs(principal, Words("Un assistant", "Répondre aux étudiants le soir, en semaine"))
    assert len(found) == 3


def test_the_coordination_imports_in_a_name_and_says_so(house: House, sign_in: SignIn) -> None:
    alliance = Institution.objects.create(slug="alliance", name="Alliance", short_name="A", nature=Nature.COORDINATION)
    client = sign_in(Profile.objects.create(institution=alliance, person=house.teacher.person, role=Role.COORDINATOR))
    data = csv_bytes([HEADINGS, *list_of_needs(2)])
    refused = client.post(reverse("needs:import"), {"file": SimpleUploadedFile("besoins.csv", data)})
    assert refused.status_code == 422
    preview = send(client, data, institution=str(house.institution.id))
    assert house.institution.name in client.get(preview).content.decode()
    client.post(preview)
    assert list(RawNeed.unscoped.values_list("institution", "on_behalf")) == [(house.institution.id, True)] * 2


def test_a_list_is_seen_by_who_sent_it(house: House, sign_in: SignIn) -> None:
    preview = send(sign_in(house.teacher), csv_bytes([HEADINGS, *list_of_needs(2)]))
    for stranger in (house.other_teacher, house.neighbour_teacher, house.student):
        assert sign_in(stranger).get(preview).status_code == 404
        assert sign_in(stranger).post(preview).status_code == 404
    assert not RawNeed.unscoped.exists()


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04 not a workbook", b"%PDF-1.7", b"un seul mot", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99]
)
def test_a_file_that_is_no_list_is_refused_with_a_sentence(house: House, sign_in: SignIn, data: bytes) -> None:
    answer = sign_in(house.teacher).post(reverse("needs:import"), {"file": SimpleUploadedFile("besoins.xlsx", data)})
    assert answer.status_code == 422
    assert re.search(r'class="errorlist"[^>]*><li>[A-ZÀ-Ý][^<]{20,}\.</li>', answer.content.decode())
    assert not ImportedFile.unscoped.exists()


def test_the_model_is_read_back(house: House, sign_in: SignIn) -> None:
    model = sign_in(house.teacher).get(reverse("needs:import_model")).content
    assert read(model).needs == ()


def test_each_refusal_has_a_sentence(house: House) -> None:
    params = dict.fromkeys(("limit", "bytes", "sheet", "cells", "columns", "first_line", "value", "length", "row"), "12")
    rows = "extra_cells formula cell_error no_words missing_text too_long too_short unclosed_quote repeated".split()
    grids_only = {"not_a_grid", "other_request", "other_version", "altered_mark"}
    said = [row_sentence(RowError(2, "Besoin", code, params)) for code in rows]
    said += [list_sentence(code, params) for code in REFUSALS - grids_only]
    assert len(set(said)) == len(rows) + len(REFUSALS - grids_only)
    assert not [sentence for sentence in said if "%" in sentence]
