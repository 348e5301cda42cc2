from __future__ import annotations

import pytest

from parvis.retrieval.evaluation import Library
from parvis.retrieval.extraction import Sentence, best_sentences
from parvis.retrieval.listing import is_listing
from parvis.retrieval.passage import Passage
from parvis.retrieval.tests.course import CONTRACTS, RULES, library


@pytest.fixture(scope="module")
def course() -> Library:
    return library(CONTRACTS, RULES)


def told(course: Library, question: str, limit: int = 2) -> list[Sentence]:
    return best_sentences(course.ask(question), limit)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Quel est le délai de prescription de l'action en nullité ?", "se prescrit par cinq ans"),
        ("Qu'est-ce que le dol ?", "Le dol est le fait d'obtenir le consentement"),
        ("Que signifie synallagmatique ?", "Synallagmatique : se dit d'un contrat"),
        ("Quand faut-il déposer une demande de césure ?", "avant le 15 mai"),
        ("Combien de crédits compte une année de licence ?", "soixante crédits"),
        ("Qui préside le jury ?", "Claire Vasseur"),
        ("redoublement licence", "Le redoublement est de droit"),
        ("Kan a lieu l'inscripsion administrativ ?", "au plus tard le 30 septembre 2026"),
    ],
)
def test_the_answer_is_among_the_sentences(course: Library, question: str, answer: str) -> None:
    assert answer in " ".join(one.text for one in told(course, question))


def test_offsets_are_those_of_the_unit(course: Library) -> None:
    for one in told(course, "Quand faut-il déposer une demande de césure ?"):
        assert RULES[1][one.start : one.end] == one.text
        assert one.passage.start <= one.start < one.end <= one.passage.end


def test_a_definition_comes_before_a_mention(course: Library) -> None:
    [best] = told(course, "Qu'est-ce que le dol ?", limit=1)
    assert best.text.startswith("Le dol est")


def test_a_sentence_that_refers_back_comes_with_the_one_before(course: Library) -> None:
    [best] = told(course, "De quel jour court le délai quand le dol a été découvert ?", limit=1)
    assert best.text.startswith("L'action en nullité se prescrit par cinq ans. Ce délai ne court que")
    assert RULES[1][best.start : best.end] == best.text or CONTRACTS[1][best.start : best.end] == best.text


def test_an_item_comes_with_the_line_that_introduces_it(course: Library) -> None:
    texts = [one.text for one in told(course, "Peut-on obtenir une réduction du prix ?")]
    assert texts[0].startswith("La partie envers laquelle l'engagement n'a pas été exécuté peut :")
    assert any("obtenir une réduction du prix" in text for text in texts)


def test_a_line_that_introduces_a_list_is_quoted_with_it(course: Library) -> None:
    texts = [one.text for one in told(course, "Que peut faire la partie envers laquelle l'engagement n'a pas été exécuté ?")]
    assert any("peut :" in text and "résolution du contrat" in text for text in texts)


def test_a_row_comes_with_the_head_of_its_table(course: Library) -> None:
    texts = [one.text for one in told(course, "Quelle note minimale pour la mention très bien ?", limit=1)]
    assert texts == ["Mention | Note minimale", "Très bien | 16"]


def test_reading_order_inside_a_passage(course: Library) -> None:
    for question in ("Qu'est-ce que le dol ?", "Quelle est la date limite d'inscription administrative ?"):
        chosen = told(course, question)
        places = [(one.passage.id, one.start) for one in chosen]
        for passage_id in {place[0] for place in places}:
            inside = [start for other, start in places if other == passage_id]
            assert inside == sorted(inside)


def test_never_more_than_three_sentences_nor_twice_the_same(course: Library) -> None:
    for question in ("Ce délai", "contrat", "Passé ce délai, quelle est la sanction ?", "Quel est le délai ?"):
        texts = [one.text for one in told(course, question)]
        assert len(texts) == len(set(texts)) <= 3


def test_the_same_sentence_in_two_documents_is_told_once() -> None:
    twin = library(("Guide", RULES[1]), ("Règlement", RULES[1]))
    texts = [one.text for one in told(twin, "Quand faut-il déposer une demande de césure ?")]
    assert len([text for text in texts if "césure" in text]) == 1


def test_a_whole_sentence_is_preferred_to_one_cut_by_the_page() -> None:
    cut_off = "et la bourse de mobilité est versée aux étudiants en deux fois, sous réserve que le dossier de mobilité"
    whole = "La bourse de mobilité est versée aux étudiants en deux fois, en octobre et en mars."
    filler = "Le service des relations internationales reçoit sur rendez-vous. " * 8
    pages = library(("Page 1", f"{cut_off}. {filler}"), ("Page 2", f"{filler}{whole}"))
    [best] = told(pages, "Quand la bourse de mobilité est-elle versée ?", limit=1)
    assert best.text == whole


