"""A quotation is on the page or it is not; a fact is in the passage or it is not."""

import random
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.assistants.verification import check_facts, find_quotation, is_long_enough

PAGE = (
    "Article 12. Sessions d’examen\n\n"
    "La seconde session est organisée au plus tard le 30 juin. Les étudiants défaillants à la première session ne "
    "peuvent pas conserver leur note de contrôle continu, sauf décision contraire du jury. Un coe\ufb03cient de "
    "3,2 s’applique à l’épreuve\u00a0: elle compte pour 1\u202f200 points. Le dépôt est « définitif ».\n\n"
    "Le redoublement n’est autorisé que deux fois. Les notes sont arron\u00addies au dixième — jamais au centième."
)


@pytest.mark.parametrize(
    "quotation",
    [
        "La seconde session est organisée au plus tard le 30 juin.",
        "La seconde session est organisée au plus tard le 30 juin",
        "la première session ne peuvent pas conserver leur note",
        "Un coefficient de 3,2 s'applique à l'épreuve : elle compte pour 1 200 points",
        "Un coefficient de 3,2 s’applique à l’épreuve: elle compte",
        'Le dépôt est "définitif".',
        "Le dépôt est “ définitif ”",
        "Les notes sont arrondies au dixième - jamais au centième",
        "Les notes sont arrondies\nau   dixième – jamais",
        unicodedata.normalize("NFD", "Les étudiants défaillants à la première session"),
        "« Les étudiants défaillants à la première session »",
        "La seconde session […] le 30 juin",
        "La seconde session est organisée … plus tard le 30 juin",
        "… est organisée au plus tard le 30 juin",
    ],
)
def test_an_honest_quotation_is_found_whatever_its_typography(quotation: str) -> None:
    assert find_quotation(quotation, PAGE) is not None


def test_the_offsets_are_those_of_the_page_own_words() -> None:
    found = find_quotation("Un coefficient de 3,2 s'applique à l'épreuve: elle compte pour 1 200 points.\"", PAGE)
    assert found is not None
    assert PAGE[slice(*found)].startswith("Un coe\ufb03cient de 3,2")
    assert PAGE[slice(*found)].endswith("1\u202f200 points")


@pytest.mark.parametrize(
    ("lie", "what"),
    [
        ("La seconde session est organisée au plus tard le 31 juin", "a number changed"),
        ("la seconde session est organisée au plus tard le 30 juin", "case changed"),
        ("La séconde session est organisée au plus tard", "an accent added"),
        ("La seconde session est organisee au plus tard", "an accent dropped"),
        ("La seconde session est au plus tard organisée le 30 juin", "words swapped"),
        ("La première session est organisée au plus tard le 30 juin", "a word replaced"),
        ("Les étudiants peuvent conserver leur note de contrôle continu", "the negation dropped"),
        ("peuvent pas conserver leur note de contrôle continu", "half the negation cut off"),
        ("conserver leur note de contrôle continu", "the negation cut off before"),
        ("autorisé que deux fois", "the negation cut off before an elision"),
        ("Le redoublement n’est autorisé", "the restriction cut off after"),
        ("décision contraire du jury", "the exception cut off before"),
        ("2 s'applique à l'épreuve", "a number beheaded"),
        ("200 points. Le dépôt est « définitif »", "thousands beheaded"),
        ("elle compte pour 1", "thousands truncated"),
        ("Un coefficient de 3", "decimals truncated"),
        ("seconde session est organi", "a word truncated"),
        ("econde session est organisée", "a word beheaded"),
        ("Lа seconde session est organisée", "a Cyrillic letter"),
        ("La seconde […] le 30 juin", "a part of two words"),
        ("Les étudiants défaillants […] conserver leur note de contrôle", "a negation skipped"),
        ("Les notes sont arrondies […] La seconde session est", "parts out of order"),
        ("La session", "too short"),
        ("le", "too short"),
        ("…", "nothing"),
        ("", "nothing"),
        ("«»", "nothing"),
    ],
)
def test_a_changed_quotation_is_refused(lie: str, what: str) -> None:
    assert find_quotation(lie, PAGE) is None, what


def test_a_question_is_not_an_assertion() -> None:
    page = "Peut-on redoubler deux fois ? Le jury répond."
    assert find_quotation("Peut-on redoubler deux fois.", page) is None
    assert find_quotation("Peut-on redoubler deux fois ?", page) == (0, 29)


def test_a_compound_word_is_one_word() -> None:
    page = "La demande est non-recevable après ce délai."
    assert find_quotation("recevable après ce délai", page) is None
    assert find_quotation("est non‑recevable après ce délai", page) is not None


@pytest.mark.parametrize("text", ["le", "la le", "de la", "12 %"])
def test_a_scrap_proves_nothing(text: str) -> None:
    assert not is_long_enough(text)


_WORDS = PAGE.replace("\n", " ").split()


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_offsets_are_always_inside_the_text(data: st.DataObject) -> None:
    text = data.draw(st.text(alphabet="aàe\u0300\u0301 .,'’«»-…\u00ad\u00a0\nné12\ufb01œ", max_size=80))
    start = data.draw(st.integers(0, len(text)))
    quotation = text[start : data.draw(st.integers(start, len(text)))]
    found = find_quotation(quotation, text)
    assert found is None or 0 <= found[0] < found[1] <= len(text)


