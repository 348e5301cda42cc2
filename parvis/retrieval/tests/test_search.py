from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parvis.retrieval.analysis import Token, analyse
from parvis.retrieval.framing import asked_tokens
from parvis.retrieval.fts5 import Fts5Index
from parvis.retrieval.passage import Passage
from parvis.retrieval.spelling import Vocabulary, correction, distance, written_out
from parvis.retrieval.tests.library import Library, passage

RULES = passage(
    1, "Le rattrapage a lieu en juin. L'étudiant absent à l'examen terminal y est convoqué.", title="Règlement des études"
)
GRANTS = passage(
    2, "La bourse est versée chaque mois par le service social ; le dossier se dépose en mai.", title="Vie étudiante"
)
LAW = passage(3, "Le droit public régit les rapports de l'administration.", title="Cours de droit", headings=("Les sources",))


@pytest.fixture
def library(sqlite: sqlite3.Connection) -> Library:
    library = Library(Fts5Index(sqlite))
    library.add(RULES, GRANTS, LAW)
    return library


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Quand a lieu le rattrapage ?", 1),
        ("ABSENCE A L'EXAMEN", 1),
        ("Qui verse les bourses ?", 2),
        ("le droit administratif", 3),
        ("les sources du droit", 3),
        ("vie etudiante", 2),
    ],
)
def test_the_passage_that_answers_comes_first(library: Library, question: str, expected: int) -> None:
    assert library.ids(question)[0] == expected


def test_a_misspelt_word_is_mended_and_said(library: Library) -> None:
    found = library.search("Quand a lieu le ratrapage ?", {1})
    assert found.hits[0].passage.id == 1
    assert [(one.written, one.distance) for one in found.corrections] == [("ratrapage", 1)]
    assert found.terms == library.search("Quand a lieu le rattrapage ?", {1}).terms


def test_a_question_without_mistakes_keeps_its_words(library: Library) -> None:
    assert library.search("dossier de bourse du service social", {1}).corrections == ()


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "est-ce que c'est à nous de le faire ?",
        "***",
        "\x00\ud800\udfff",
        "🙂",
        "zzzz qqqq",
        "NEAR(a b) AND -x : ^y *",
    ],
)
def test_a_question_that_asks_for_nothing_known_finds_nothing(library: Library, question: str) -> None:
    found = library.search(question, {1})
    assert found.hits == ()
    assert found.question == question


@pytest.mark.parametrize(
    "question",
    ['bourse" OR *', '" OR "1:bourse', "bourse AND (", "-bourse:", "bourse\x00", "1:bourse", "{bourse} : ^", "bourse\ud800"],
)
def test_the_syntax_of_an_engine_is_only_text(library: Library, question: str) -> None:
    assert library.ids(question)[0] == 2


def test_ten_thousand_characters_are_a_question(library: Library) -> None:
    assert library.ids("bourse " + "mot inconnu " * 1000)[0] == 2
    assert library.ids("".join(chr(0x4E00 + number) + " " for number in range(5000))) == []
    assert library.ids("x" * 10_000 + " bourse") == []


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text(max_size=300))
def test_any_text_can_be_indexed_and_any_question_asked(library: Library, text: str, question: str) -> None:
    library.add(passage(9, text, title=question))
    found = library.search(question, {1})
    assert all(hit.score >= 0 for hit in found.hits)
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    if found.tokens:
        assert 9 in [hit.passage.id for hit in found.hits]


def test_a_corpus_of_one_passage_answers(sqlite: sqlite3.Connection) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(RULES)
    assert library.ids("rattrapage") == [1]
    assert library.search("rattrapage", {1}).hits[0].score > 0


def test_ties_go_to_the_smaller_id(sqlite: sqlite3.Connection) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(*(passage(number, "Le jury délibère.") for number in (3, 1, 2)))
    assert library.ids("jury") == [1, 2, 3]


def test_a_heading_counts_once(sqlite: sqlite3.Connection) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(passage(1, "texte", title="Jury", headings=("Jury",)), passage(2, "texte", title="Jury"))
    first, second = library.search("jury", {1}).features
    assert first == second


def test_features_follow_hits(library: Library) -> None:
    found = library.search("examen de droit public", {1})
    by_id = {hit.passage.id: features for hit, features in zip(found.hits, found.features, strict=True)}
    assert by_id[3].pairs > by_id[1].pairs == 0
    assert by_id[3].bm25 > by_id[1].bm25 > 0
    assert by_id[3].runs > 0


def test_passages_that_no_longer_exist_are_left_out(library: Library) -> None:
    del library.passages[2]
    assert 2 not in library.ids("bourse et dossier")


