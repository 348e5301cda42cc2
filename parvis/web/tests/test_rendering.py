from __future__ import annotations

import time
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.template import Context, Template
from django.utils.translation import override

from parvis.web.rendering import LONGEST_TEXT, render_answer, render_line
from parvis.web.tests.hostile import PAYLOADS

# Everything the page may hold. None of it can fetch, run, style, or reach another part of the page.
HARMLESS_ATTRIBUTES = set(
    "accent accentunder class columnalign columnlines columnspacing depth display fence form height largeop linethickness"
    " lspace mathvariant maxsize minsize movablelimits notation rowlines rowspacing rspace separator start stretchy tabindex"
    " width".split()
)
HARMFUL_TAGS = set(
    "a annotation-xml audio base body button embed form iframe image img input link mglyph meta noscript object script style"
    " svg template use video".split()
)


class Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_payloads_are_many() -> None:
    assert len(PAYLOADS) > 600


@pytest.mark.parametrize("render", [render_answer, render_line])
def test_nothing_hostile_reaches_the_page(render: object) -> None:
    assert callable(render)
    for payload in PAYLOADS:
        seen = Reader(render(payload))
        assert not seen.tags & HARMFUL_TAGS, payload
        assert seen.attributes <= HARMLESS_ATTRIBUTES, payload


def test_links_and_images_stay_as_they_were_written() -> None:
    assert render_answer("[a](https://away.example)") == "<p>[a](https://away.example)</p>\n"
    assert render_answer("![a](x.png)") == "<p>![a](x.png)</p>\n"


def test_markdown() -> None:
    assert render_answer("**a** *b* `c`") == "<p><strong>a</strong> <em>b</em> <code>c</code></p>\n"
    assert "<li>a</li>" in render_answer("- a\n- b")
    assert "<td>1</td>" in render_answer("|a|\n|-|\n|1|")
    assert render_line("**a**") == "<strong>a</strong>"


def test_headings_stand_under_the_question() -> None:
    assert render_answer("# a") == "<h3>a</h3>\n"
    assert render_answer("###### a") == "<h6>a</h6>\n"


def test_formulas() -> None:
    assert '<math display="inline">' in render_line("Soit $x^2$.")
    assert '<math display="block">' in render_answer("$$\nx\n= 2\n$$")
    assert "<mfrac>" in render_answer(r"$\frac{1}{2}$")


@pytest.mark.parametrize("text", ["5 $ et 10 $", "de 5$ à 10$", "100 $US", "un $ seul", "$ x $"])
def test_money_is_not_a_formula(text: str) -> None:
    assert "<math" not in render_line(text)


def test_a_dollar_in_code_is_code() -> None:
    assert render_line("`$x$`") == "<code>$x$</code>"


def test_a_formula_that_cannot_be_read_is_shown_as_written() -> None:
    assert render_line(r"$\begin{pmatrix}$") == r'<code class="unreadable-maths">\begin{pmatrix}</code>'


def test_code_is_coloured_by_classes() -> None:
    html = render_answer("```python\ndef f(): pass\n```")
    assert '<span class="k">def</span>' in html
    assert "style" not in html


def test_code_in_an_unknown_language_is_plain() -> None:
    assert "<span" not in render_answer("```brainfuck\n+-<>\n```")


def test_code_can_be_scrolled_with_the_keyboard() -> None:
    assert '<pre tabindex="0">' in render_answer("```\na\n```")


@pytest.mark.parametrize(
    "text",
    [
        "$" + "{" * 500 + "}" * 499 + "$",
        "$" + r"\frac{" * 150 + "$",
        "$" + r"\sqrt " * 160 + "$",
        "$" + "x^" * 480 + "$",
        "$" + r"\begin{matrix}" * 60 + "$",
        "$" + r"\left(" * 160 + "$",
        r"$\frac{a}{b}$ " * 1400,
        "$a " * 6600,
        "$" * 20_000,
        "*a_ " * 5000,
        "`" * 10_000,
        ">" * 20_000,
        "- " * 10_000,
        "[" * 20_000,
        "|a" * 3000 + "\n" + "|-" * 3000,
        "```scala\n" + 's"${' * 1900,
        "```pascal\n" + "(*" * 3900,
        "a" * 5_000_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    started = time.process_time()
    assert render_answer(text)
    assert time.process_time() - started < 3


def test_very_long_text_is_shown_as_it_is() -> None:
    html = render_answer("<b>" + "a" * LONGEST_TEXT)
    assert "&lt;b&gt;" in html
    assert "<pre" in html


def test_the_first_of_a_month_in_french() -> None:
    written = Template("{% load interface %}{{ day|date:'j F Y' }}, {{ day|date:'H:i' }}")
    with override("fr"):
        assert written.render(Context({"day": datetime(2026, 9, 1, 1, 5, tzinfo=UTC)})) == "1er septembre 2026, 03:05"
        assert written.render(Context({"day": datetime(2026, 9, 11, 1, 5, tzinfo=UTC)})).startswith("11 septembre")
    with override("en"):
        assert written.render(Context({"day": datetime(2026, 9, 1, 1, 5, tzinfo=UTC)})).startswith("1 September")
