from __future__ import annotations

import pytest

from parvis.assistants.quotations import Part, parts, plain


def test_rows_are_a_table_whose_head_is_the_row_without_figures() -> None:
    [table] = parts("Mention | Note minimale\n\nTrès bien | 16")
    assert (table.kind, table.head, table.body) == ("rows", ("Mention", "Note minimale"), (("Très bien", "16"),))
    [alone] = parts("Redoublants | 15 juillet 2026 | ")
    assert (alone.head, alone.body) == ((), (("Redoublants", "15 juillet 2026", ""),))


@pytest.mark.parametrize(
    ("quotation", "shown"),
    [
        ("Tarif ordinaire | 178 € | 254 €", "Tarif ordinaire · 178 € · 254 €"),
        (
            "l’indemnisation du concessionnaire d’un service public ²⁴ .",
            "l’indemnisation du concessionnaire d’un service public.",
        ),
        ("Dans l’arrêt Manoukian, ¹⁰ la chambre avait jugé.", "Dans l’arrêt Manoukian, la chambre avait jugé."),
        ("Une surface de 10 m². Un volume de 10⁻³ m³ .", "Une surface de 10 m². Un volume de 10⁻³ m³ ."),
        ("accord au juge de procéder à son adaptation rapide.", "… accord au juge de procéder à son adaptation rapide."),
        ("Les parties peuvent demander, ou non, le concours d’un", "Les parties peuvent demander, ou non, le concours d’un …"),
        ("W = P ΔV", "W = P ΔV"),
        ("Elle peut :\n\n• refuser ;\n\n• exécuter.", "Elle peut :\n• refuser ;\n• exécuter."),
    ],
)
def test_a_quotation_on_lines(quotation: str, shown: str) -> None:
    assert plain(quotation) == shown


def test_a_listing_keeps_its_lines() -> None:
    assert parts("On écrit :\n\n$ sudo apt install foo\n    --option") == [
        Part("prose", "On écrit :"),
        Part("listing", "$ sudo apt install foo\n    --option"),
    ]


@pytest.mark.parametrize("text", ["", " ", "|", " | ", "\n\n", "²", "-"])
def test_the_least_text_is_shown(text: str) -> None:
    assert isinstance(plain(text), str)
