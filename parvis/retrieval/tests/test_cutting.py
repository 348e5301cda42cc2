from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from parvis.retrieval.cutting import FEWEST_WORDS, MOST_WORDS, Cut, Span, cut, joined, neighbours
from parvis.retrieval.passage import Passage


def sentence(words: int, mark: str = "mot") -> str:
    return ("Le " + f"{mark} " * (words - 1)).strip() + "."


def paragraphs(*texts: str, heading_path: tuple[str, ...] = ()) -> tuple[str, list[Span]]:
    text = "\n\n".join(texts)
    starts = [sum(len(one) + 2 for one in texts[:i]) for i in range(len(texts))]
    return text, [Span(start, start + len(one), heading_path) for start, one in zip(starts, texts, strict=True)]


def sizes(text: str, cuts: list[Cut]) -> list[int]:
    return [len(text[one.start : one.end].split()) for one in cuts]


def test_passages_are_60_to_100_words_and_end_with_a_sentence() -> None:
    text, spans = paragraphs(*(" ".join([sentence(17), sentence(23), sentence(9)]) for _ in range(12)))
    cuts = cut(text, spans)
    assert all(FEWEST_WORDS <= size <= MOST_WORDS for size in sizes(text, cuts))
    assert all(text[one.start : one.end].endswith(".") for one in cuts)


def test_a_passage_rather_ends_with_a_paragraph() -> None:
    text, spans = paragraphs(*(" ".join([sentence(20)] * 4) for _ in range(5)))
    assert [(one.start, one.end) for one in cut(text, spans)] == [(span.start, span.end) for span in spans]


def test_a_short_page_is_one_passage_and_an_empty_one_none() -> None:
    assert sizes("Fin du cours.", cut("Fin du cours.", [Span(0, 13)])) == [3]
    assert cut("  \n ", [Span(0, 4)]) == []
    assert cut("Titre seul", []) == []


def test_no_passage_crosses_a_heading() -> None:
    text = "Premier alinéa.\n\nTitre\n\nSecond alinéa."
    first, second = Span(0, 15, ("Cours",)), Span(24, 38, ("Cours", "Titre"))
    assert cut(text, [first, second]) == [Cut(0, 15, ("Cours",)), Cut(24, 38, ("Cours", "Titre"))]
    same_path = [Span(0, 15, ("Cours",)), Span(24, 38, ("Cours",))]
    assert len(cut(text, same_path)) == 2, "the heading between them would be in the passage"


def test_rows_and_listings_stay_whole() -> None:
    row = " | ".join(["Unité. Cours"] * 40)
    text = "\n\n".join([row] * 3)
    spans = [Span(i * (len(row) + 2), i * (len(row) + 2) + len(row), (), True) for i in range(3)]
    assert [(one.start, one.end) for one in cut(text, spans)] == [(span.start, span.end) for span in spans]


def test_what_introduces_a_list_stays_with_its_first_item() -> None:
    text, spans = paragraphs(sentence(62), "Le dossier comprend :", *("- " + sentence(20) for _ in range(5)))
    assert not any(text[one.start : one.end].endswith(":") for one in cut(text, spans))


def test_a_text_without_any_full_stop_is_cut_after_a_comma() -> None:
    text = ", ".join(["un deux trois quatre cinq six sept"] * 60)
    cuts = cut(text, [Span(0, len(text))])
    assert max(sizes(text, cuts)) <= MOST_WORDS
    assert all(text[one.start : one.end].endswith(",") for one in cuts[:-1])


@given(
    st.lists(
        st.tuples(st.text(alphabet="aB .:,\n!-1", max_size=400), st.booleans(), st.sampled_from([(), ("T",)])),
        max_size=8,
    )
)
def test_every_word_is_in_exactly_one_passage(blocks: list[tuple[str, bool, tuple[str, ...]]]) -> None:
    text, spans = "", []
    for block, atomic, heading_path in blocks:
        spans.append(Span(len(text), len(text) + len(block), heading_path, atomic))
        text += block + "\n\n"
    cuts = cut(text, spans)
    assert "".join("".join(text[one.start : one.end].split()) for one in cuts) == "".join(text.split())
    assert all(before.end <= after.start for before, after in pairwise(cuts))
    assert all(text[one.start : one.end].strip() == text[one.start : one.end] != "" for one in cuts)


def test_ten_thousand_sentences_are_cut_in_time() -> None:
    text = " ".join([sentence(5)] * 10_000)
    assert sum(sizes(text, cut(text, [Span(0, len(text))]))) == 50_000


def passage(id: int, start: int, *, words: int = 60, unit: int = 1, heading: str = "") -> Passage:
    text = sentence(words)
    return Passage(id, 1, 1, unit, start, start + len(text), text, "Cours", str(unit), (heading,) if heading else ())


def consecutive(*, words: int = 60) -> list[Passage]:
    length = len(sentence(words)) + 2
    return [passage(number, number * length, words=words) for number in range(5)]


def test_neighbours_are_the_passages_that_touch_as_far_as_they_fit() -> None:
    unit = consecutive()
    assert [one.id for one in neighbours(unit[2], unit, most_words=180)] == [2, 3, 4]
    assert [one.id for one in neighbours(unit[4], unit, most_words=180)] == [2, 3, 4]
    assert [one.id for one in neighbours(unit[2], unit, most_words=60)] == [2]
    assert [one.id for one in neighbours(unit[2], [unit[0], unit[4]])] == [2]
    other_unit = passage(9, unit[3].start, unit=2)
    assert [one.id for one in neighbours(unit[2], [other_unit, unit[2]])] == [2]


def test_passages_found_side_by_side_are_joined_in_reading_order() -> None:
    unit = consecutive()
    stranger = passage(9, unit[3].start, unit=2)
    found = [unit[3], stranger, unit[0], unit[1], unit[4]]
    assert [[one.id for one in run] for run in joined(found)] == [[3, 4], [9], [0, 1]]
    assert [[one.id for one in run] for run in joined([unit[3], unit[1], unit[2]])] == [[1, 2, 3]]
    elsewhere = passage(2, unit[2].start, heading="Autre titre")
    assert len(joined([unit[1], elsewhere])) == 2