def test_a_heading_answers_nothing() -> None:
    text = "Bourse de mobilité\n\n" + "Elle est versée en octobre par le service des bourses aux étudiants partis. " * 2
    texts = [one.text for one in told(library(("Guide", text)), "bourse de mobilité", limit=1)]
    assert any("versée en octobre" in text for text in texts)


def test_nothing_found_nothing_told(course: Library) -> None:
    assert told(course, "Quelle est la recette du gâteau au yaourt ?") == []
    assert told(course, "") == []


@pytest.mark.parametrize(
    "title",
    [
        "66 Les trois conditions de validité (article 1128).",
        "Article 7. Conditions de validité.",
        "Article 7.",
    ],
)
def test_the_title_that_opens_a_paragraph_is_not_quoted(title: str) -> None:
    told_first = "Sont nécessaires le consentement des parties, leur capacité de contracter et un contenu licite et certain."
    manual = library(("Manuel", f"{title} {told_first}\n\n67 La sanction. Le contrat qui ne les remplit pas est nul."))
    [best] = told(manual, "Quelles sont les conditions de validité, outre le consentement ?", limit=1)
    assert best.text == told_first


def test_a_short_sentence_with_its_verb_is_no_title() -> None:
    text = "La césure est facultative. Le dossier passe en commission au mois de mars, puis le président décide."
    [best] = told(library(("Guide", text)), "La césure est-elle facultative ?", limit=1)
    assert best.text == "La césure est facultative."


def test_the_best_sentence_comes_with_the_one_that_completes_it() -> None:
    text = (
        "La preuve se fait par tout moyen. Mais l'acte qui excède un montant fixé par décret se prouve par écrit. "
        "Ce montant est de 1 500 euros.\n\nLa perte de l'écrit par force majeure en dispense. Le serment reste possible."
    )
    [best] = told(library(("Guide", text)), "À partir de quel montant un acte se prouve-t-il par écrit ?", limit=1)
    assert best.text.endswith("se prouve par écrit. Ce montant est de 1 500 euros.")


def test_a_caption_and_a_table_of_contents_answer_nothing() -> None:
    text = "Figure 4. Les sanctions de l'inexécution.\n\nLe créancier choisit entre cinq sanctions de l'inexécution."
    [best] = told(library(("Cours", text)), "Quelles sont les sanctions de l'inexécution ?", limit=1)
    assert best.text.startswith("Le créancier choisit")


def test_the_first_sentence_under_the_title_of_a_definition_defines() -> None:
    text = (
        "131 Définition (article 1186). Un contrat valablement formé devient caduc si l'un de ses éléments disparaît. "
        "La caducité se distingue de la nullité, et la caducité se constate."
    )
    [best] = told(library(("Cours", text)), "C'est quoi la caducité d'un contrat ?", limit=1)
    assert best.text.startswith("Un contrat valablement formé")


def test_a_row_that_begins_with_a_number_is_found_with_the_head_of_its_table() -> None:
    table = "Taux de compression | Rendement théorique\n\n6 | 51,2 %\n\n8 | 56,5 %\n\n10 | 60,2 %"
    texts = [one.text for one in told(library(("Moteurs", table)), "rendement théorique, taux de compression de 8", limit=1)]
    assert texts == ["Taux de compression | Rendement théorique", "8 | 56,5 %"]


def test_what_a_question_asks_itself_weighs_more_than_what_it_carries_over() -> None:
    text = (
        "La capacité massique de l'eau liquide est de 4 185 joules par kilogramme. "
        "Elle règle le climat. Celle du cuivre, métal courant, vaut 385 joules par kilogramme."
    )
    [best] = told(library(("Chaleur", text)), "Et celle du cuivre ? (capacité massique liquide)", limit=1)
    assert "385" in best.text


def test_a_question_for_a_relation_gets_its_formula() -> None:
    page = ("Relation de Mayer", "CP − CV = n R\n\nElle vaut pour un gaz parfait.\n\nElle fut écrite en 1842 par un médecin.")
    assert told(library(page), "relation de Mayer", limit=1)[0].text == "CP − CV = n R"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Qu'est-ce que le dol ?", "Le dol est le fait"),
        ("Que dit le principe de Carnot ?", "Le principe de Carnot énonce"),
        ("À quoi sert lintian ?", "Le programme lintian"),
    ],
)
def test_what_defines_is_quoted_before_what_says_something_else_of_it(question: str, answer: str) -> None:
    text = (
        "Le dol est constitué s'il émane du gérant ou du préposé du contractant. Le dol est le fait d'obtenir un "
        "consentement par des mensonges. Le principe de Carnot n'interdit pas le contraire. Le principe de Carnot énonce "
        "une limite. Voir aussi lintian. Exécutez lintian. Le programme lintian permet de vérifier un paquet."
    )
    [best] = told(library(("Cours", text)), question, limit=1)
    assert best.text.startswith(answer)


