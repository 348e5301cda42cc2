from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.offers import decp
from parvis.offers.decp import EURO, Contract, Modification, Supplier

EDITEUR = Supplier("11122233300011", "SIRET", "")
MARCHE: dict[str, Any] = {
    "id": "2024S0042",
    "acheteur": {"id": "19350000000012"},
    "nature": "Marché",
    "objet": "Service de transcription  automatique des cours",
    "codeCPV": "72000000-5",
    "techniques": {"technique": ["Sans objet"]},
    "procedure": "Procédure adaptée",
    "dureeMois": 48,
    "dateNotification": "2024-02-29",
    "montant": 96000.50,
    "titulaires": [{"titulaire": {"typeIdentifiant": "SIRET", "id": "11122233300011"}}],
    "marcheInnovant": True,
    "offresRecues": 3,
    "considerationsSociales": {"considerationSociale": ["Clause sociale"]},
    "modifications": [],
}
EXPECTED = Contract(
    id="2024S0042",
    buyer_siret="19350000000012",
    subject="Service de transcription automatique des cours",
    cpv="72000000",
    nature="Marché",
    procedure="Procédure adaptée",
    notified=date(2024, 2, 29),
    months=48,
    amount=9600050 * EURO // 100,
    suppliers=(EDITEUR,),
    innovative=True,
    offers_received=3,
    is_framework=False,
    framework_id="",
)
FLAT = {
    "id": "2024S0042",
    "acheteur_id": 19350000000012,
    "nature": "Marché",
    "objet": "Service de transcription automatique des cours",
    "codecpv": "72000000-5",
    "procedure": "Procédure adaptée",
    "dureemois": 48.0,
    "datenotification": "2024-02-29",
    "montant": 96000.50,
    "titulaire_id_1": 11122233300011,
    "titulaire_typeidentifiant_1": "SIRET",
    "titulaire_id_2": "CDL",
    "marcheinnovant": "oui",
    "offresrecues": "3",
    "idaccordcadre": "CDL",
}


def parsed(content: Any) -> decp.Parsed:
    return decp.parse(json.dumps(content).encode())


def one(**changes: Any) -> Contract:
    """The only contract of a file without problems."""
    found = parsed([MARCHE | changes])
    assert found.problems == ()
    return found.contracts[0]


@pytest.mark.parametrize(
    "content",
    [
        {"marches": {"marche": [MARCHE]}},
        {"marches": {"marche": MARCHE}},
        {"marches": [MARCHE]},
        {"marche": [MARCHE]},
        [MARCHE],
        MARCHE,
        {"total_count": 1, "results": [FLAT]},
        {"records": [{"recordid": "a", "fields": FLAT}]},
        [MARCHE | {"acheteur": None, "acheteur.id": "19350000000012"}],
        [MARCHE | {"dateNotification": "2024-02-29+01:00", "montant": "96 000,50 €", "dureeMois": "48", "marcheInnovant": 1}],
        [MARCHE | {"dateNotification": "29/02/2024", "titulaires": {"titulaire": [{"id": 11122233300011}]}}],
        [
            MARCHE
            | {"titulaires": [[[{"typeIdentifiant": "SIRET", "id": "11122233300011"}]], {"titulaire": "typeIdentifiant"}]}
        ],
    ],
)
def test_every_shape_gives_the_same_contract(content: Any) -> None:
    found = parsed(content)
    assert found.contracts == (EXPECTED,)
    assert found.problems == ()


def test_the_encodings_met_are_read() -> None:
    text = json.dumps([MARCHE], ensure_ascii=False)
    assert decp.parse(b"\xef\xbb\xbf" + text.encode()).contracts == (EXPECTED,)
    assert decp.parse(text.encode("cp1252")).contracts == (EXPECTED,)


def test_what_is_not_known_is_none_and_not_zero() -> None:
    unknown = one(montant="NC", dureeMois="CDL", offresRecues="", marcheInnovant="nan", codeCPV=None)
    assert (unknown.amount, unknown.months, unknown.offers_received, unknown.innovative, unknown.cpv) == (
        None,
        None,
        None,
        None,
        "",
    )
    assert unknown.yearly_amount is None
    assert unknown.end_date is None


def test_an_identifier_that_a_spreadsheet_shortened_is_whole_again() -> None:
    assert one(acheteur={"id": 543210900012}).buyer_siret == "00543210900012"
    assert one(codeCPV=9310000).cpv == "09310000"


