"""Requests, answers and offers as people meet them: the coordination, key holders, two vendors, and everybody else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from parvis.audit.models import Entry
from parvis.institutions.models import Institution, Nature, Notice, Profile, Role
from parvis.offers.actions import requests
from parvis.offers.models import Question, RegisterKind, RequestForInformation, SealedAnswer
from parvis.offers.tests.conftest import MARKER, Market, a_profile, passphrase_of

SignIn = Callable[[Profile], Client]


def words(response: Any) -> str:  # what a client answers with is no HttpResponse to mypy
    text: str = response.content.decode()
    return text


def test_from_preparation_to_offers_side_by_side(market: Market, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    coordination, vendor = sign_in(market.commons.coordinating), sign_in(market.vendor)
    form = {
        "title": "Assistants de scolarité",
        "questions_until": f"{market.now + timedelta(days=5):%Y-%m-%dT%H:%M}",
        "deadline_at": f"{market.now + timedelta(days=10):%Y-%m-%dT%H:%M}",
        "holders": [profile.id for profile in market.holders],
        "holders_needed": 2,
    }
    coordination.post(reverse("offers:request_new", args=[market.need.id]), form)
    request = RequestForInformation.unscoped.get()
    assert vendor.get(reverse("offers:request", args=[request.id])).status_code == 404
    for profile in market.holders:
        secret = {"passphrase": passphrase_of(profile), "again": passphrase_of(profile)}
        sign_in(profile).post(reverse("offers:key", args=[request.id]), secret)
    coordination.post(reverse("offers:publication", args=[request.id]))

    shown = words(vendor.get(reverse("offers:request", args=[request.id])))
    for name in ("reglement-du-sondage.pdf", "expression-fonctionnelle.docx", "cadre-de-reponse.xlsx"):
        assert name in shown

    space = reverse("offers:answer", args=[request.id])
    secret = {"passphrase": passphrase_of(market.vendor), "again": passphrase_of(market.vendor)}
    vendor.post(space, secret)
    line = {"EX-001-code": "ST", "EX-001-proof": f"https://{MARKER}.example", "EX-002-code": ""}
    vendor.post(reverse("offers:answer_requirements", args=[request.id]), line)
    price = {"label": "Abonnement", "unit": "par an", "amount": "1 234,56"}
    management = {"price-TOTAL_FORMS": "1", "price-INITIAL_FORMS": "0"}
    vendor.post(
        reverse("offers:answer_prices", args=[request.id]), {**management, **{f"price-0-{k}": v for k, v in price.items()}}
    )
    vendor.post(reverse("offers:answer_company", args=[request.id]), {"product": "Vega", "zone": "eu", "no_training": "no"})
    sent = words(vendor.post(reverse("offers:sending", args=[request.id]), follow=True))
    assert "Scellée et reçue" in sent
    assert SealedAnswer.unscoped.get().sha256 in sent, "the receipt"

    monkeypatch.setattr(timezone, "now", lambda: market.after)
    for profile in market.holders[:2]:
        response = sign_in(profile).post(reverse("offers:opening", args=[request.id]), {"passphrase": passphrase_of(profile)})
    assert response.headers["Location"] == reverse("offers:compare", args=[request.id])
    assert "les réponses sont ouvertes" in words(sign_in(profile).get(reverse("offers:opening", args=[request.id]))).lower()
    assert Notice.objects.filter(code="request_opened", profile=market.holders[0], address=response.headers["Location"])
    page = words(sign_in(market.holders[2]).get(reverse("offers:compare", args=[request.id])))
    for shown in ("Atelier Vega", "ST", "sans réponse", "1\u202f234,56", "Union européenne", MARKER, "absente"):
        assert shown in page
    for kind in ("csv", "xlsx"):
        assert sign_in(market.holders[2]).get(reverse(f"offers:compare_{kind}", args=[request.id])).status_code == 200


def test_two_vendors_receive_the_same_bytes_and_the_register_says_so(market: Market, sign_in: SignIn) -> None:
    request = market.published()
    documents = list(request.documents.all())
    received = {}
    for profile in (market.vendor, market.rival):
        client = sign_in(profile)
        one_by_one = [client.post(reverse("offers:document", args=[request.id, one.id])).content for one in documents]
        received[profile] = [*one_by_one, client.post(reverse("offers:documents", args=[request.id])).content]
    assert received[market.vendor] == received[market.rival]
    assert received[market.vendor][: len(documents)] == [bytes(one.content) for one in documents]
    reads = request.register.filter(kind=RegisterKind.READ)
    per_vendor = [(one.recipient, one.subject, one.sha256) for one in reads]
    assert per_vendor == [
        (profile.institution, one.name, one.sha256) for profile in (market.vendor, market.rival) for one in documents * 2
    ]
    csv = words(sign_in(market.commons.coordinating).get(reverse("offers:register_csv", args=[request.id])))
    assert csv.count("Document remis") == 8


def test_a_vendor_finds_nothing_of_another(market: Market, sign_in: SignIn) -> None:
    request = market.published()
    market.sent(request, market.vendor)
    rival = sign_in(market.rival)
    pages = [
        reverse("offers:space"),
        reverse("offers:request", args=[request.id]),
        reverse("offers:answer", args=[request.id]),
        reverse("offers:requests"),
    ]
    for address in pages:
        shown = words(rival.get(address))
        assert "Vega" not in shown, address
        assert "révision" not in shown, address
    assert rival.get(reverse("offers:register", args=[request.id])).status_code == 404
    assert rival.get(reverse("offers:compare", args=[request.id])).status_code == 404


def test_once_opened_a_vendor_reads_its_own_offer_and_no_other(market: Market, sign_in: SignIn) -> None:
    request = market.opened()
    for address in (reverse("offers:compare", args=[request.id]), reverse("offers:compare_csv", args=[request.id])):
        shown = words(sign_in(market.rival).get(address))
        assert "Comptoir Altaïr" in shown
        assert "Vega" not in shown


def test_the_key_of_a_draft_is_a_cookie_for_these_pages_alone(market: Market, sign_in: SignIn) -> None:
    request = market.published()
    client, address = sign_in(market.vendor), reverse("offers:answer", args=[request.id])
    secret = {"passphrase": passphrase_of(market.vendor), "again": passphrase_of(market.vendor)}
    cookie = client.post(address, secret).cookies[f"parvis_answer_{request.id}"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (address, True, "Strict")
    assert cookie.value not in str(dict(client.session))
    assert "Exigences" in words(client.get(address))
    client.post(reverse("offers:locking", args=[request.id]))
    assert "Ouvrir mon brouillon" in words(client.get(address))
    wrong = client.post(address, {"passphrase": "une autre phrase secrète"})
    assert wrong.status_code == 422
    assert "Ce n’est pas la phrase secrète" in words(wrong)
    assert "Exigences" in words(client.post(address, {"passphrase": passphrase_of(market.vendor)}, follow=True))


def test_the_workbook_comes_back_and_what_is_wrong_is_said_by_row(market: Market, sign_in: SignIn) -> None:
    request = market.published()
    client = sign_in(market.vendor)
    secret = {"passphrase": passphrase_of(market.vendor), "again": passphrase_of(market.vendor)}
    client.post(reverse("offers:answer", args=[request.id]), secret)
    book = load_workbook(io.BytesIO(client.get(reverse("offers:workbook", args=[request.id])).content))
    sheet = book["Conformité"]
    sheet["F6"], sheet["G6"] = "ST", f"Manuel {MARKER}"
    sheet["C7"], sheet["F7"] = "Répondre en gallo", "OUI"
    page = client.post(reverse("offers:upload", args=[request.id]), {"file": sent_back(book)})
    assert page.status_code == 422
    for said in (
        "1 exigence est entrée dans le brouillon",
        "EX-002",
        "Répondre en gallo",
        "«\u00a0OUI\u00a0» n’est pas un code",
    ):
        assert said in words(page)
    sheet["C7"], sheet["F7"] = "Répondre en breton", "SP"
    assert "2 sur 2" in words(client.post(reverse("offers:upload", args=[request.id]), {"file": sent_back(book)}, follow=True))
    for name, content, sentence in (
        ("réponse.xlsx", b"PK\x03\x04 abc", "endommagé"),
        ("réponse.xlsx", b"", "vide"),
        ("réponse.xlsx", b"0" * 1_100_000, "1 Mo"),
    ):
        refused = client.post(reverse("offers:upload", args=[request.id]), {"file": SimpleUploadedFile(name, content)})
        assert refused.status_code == 422
        assert sentence in words(refused)
    assert "2 sur 2" in words(client.get(reverse("offers:answer", args=[request.id])))


def test_a_late_answer_is_told_so_and_the_draft_is_there(
    market: Market, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = market.published()
    client = sign_in(market.vendor)
    secret = {"passphrase": passphrase_of(market.vendor), "again": passphrase_of(market.vendor)}
    client.post(reverse("offers:answer", args=[request.id]), secret)
    monkeypatch.setattr(timezone, "now", lambda: market.after)
    page = words(client.post(reverse("offers:sending", args=[request.id]), follow=True))
    assert "la réponse est refusée. Votre brouillon est gardé" in page
    assert "0 sur 2" in page


def test_a_vendor_named_in_the_need_stops_publication_and_dossier(market: Market, sign_in: SignIn) -> None:
    request = market.prepared()
    for profile in market.holders:
        requests.enrol(market.principal(profile), market.holder(request, profile), passphrase_of(profile))
    market.vendor.institution.name = "Citer SAS"
    market.vendor.institution.save()
    coordination = sign_in(market.commons.coordinating)
    refused = coordination.post(reverse("offers:publication", args=[request.id]))
    assert refused.status_code == 409
    place = "<strong>EX-001</strong> : « Citer"
    assert place in words(refused).replace("\N{NO-BREAK SPACE}", " ")
    RequestForInformation.unscoped.update(title="Comme Citer SAS")
    assert "titre du sondage" in words(coordination.post(reverse("offers:publication", args=[request.id]), {"x": "y"}))
    assert RequestForInformation.unscoped.get().published_at is None
    address = reverse("offers:dossier", args=[market.need.id])
    assert place in words(coordination.get(address)).replace("\N{NO-BREAK SPACE}", " ")
    assert coordination.get(reverse("offers:dossier_zip", args=[market.need.id])).headers["Location"] == address
    archive = coordination.get(reverse("offers:dossier_zip", args=[market.need.id]), {"ordinaire": "Citer SAS"})
    names = zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    assert {"BH-001-v1/expression-fonctionnelle.odt", "BH-001-v1/registre.csv", "BH-001-v1/note.pdf"} <= set(names)


ROLES = ("coordinator", "referent", "signatory", "teacher", "administrator", "observer", "vendor", "student", "stranger")
# 200: the page; 302: to sign in, or to the passphrase; 403: seen, but another's to do; 404: as if it were not there.
RIGHTS = {
    "requests": (200, 200, 200, 200, 200, 200, 200, 404, 302),
    "request_new": (200, 404, 404, 404, 404, 404, 404, 404, 302),
    "request": (200, 200, 200, 200, 200, 200, 200, 404, 302),
    "request_edit": (302, 403, 403, 403, 403, 403, 403, 404, 302),
    "postponement": (200, 403, 403, 403, 403, 403, 403, 404, 302),
    "key": (403, 200, 200, 403, 403, 403, 403, 404, 302),
    "opening": (200, 200, 200, 404, 404, 404, 404, 404, 302),
    "question": (200, 403, 403, 403, 403, 403, 403, 404, 302),
    "register": (200, 200, 200, 200, 200, 404, 404, 404, 302),
    "compare": (404, 404, 404, 404, 404, 404, 404, 404, 302),
    "space": (404, 404, 404, 404, 404, 404, 200, 404, 302),
    "answer": (404, 404, 404, 404, 404, 404, 200, 404, 302),
    "workbook": (404, 404, 404, 404, 404, 404, 302, 404, 302),
}
WRITES = {
    "publication": (302, 403, 403, 403, 403, 403, 403, 404, 302),
    "postponement": (422, 403, 403, 403, 403, 403, 403, 404, 302),
    "questions": (403, 403, 403, 403, 403, 403, 422, 404, 302),
    "opening": (403, 422, 422, 404, 404, 404, 404, 404, 302),
    "exchanges": (422, 403, 403, 403, 403, 404, 404, 404, 302),
    "sending": (404, 404, 404, 404, 404, 404, 302, 404, 302),
    "upload": (404, 404, 404, 404, 404, 404, 302, 404, 302),
}


def test_each_role_reaches_its_pages_and_no_other(market: Market, sign_in: SignIn) -> None:
    request = market.published()
    market.sent(request, market.vendor)
    question = Question.unscoped.create(
        institution=market.vendor.institution, request=request, profile=market.vendor, text="Sur site ?"
    )
    watching = Institution.objects.create(slug="etat", name="Ministère", short_name="État", nature=Nature.OBSERVER)
    house = market.commons.house
    clients = {
        "coordinator": sign_in(market.commons.coordinating),
        "referent": sign_in(market.holders[0]),
        "signatory": sign_in(market.holders[2]),
        "teacher": sign_in(house.other_teacher),
        "administrator": sign_in(market_administrator(market)),
        "observer": sign_in(a_profile(watching, Role.OBSERVER)),
        "vendor": sign_in(market.vendor),
        "student": sign_in(house.student),
        "stranger": Client(),
    }
    arguments: dict[str, list[int]] = {"requests": [], "space": [], "request_new": [market.need.id]}
    arguments["question"] = [request.id, question.id]
    for method, table in (("get", RIGHTS), ("post", WRITES)):
        found = {}
        for name in table:
            address = reverse(f"offers:{name}", args=arguments.get(name, [request.id]))
            found[name] = tuple(getattr(clients[role], method)(address).status_code for role in ROLES)
        assert found == table


def market_administrator(market: Market) -> Profile:
    return a_profile(market.holders[2].institution, Role.ADMINISTRATOR)


def test_nobody_reads_a_sealed_answer_anywhere_before_the_opening(
    market: Market, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    """Database, audit log, logs, every page and export of every role: not a word of it."""
    caplog.set_level("DEBUG")
    request = market.published()
    client = sign_in(market.vendor)
    secret = {"passphrase": passphrase_of(market.vendor), "again": passphrase_of(market.vendor)}
    client.post(reverse("offers:answer", args=[request.id]), secret)
    line = {"EX-001-code": "ST", "EX-001-comment": MARKER, "EX-002-code": ""}
    client.post(reverse("offers:answer_requirements", args=[request.id]), line)
    client.post(reverse("offers:answer_company", args=[request.id]), {"product": MARKER})
    client.post(reverse("offers:upload", args=[request.id]), {"file": SimpleUploadedFile("r.xlsx", MARKER.encode())})
    client.post(reverse("offers:sending", args=[request.id]))
    assert SealedAnswer.unscoped.count() == 1
    assert MARKER in words(client.get(reverse("offers:answer", args=[request.id])))
    assert words(client.get(reverse("offers:sent", args=[request.id, 1]))).count(MARKER) == 2
    assert sign_in(market.rival).get(reverse("offers:sent", args=[request.id, 1])).status_code == 404

    dump = whole_database()
    assert b"Assistants de scolarit" in dump, "what is not sealed is found in the dump"
    for secret_words in (MARKER, passphrase_of(market.vendor), passphrase_of(market.holders[0])):
        for form in (secret_words.encode(), secret_words.encode().hex().encode()):
            assert form not in dump
        assert secret_words not in caplog.text
    key = client.cookies[f"parvis_answer_{request.id}"].value
    assert key.encode() not in dump
    assert key not in caplog.text
    assert not any(MARKER in f"{entry.subject} {entry.details}" for entry in Entry.objects.all())

    for profile in (market.commons.coordinating, market.rival, *market.holders, market_administrator(market)):
        other = sign_in(profile)
        for name in ("requests", "space", *("request", "opening", "register", "register_csv", "register_pdf", "answer")):
            arguments = [] if name in ("requests", "space") else [request.id]
            shown = other.get(reverse(f"offers:{name}", args=arguments)).content
            assert MARKER.encode() not in shown
            if profile != market.rival and name not in ("register", "register_csv"):
                assert b"Vega" not in shown, "nor that its vendor answered"


def whole_database() -> bytes:
    """Every byte an administrator could copy, of this transaction too."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        return bytes(connection.connection.serialize())
    content = io.BytesIO()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            with cursor.cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
                for block in copy:
                    content.write(bytes(block))
    return content.getvalue()


def sent_back(book: object) -> SimpleUploadedFile:
    content = io.BytesIO()
    book.save(content)  # type: ignore[attr-defined]  # an openpyxl workbook
    return SimpleUploadedFile("reponse.xlsx", content.getvalue())