def test_a_glossary_may_shorten_what_it_defines() -> None:
    text = "Conditions : gaz parfait, transformation adiabatique.\n\nAdiabatique : se dit d'une transformation sans échange."
    [best] = told(library(("Glossaire", text)), "Qu'est-ce qu'une transformation adiabatique ?", limit=1)
    assert best.text.startswith("Adiabatique :")


def test_prose_answers_before_a_listing_unless_a_command_is_asked_for() -> None:
    text = "$ apt-get install --reinstall paquet/bullseye\n\nInstaller un paquet demande les droits d'administration."
    manual = library(("Manuel", text))
    assert told(manual, "Comment installer un paquet ?", limit=1)[0].text.startswith("Installer")
    assert "$ apt-get" in " ".join(one.text for one in told(manual, "Quelle commande pour installer un paquet ?"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$ sudo apt install foo", True),
        ("Source: gentoo\nSection: unknown\nBuild-Depends: debhelper (>=10)", True),
        ("[Network]\nAddress=192.168.0.15/24\nGateway=192.168.0.1", True),
        ("W = (P₂V₂ − P₁V₁) / (γ − 1)", False),
        ("Qc/Tc + Qf/Tf = 0", False),
        ("Redoublants | 15 juillet 2026 | 31 août 2026", False),
        ("Le fichier debian/control est dans le répertoire debian/ ; voir https://www.debian.org/doc.", False),
        ("Écrivez à aides@faculte.example ou à scolarite@faculte.example", False),
    ],
)
def test_listings_are_told_from_prose_tables_and_formulas(text: str, expected: bool) -> None:
    assert is_listing(text) is expected


def test_a_row_in_the_middle_of_a_table_is_not_taken_for_its_head() -> None:
    text = "Néobacheliers | 24 août 2026\n\nRedoublants | 15 juillet 2026\n\nMasters | 3 septembre 2026"
    texts = [one.text for one in told(library(("Dates", text)), "Quelle date pour les redoublants ?", limit=1)]
    assert texts == ["Redoublants | 15 juillet 2026"]


def test_a_word_that_the_border_of_a_page_cuts_is_not_quoted_by_half() -> None:
    first = "Les parties peuvent convenir de résoudre le contrat ou demander d'un com-\n\n23. Une note."
    second = "mun accord au juge de l'adapter. Le juge peut aussi réviser le contrat ou y mettre fin."
    pages = [
        Passage(number, 1, 1, number, 0, len(text), text, "Cours", str(number))
        for number, text in enumerate((first, second), 1)
    ]
    [best] = best_sentences(Library(pages).ask("accord au juge de l'adapter, demander"), 1, context=False)
    assert best.text == "accord au juge de l'adapter."
    assert second[best.start : best.end] == best.text
    [best] = best_sentences(Library(pages).ask("Les parties peuvent-elles convenir de résoudre le contrat ?"), 1)
    assert best.text.endswith("demander d'un")


FEES = (
    "Droits",
    "Tableau 2. Droits d'inscription\n\nSituation | Licence (L) | Master (M1, M2)\n\nTarif ordinaire | 178 € | 254 €\n\n"
    "Le duplicata de la carte coûte 10 €. Il est gratuit en cas de vol. En master, le redoublement demande un accord.",
)


def test_a_price_is_read_in_the_row_and_column_of_a_table() -> None:
    texts = [one.text for one in told(library(FEES), "Combien coûte l'inscription en master ?", limit=1)]
    assert texts == ["Situation | Licence (L) | Master (M1, M2)", "Tarif ordinaire | 178 € | 254 €"]
    [best, *_] = told(library(FEES), "Combien coûte le duplicata ?")
    assert best.text.startswith("Le duplicata de la carte coûte 10 €.")


def test_who_is_exempted_says_no_price_nor_does_the_price_of_another_thing() -> None:
    fees = "La cotisation Zéphyr se paie avant l'inscription, sur le site national. Les boursiers en sont exonérés."
    other = "L'aide d'urgence répond à une difficulté soudaine. Son montant va de 100 à 600 €."
    course = library(("Étapes", fees), ("Aides", other))
    texts = [one.text for one in told(course, "Quel est le montant de la cotisation Zéphyr ?", 3)]
    assert not any("exonérés" in text or "600 €" in text for text in texts)
    asked = [one.text for one in told(course, "Combien un boursier paie-t-il ? Combien je paie de cotisation ?", 3)]
    assert any("exonérés" in text for text in asked)


def test_a_second_quotation_tells_more_of_what_is_asked_or_is_left_out() -> None:
    fees = "En césure, l'étudiant de master paie 170 €. Il garde sa carte. Elle reste valable un an, partout."
    other = "En master, la bibliothèque ouvre à huit heures. Le prêt dure trois semaines, comme en licence."
    texts = [one.text for one in told(library(("Droits", fees), ("Guide", other)), "césure en master, combien je paie ?", 3)]
    assert "170 €" in texts[0]
    assert not any("bibliothèque" in text or text.startswith("Elle") for text in texts)
