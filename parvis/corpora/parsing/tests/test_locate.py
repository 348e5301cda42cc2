from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parvis.corpora.parsing.document import Box, Word
from parvis.corpora.parsing.locate import boxes_for, pack_words, unpack_words

tenths = st.integers(-20_000, 200_000).map(lambda value: value / 10)
boxes = st.builds(Box, tenths, tenths, tenths, tenths)


@st.composite
def pages(draw: st.DrawFn) -> tuple[Word, ...]:
    words, start = [], 0
    for shown in draw(st.lists(st.lists(boxes, min_size=1, max_size=3), max_size=30)):
        start += draw(st.integers(0, 5))
        end = start + draw(st.integers(1, 30))
        words.append(Word(start, end, tuple(shown)))
        start = end
    return tuple(words)


@given(pages())
def test_words_come_back_as_they_were_stored(words: tuple[Word, ...]) -> None:
    assert unpack_words(pack_words(words)) == words


def test_boxes_are_merged_along_a_line_and_not_across_columns() -> None:
    words = (
        Word(0, 2, (Box(10, 10, 20, 20),)),
        Word(3, 8, (Box(23, 10, 50, 20), Box(10, 25, 30, 35))),
        Word(9, 12, (Box(33, 25, 60, 35),)),
        Word(13, 20, (Box(200, 25, 260, 35),)),
    )
    assert boxes_for(words, 0, 20) == (Box(10, 10, 50, 20), Box(10, 25, 60, 35), Box(200, 25, 260, 35))
    assert boxes_for(words, 9, 10) == (Box(33, 25, 60, 35),)
    assert boxes_for(words, 8, 9) == ()