def test_modifications_replace_what_they_name_in_the_order_of_their_dates() -> None:
    contract = one(
        modifications=[
            {"modification": {"dateNotificationModification": "2025-06-01", "dureeMois": 60, "montant": 120000}},
            {
                "modification": {
                    "dateNotificationModification": "2025-01-01",
                    "montant": 100000,
                    "titulaires": [{"id": "B" * 5}],
                }
            },
            {"modification": {"id": 3, "dateNotificationModification": "2025-09-01"}},
        ]
    )
    assert contract.modifications == (
        Modification(date(2025, 1, 1), None, 100_000 * EURO, (Supplier("BBBBB", "SIRET", ""),)),
        Modification(date(2025, 6, 1), 60, 120_000 * EURO, ()),
    )
    latest = contract.as_modified()
    assert (latest.amount, latest.months, latest.suppliers[0].id) == (120_000 * EURO, 60, "BBBBB")
    assert latest.yearly_amount == 24_000 * EURO
    assert (contract.end_date, latest.end_date) == (date(2028, 2, 29), date(2029, 2, 28))


def test_a_contract_published_again_with_each_modification_is_one_contract() -> None:
    rows = [FLAT, FLAT | {"datenotificationmodification": "2025-06-01", "montantmodification": 110000}]
    rows.append(rows[1] | {"datenotificationmodification": "2026-06-01", "montantmodification": 130000})
    found = parsed(rows)
    assert [len(contract.modifications) for contract in found.contracts] == [2]
    assert found.contracts[0].as_modified().amount == 130_000 * EURO
    other_buyer = FLAT | {"acheteur_id": "19350000000020"}
    assert len(parsed([FLAT, other_buyer]).contracts) == 2


def test_of_a_national_file_one_reads_ones_own() -> None:
    others = [FLAT | {"acheteur_id": "20000000000016", "montant": "?"}, FLAT | {"acheteur_id": "inconnu"}, "reste"]
    found = decp.parse(json.dumps([*others, FLAT]).encode(), sirens={"193500000"})
    assert found == decp.Parsed((EXPECTED,), ())


def test_a_framework_is_said_for_its_amount_is_a_ceiling() -> None:
    assert one(nature="Accord-cadre").is_framework
    assert one(techniques={"technique": ["Accord-cadre"]}).is_framework


@pytest.mark.parametrize(
    ("changes", "code", "field", "skipped"),
    [
        ({"id": ""}, "field_missing", "id", True),
        ({"objet": None}, "field_missing", "objet", True),
        ({"acheteur": {}}, "field_missing", "acheteur.id", True),
        ({"acheteur": {"id": "État"}}, "field_unreadable", "acheteur.id", True),
        ({"nature": "Concession de service"}, "concession", "nature", True),
        ({"montant": 1e17}, "value_implausible", "montant", False),
        ({"montant": -5}, "value_implausible", "montant", False),
        ({"montant": "environ mille"}, "field_unreadable", "montant", False),
        ({"dureeMois": 0}, "value_implausible", "dureemois", False),
        ({"dureeMois": 12.5}, "field_unreadable", "dureemois", False),
        ({"dateNotification": "2024-02-30"}, "field_unreadable", "datenotification", False),
        ({"dateNotification": "0204-02-12"}, "value_implausible", "datenotification", False),
        ({"codeCPV": "informatique"}, "field_unreadable", "codecpv", False),
        ({"titulaires": [{"titulaire": "id"}]}, "field_missing", "titulaires", False),
        ({"marcheInnovant": "peut-être"}, "field_unreadable", "marcheinnovant", False),
    ],
)
def test_a_problem_names_its_row_and_field_and_spares_the_others(
    changes: dict[str, Any], code: str, field: str, skipped: bool
) -> None:
    found = parsed([MARCHE | {"id": "AUTRE"}, MARCHE | changes])
    (problem,) = found.problems
    assert (problem.row, problem.code, problem.field, problem.skipped) == (2, code, field, skipped)
    assert len(found.contracts) == 1 + (not skipped)


def test_a_row_that_is_no_contract_is_said() -> None:
    found = parsed({"marches": [MARCHE, "reste d’une saisie", None]})
    assert [(problem.row, problem.code) for problem in found.problems] == [(2, "not_a_contract"), (3, "not_a_contract")]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["NC", "9" * 400, "2024-13-40", "1e99999", "é"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["titulaire", "id", "modification"]), inner),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*MARCHE, *FLAT, "datenotificationmodification", "acheteur.id"]), ANYTHING, max_size=4))
def test_whatever_a_field_holds_the_other_rows_are_read(changes: dict[str, Any]) -> None:
    found = parsed([MARCHE | {"id": "AUTRE"}, MARCHE | changes])
    assert found.contracts[0].id == "AUTRE"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"id;objet\n1;x", "not_json"),
        (b"", "not_json"),
        (b"[" * 200_000, "not_json"),
        (b'"texte"', "no_contracts"),
        (b'{"datasets": []}', "no_contracts"),
        (b'{"marches": null}', "no_contracts"),
    ],
)
def test_another_kind_of_file_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(decp.DecpError) as refusal:
        decp.parse(data)
    assert refusal.value.code == code