def test_a_long_hostile_quotation_is_quick() -> None:
    page = "a " * 20_000
    began = time.perf_counter()
    assert find_quotation("a a a b " * 400, page) is None
    assert find_quotation(" […] ".join(["a a a"] * 300) + " […] b b b", page) is None
    assert time.perf_counter() - began < 2


def test_random_word_changes_are_refused() -> None:
    """A thousand here; ten thousand through the whole engine in bench/verification.py."""
    chance = random.Random(7)
    sentence = "La seconde session est organisée au plus tard le 30 juin par le service de la scolarité".split()
    page = "Préambule. " + " ".join(sentence) + ". Fin du texte."
    for _ in range(1_000):
        words = sentence.copy()
        position = chance.randrange(1, len(words) - 1)
        match chance.randrange(3):
            case 0:
                words[position] = chance.choice(["pas", "non", "31", "hiver", "Sorbonne"])
            case 1:
                words.insert(position, chance.choice(["ne", "jamais", "très"]))
            case 2:
                del words[position]
        assert find_quotation(" ".join(words), page) is None, words


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("Il faut soixante crédits.", "60 crédits ECTS"),
        ("Entre 10 % et 12 % des notes.", "entre 10 et 12 % des notes"),
        ("Le 12 mars 2024 à Paris.", "Fait à PARIS, le 12/03/2024"),
        ("C’est en mars 2024.", "le 12 mars 2024"),
        ("Cela coûte 1 200,50 €.", "un coût de 1\u202f200,50 euros"),
        ("Les deux tiers des voix.", "les 2/3 des voix"),
        ("Une note de 10 sur 20.", "la note 10/20"),
        ("L’épreuve est à 14 h 30.", "début : 14h30"),
        ("La deuxième session.", "La seconde session"),
        ("Au XXIe siècle.", "au 21e siècle"),
        ("Un délai de vingt-cinq jours.", "un délai de 25 jours"),
        ("1. Les étudiants redoublent.", "rien"),
        ("Soit $E = mc^2$.", "on pose E = mc²"),
        ("Le coefficient est 3,2.", "coefficient 3.2"),
        ("Selon Élisabeth Badinter.", "Elisabeth BADINTER écrit"),
        ("En 2024-2025, rien.", "l’année 2024/2025"),
        ("Two sessions in June 2024.", "deux sessions en juin 2024"),
    ],
)
def test_facts_that_are_in_the_passage_pass(sentence: str, passage: str) -> None:
    assert check_facts(sentence, passage) == []


@pytest.mark.parametrize(
    ("sentence", "passage", "missing"),
    [
        ("Il faut 61 crédits.", "60 crédits", ["61"]),
        ("Un taux de 12 %.", "12 étudiants", ["12 %"]),
        ("Il y a 12 étudiants.", "un taux de 12 %", ["12"]),
        ("Un délai de 12 mois.", "un délai de 12 jours", ["12"]),
        ("Cela coûte 200 €.", "cela coûte 1 200 €", ["200"]),
        ("Le 13 mars 2024.", "le 12/03/2024", ["13 mars 2024"]),
        ("Le 12 mars 2025.", "le 12/03/2024", ["12 mars 2025"]),
        ("L’épreuve est à 14 h.", "à 14h30", ["14 h"]),
        ("Il fait -5 °C.", "il fait 5 °C", ["-5"]),
        ("La troisième session.", "la seconde session", ["troisième"]),
        ("Le trois quarts des voix.", "les 2/3 des voix", ["trois quarts"]),
        ("Selon Robespierre, oui.", "selon Danton", ["Robespierre"]),
        ("Robespierre fut élu.", "Danton fut élu", ["Robespierre"]),
        ("Marie Curie a parlé.", "Curie a parlé", ["Marie"]),
        ("En L2 seulement.", "en L1 seulement", ["L2"]),
        ("Il faut l’accord du CROUS.", "il faut l’accord", ["CROUS"]),
        ("Soit $E = mc^3$.", "on pose E = mc²", ["3"]),
    ],
)
def test_facts_that_are_not_in_the_passage_are_named(sentence: str, passage: str, missing: list[str]) -> None:
    assert check_facts(sentence, passage) == missing


def test_headings_vouch_for_names_and_article_numbers_but_not_for_figures() -> None:
    assert check_facts("L’article 12 du règlement de Rennes l’exige.", "c’est exigé", context="Rennes · Article 12") == []
    assert check_facts("Il faut 12 étudiants.", "c’est exigé", context="Article 12") == ["12"]


@given(st.text(max_size=200), st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_can_be_checked(sentence: str, passage: str) -> None:
    assert all(isinstance(fact, str) and fact for fact in check_facts(sentence, passage))


@given(st.text(alphabet="0123456789 .,/-%hABCabc éXVI€", max_size=60))
@settings(max_examples=300, deadline=None)
def test_a_text_contains_its_own_figures(text: str) -> None:
    assert not [fact for fact in check_facts("Ici " + text, "Ici " + text) if not fact]