class Vectors:
    """Embeddings for which one passage is always the nearest."""

    def __init__(self, nearest: int, weight: float) -> None:
        self._nearest = nearest
        self.weight = weight

    def nearest(self, question: str, corpora: frozenset[int], k: int) -> Sequence[int]:
        return [self._nearest]

    def similarities(self, question: str, passage_ids: Sequence[int]) -> Sequence[float]:
        return [1.0 if one == self._nearest else 0.1 for one in passage_ids]


def test_embeddings_add_to_the_lexical_score_by_their_weight(library: Library) -> None:
    order = {
        weight: [hit.passage.id for hit in library.search("bourse", {1}, embedder=Vectors(1, weight)).hits]
        for weight in (0.0, 0.5, 2.0)
    }
    assert order == {0.0: [2], 0.5: [2, 1], 2.0: [1, 2]}


def test_embeddings_never_bring_a_passage_of_another_corpus(library: Library) -> None:
    library.add(passage(7, "Secret des voisins.", corpus=2))
    found = library.search("bourse", {1}, embedder=Vectors(7, 2.0))
    assert [hit.passage.id for hit in found.hits] == [2]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("examen", "examen", 0),
        ("exmaen", "examen", 1),
        ("examn", "examen", 1),
        ("axamenn", "examen", 2),
        ("jury", "examen", 3),
    ],
)
def test_distance(first: str, second: str, expected: int) -> None:
    assert distance(first, second, 2) == distance(second, first, 2) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("boursse", "bours"),
        ("juyrs", "jury"),
        ("juryx", "jury"),
        ("ujrys", None),
        ("juyr", None),
        ("jiry", None),
        ("gourse", None),
        ("combien", None),
        ("gâteau", None),
        ("rattrappagge", "rattrapag"),
        ("jry", None),
        ("juri9", None),
        ("montagne", None),
    ],
)
def test_the_nearest_term_is_proposed_when_it_is_near_enough(written: str, expected: str | None) -> None:
    (token,) = analyse(written)
    found = correction(token, Vocabulary.of({"bours": 9, "jury": 3, "rattrapag": 1, "bateau": 5}))
    assert (found and found.term) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("rétractassion", "retract"),
        ("délay", "del"),
        ("phisique", "physiqu"),
        ("prossédure", "procedur"),
        ("examan", "examen"),
        ("calandrier", "calendri"),
        ("construire", None),  # a good word, two edits from "contraire"
        ("mangent", None),  # "tangente"
        ("détendeur", None),  # "détendu"
        ("justifier", "justifie"),  # "justifiée": the stemmer makes two words of it
        ("géniteurs", None),  # two edits that no ear confuses
    ],
)
def test_only_strong_evidence_mends_a_word(written: str, expected: str | None) -> None:
    (token,) = analyse(written)
    known = "retract del physiqu procedur examen calendri contrair tangent detendu justifie justif senateur"
    found = correction(token, Vocabulary.of(dict.fromkeys(known.split(), 1)))
    assert (found and found.term) == expected


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("À quoi sert le fichier debian/control ?", "fichier debian control"),
        ("Bonjour, je voudrais savoir comment faire pour m'inscrire svp", "inscrire"),
        ("Que se passe-t-il si le vendeur se rétracte ?", "vendeur rétracte"),
        ("Est-ce que j'ai le droit d'exercer le droit de grève ?", "exercer droit grève"),
        ("L'exception d'inexécution, ça sert à quoi ?", "exception inexécution"),
        ("La clé sert-elle deux fois ?", "clé sert deux fois"),
        ("Quel est le rôle du rôle ?", "rôle"),
        ("À quoi ça sert ?", "sert"),
    ],
)
def test_phrases_that_only_ask_are_not_looked_for(question: str, asked: str) -> None:
    assert [token.surface for token in asked_tokens(question, analyse(question))] == asked.split()


def test_what_only_asks_ranks_nothing(library: Library) -> None:
    """ "sert" is rarer than "bourse" there."""
    library.add(passage(5, "Il ne sert à rien de se plaindre."), passage(6, "La bourse, encore la bourse, et la bourse."))
    assert library.ids("À quoi sert la bourse ?")[:2] == [6, 2]
    assert 5 not in library.ids("À quoi sert la bourse ?")


def test_a_definition_comes_before_what_only_names_it_more_often(sqlite: sqlite3.Connection) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(
        passage(1, "Le dol, le dol encore : la victime du dol se plaint du dol.", title="Cas"),
        passage(
            2, "Le dol est le fait d'obtenir un consentement par des manœuvres, des mensonges ou un silence.", title="Vices"
        ),
        passage(3, "Ce mécanisme permet de suspendre sa prestation.", title="Sanctions", headings=("4.1 L'exception",)),
        passage(4, "Une exception, deux exceptions, trois exceptions.", title="Suites"),
    )
    assert library.ids("Qu'est-ce que le dol ?")[0] == 2
    assert library.ids("dol")[0] == 1
    assert library.ids("À quoi sert l'exception ?")[0] == 3


