"""From the courses' light Markdown to printable HTML.

On top of CommonMark and tables: `§ ` opens a numbered paragraph, `^[…]` a footnote, `@1128` an article of the Civil Code
(gathered in the index), `x^er^` a superscript, `!figure name | caption`, `!tableau caption` above a table, and the boxes
`!exemple`, `!cas`, `!retenir`, `!glossaire`, closed by `!fin`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape

from markdown_it import MarkdownIt

BOX_NAMES = {"exemple": "Exemple", "cas": "Cas pratique", "retenir": "À retenir"}
NBSP = "\u00a0"


@dataclass(slots=True)
class Book:
    """What is counted from one end of the book to the other."""

    figures: Mapping[str, str]  # name → SVG
    chapter_name: str = "Chapitre"
    paragraph: int = 0
    annex: bool = False  # after the numbered paragraphs: articles no longer enter the index
    chapter: int = 0
    figure: int = 0
    table: int = 0
    articles: dict[str, list[int]] = field(default_factory=dict)  # article → numbers of paragraphs
    outline: list[tuple[int, str, str]] = field(default_factory=list)  # level, anchor, title


def body(source: str, book: Book) -> str:
    """The HTML of one source file; `book` is advanced."""
    chunks: list[str] = []
    lines = source.splitlines()
    plain: list[str] = []

    def flush() -> None:
        if plain:
            chunks.append(_markdown("\n".join(plain), book))
            plain.clear()

    at = 0
    while at < len(lines):
        line = lines[at]
        opened = re.match(r"!(exemple|cas|retenir|glossaire)\b ?(.*)", line)
        if opened:
            flush()
            end = lines.index("!fin", at)
            chunks.append(_box(opened[1], opened[2], lines[at + 1 : end], book))
            at = end
        elif line.startswith("!figure "):
            flush()
            name, caption = (part.strip() for part in line[8:].split("|"))
            book.figure += 1
            legend = inline(f"**Figure {book.figure}.** {caption}", book)
            chunks.append(f"<figure>{book.figures[name]}<figcaption>{legend}</figcaption></figure>")
        elif line.startswith("!tableau "):
            flush()
            end = next((n for n in range(at + 1, len(lines)) if not lines[n].startswith("|")), len(lines))
            book.table += 1
            legend = inline(f"**Tableau {book.table}.** {line[9:]}", book)
            chunks.append(
                f'<div class="table"><p class="caption">{legend}</p>{_markdown(chr(10).join(lines[at + 1 : end]), book)}</div>'
            )
            at = end - 1
        else:
            plain.append(line)
        at += 1
    flush()
    return "\n".join(chunks)


def inline(text: str, book: Book) -> str:
    return _articles(
        _superscripts(_notes(MarkdownIt("commonmark", {"html": True}).renderInline(typography(text)), book)), book
    )


def typography(text: str) -> str:
    """Curly apostrophes, non-breaking spaces where French wants them."""
    text = text.replace("'", "’")
    text = re.sub(r"« ", "«" + NBSP, text)
    text = re.sub(r" ([»;:!?%€])", NBSP + r"\1", text)
    text = re.sub(r"\b(n°|art\.|articles?|M\.|Mme|p\.|Cass\.|ch\.|L\.|chapitre|Cas) (?=[\d@A-Zn])", r"\1" + NBSP, text)
    return re.sub(r"(?<=\d) (?=\d{3}\b)", NBSP, text)


def index_of_articles(book: Book) -> str:
    rows = (
        f"<p><b>{escape(article)}</b>{NBSP}: n° {', '.join(map(str, sorted(set(numbers))))}</p>"
        for article, numbers in sorted(book.articles.items(), key=lambda item: _article_order(item[0]))
    )
    return f'<div class="index">{"".join(rows)}</div>'


def contents(book: Book) -> str:
    rows = (f'<p class="l{level}"><a href="#{anchor}">{title}</a></p>' for level, anchor, title in book.outline if level < 3)
    return f'<nav class="contents">{"".join(rows)}</nav>'


def _markdown(source: str, book: Book) -> str:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    html = _superscripts(_notes(parser.render(typography(source)), book))
    html = re.sub(r"<h([123])>(.*?)</h\1>", lambda found: _heading(int(found[1]), found[2], book), html)
    pieces = re.split(r"<p>§ ?", html)
    out = [_articles(pieces[0], book)]
    for piece in pieces[1:]:
        book.paragraph += 1
        number = book.paragraph
        out.append(f'<p class="numbered" id="n{number}"><span class="number">{number}</span>{_articles(piece, book)}')
    return "".join(out)


def _heading(level: int, title: str, book: Book) -> str:
    unnumbered = "{.sans-numero}" in title
    title = title.replace("{.sans-numero}", "").strip()
    anchor = f"t{len(book.outline)}"
    kind = ""
    if level == 1 and not unnumbered:
        book.chapter += 1
        kind = f'<span class="chapter">{book.chapter_name} {book.chapter}</span>'
        book.outline.append((level, anchor, f"{book.chapter_name} {book.chapter}. {title}"))
    else:
        book.outline.append((level, anchor, title))
    running = f' data-running="{title}"' if level == 1 else ""
    return f'<h{level} id="{anchor}"{running}>{kind}<span class="title">{title}</span></h{level}>'


def _box(kind: str, title: str, lines: list[str], book: Book) -> str:
    if kind == "glossaire":
        pairs = (line.split(" :: ") for line in lines if " :: " in line)
        return "<dl>" + "".join(f"<div><dt>{inline(t, book)}</dt><dd>{inline(d, book)}</dd></div>" for t, d in pairs) + "</dl>"
    head = f"{BOX_NAMES[kind]}. {title}" if title else BOX_NAMES[kind]
    return f'<aside class="{kind}"><p class="head">{inline(head, book)}</p>{_markdown(chr(10).join(lines), book)}</aside>'


def _notes(html: str, book: Book) -> str:
    return re.sub(r"\^\[((?:[^\[\]]|\[[^\]]*\])*)\]", r'<span class="footnote">\1</span>', html)


def _superscripts(html: str) -> str:
    html = re.sub(r"\^([^\^\s\[]{1,4})\^", r"<sup>\1</sup>", html)
    return re.sub(r"\b(1)(er)\b(?= )", r"\1<sup>\2</sup>", html)


def _articles(html: str, book: Book) -> str:
    return re.sub(r"@(\d+(?:-\d+)*)", _recorder(book), html)


def _recorder(book: Book) -> Callable[[re.Match[str]], str]:
    def record(found: re.Match[str]) -> str:
        if not book.annex:
            book.articles.setdefault(found[1], []).append(book.paragraph)
        return found[1]

    return record


def _article_order(article: str) -> list[int]:
    return [int(part) for part in article.split("-")]