@pytest.mark.parametrize(
    ("question", "first", "asked"),
    [
        ("C'est quand les rattrapages ?", 1, "C'est quand les seconde session ?"),  # a word that no document has
        ("Que dit le deuxième principe ?", 2, "Que dit le second principe ?"),  # one that they have, elsewhere
        ("Comment valider un crédit ?", 4, "Comment valider un crédit ?"),  # ECTS are there too: it is found as asked
        ("Quelle est la couleur du planning ?", None, "Quelle est la couleur du planning ?"),  # nor any other name
    ],
)
def test_another_name_is_tried_where_it_is_better_found(
    sqlite: sqlite3.Connection, question: str, first: int | None, asked: str
) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(
        passage(1, "La seconde session a lieu en juin."),
        passage(2, "Le second principe donne un sens au temps."),
        passage(3, "Le premier principe est au programme de la deuxième année."),
        passage(4, "Un crédit se valide par semestre."),
        passage(5, "Les ECTS sont européens."),
    )
    found = library.search(question, {1})
    assert found.question == asked
    assert next((hit.passage.id for hit in found.hits), None) == first


def test_another_name_is_one_that_the_asker_may_read(sqlite: sqlite3.Connection) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(passage(1, "La seconde session a lieu en juin.", corpus=2), passage(2, "Le jury délibère en juin."))
    found = library.search("Quand ont lieu les rattrapages ?", {1})
    assert (found.question, found.hits) == ("Quand ont lieu les rattrapages ?", ())


@pytest.mark.parametrize("others", [(), (passage(3, "Nul rattrapage du cours manqué.", corpus=2),)])
def test_another_name_is_tried_for_one_that_is_misspelt(sqlite: sqlite3.Connection, others: tuple[Passage, ...]) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(passage(1, "La seconde session a lieu en juin."), passage(2, "Le jury délibère en juin."), *others)
    found = library.search("Quand ont lieu les ratrapages ?", {1})
    assert (found.question, found.hits[0].passage.id) == ("Quand ont lieu les seconde session ?", 1)


def test_a_heading_that_is_the_question_comes_before_mentions(sqlite: sqlite3.Connection) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(
        passage(1, "On se réinscrit après la seconde session.", title="Guide"),
        passage(2, "Épreuves : du 21 juin au 2 juillet.", title="Calendrier", headings=("Seconde session",)),
    )
    assert library.ids("Quand a lieu la seconde session ?")[0] == 2


def test_a_vocabulary_of_numbers_proposes_nothing() -> None:
    (token,) = analyse("examen")
    assert correction(token, Vocabulary.of({"2024": 3})) is None
    assert correction(token, Vocabulary.of({})) is None


def test_among_equally_near_terms_that_begin_alike_the_most_frequent() -> None:
    token = Token("notad", "notad", 0, 5)
    assert correction(token, Vocabulary.of({"rotad": 50, "noted": 2, "notid": 7})).term == "notid"  # type: ignore[union-attr]


@pytest.mark.parametrize(("written", "term"), [("relatoin", "relat"), ("compensent", "compens"), ("compresion", "compress")])
def test_a_slip_or_an_ending_the_stemmer_missed_comes_before_a_nearer_stem(written: str, term: str) -> None:
    (token,) = analyse(written)
    found = correction(token, Vocabulary.of({term: 1, "composent": 50, "relatoir": 50, "compremis": 50}))
    assert found is not None
    assert found.term == term


@pytest.mark.parametrize(
    ("asked", "in_full"),
    [
        ("cb de temps pr le jury", "combien de temps pour le jury"),
        ("cest quoi dun laide lexam", "c'est quoi d'un l'aide l'examen"),
        ("la bu et le lavabo", "la bu et le lavabo"),
    ],
)
def test_shorthand_is_written_out_and_lost_apostrophes_put_back(asked: str, in_full: str) -> None:
    assert written_out(asked, analyse(asked), Vocabulary.of({"aid": 1, "examen": 1})) == in_full


def test_shorthand_that_the_passages_have_is_left_alone(sqlite: sqlite3.Connection) -> None:
    library = Library(Fts5Index(sqlite))
    library.add(passage(1, "Le CB est le symbole de la carte bancaire."), passage(2, "Combien de fois ?"))
    assert library.search("cb", {1}).question == "cb"
