"""A statement as a file: ODT for people, Markdown, JSON for programs. Each is marked as what it is, and ends with its
fingerprint."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from odf import dc, meta, style, table, text
from odf.opendocument import OpenDocumentText

from parvis.assistants.export import EXTRACTED, GENERATED, inert_line
from parvis.assistants.models import State
from parvis.assistants.statements.document import Content, Line, said
from parvis.corpora.ai_rule.models import Use
from parvis.inference.models import Zone

Writer = Callable[[Content, str], bytes]


def to_json(content: Content, mark: str) -> bytes:
    """All that the fingerprint covers, then what it does not."""
    document = {
        **said(content),
        "questions": len(content.lines),
        "kept": content.kept,
        "ai_generated": content.is_generated,
        "digital_source_type": _source_type(content),
        "fingerprint": mark,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def to_markdown(content: Content, mark: str) -> bytes:
    front = {
        "title": _title(),
        "number": content.number,
        "lang": get_language() or "fr",
        "ai_generated": content.is_generated,
        "digital_source_type": _source_type(content),
        "fingerprint": mark,
    }
    # JSON strings are YAML strings: nothing in a title can close the front matter.
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()), "---", ""]
    lines += [f"# {inert_line(_title())}", ""]
    lines += [f"- {inert_line(_labelled(label, value))}" for label, value in facts(content)]
    lines += ["", f"*{inert_line(_notice(content))}*", "", f"## {_('Questions')}", ""]
    for number, line in enumerate(content.lines, 1):
        lines += [f"{number}. {inert_line(_question(line))}", f"   - {inert_line(_moment(line))}"]
        lines += [f"   - {inert_line(value)}" for value in _said_of(line)]
    if not content.lines:
        lines.append(_("No question was asked."))
    lines += ["", f"## {_('Fingerprint')}", "", f"`{mark}`", "", inert_line(_how_to_check(content)), ""]
    return "\n".join(lines).encode()


def to_odt(content: Content, mark: str) -> bytes:
    file: Any = OpenDocumentText()  # odfpy has no types
    _describe(file, content, mark)
    _styles(file)
    file.text.addElement(_heading(1, _title()))
    for label, value in facts(content):
        paragraph = text.P(stylename="Fact")
        paragraph.addElement(text.Span(stylename="Strong", text=_labelled(label, "")))
        paragraph.addText(_legible(value))
        file.text.addElement(paragraph)
    file.text.addElement(_paragraph("Small", _notice(content)))
    file.text.addElement(_heading(2, _("Questions")))
    if content.lines:
        file.text.addElement(_table(file, content))
    else:
        file.text.addElement(_paragraph("Fact", _("No question was asked.")))
    file.text.addElement(_heading(2, _("Fingerprint")))
    file.text.addElement(_paragraph("Code", mark))
    file.text.addElement(_paragraph("Small", _how_to_check(content)))
    written = io.BytesIO()
    file.write(written)
    return written.getvalue()


WRITERS: dict[str, tuple[Writer, str]] = {
    "odt": (to_odt, "application/vnd.oasis.opendocument.text"),
    "md": (to_markdown, "text/markdown; charset=utf-8"),
    "json": (to_json, "application/json"),
}


def facts(content: Content) -> Iterator[tuple[str, str]]:
    """What stands above the questions, also on the page that shows it before it is exported."""
    yield _("Statement"), content.number
    yield _("Person"), content.person
    yield _("Institution"), content.institution
    yield _("Course"), content.course
    yield _("AI in this course"), str(Use(content.use).label)
    if content.words:
        yield _("Its teacher says"), " ".join(content.words.split())
    period = {"first": date_format(content.first_date), "last": date_format(content.last_date)}
    yield _("Period"), _("from %(first)s to %(last)s, both included") % period
    yield _("Made on"), date_format(localtime(content.made_at), "DATETIME_FORMAT")
    count = len(content.lines)
    asked = ngettext("%(count)d question", "%(count)d questions", count) % {"count": count}
    kept = ngettext("%(count)d kept with its answer", "%(count)d kept with their answers", content.kept)
    yield _("Asked"), f"{asked}, {kept % {'count': content.kept}}"
    if content.lines:
        yield _("Answered by"), " ; ".join(f"{_model(model, zone)} ({answers})" for model, zone, answers in content.models)


def _labelled(label: str, value: str) -> str:
    return _("%(label)s: %(value)s") % {"label": label, "value": value}


def _title() -> str:
    return _("Statement of the use of AI")


def _notice(content: Content) -> str:
    if content.is_generated:
        return _("Some of the answers that this statement tells of were generated by an AI. It holds none of them.")
    return _("The answers that this statement tells of were extracted from documents. No text was generated.")


def _how_to_check(content: Content) -> str:
    return _(
        "Whoever receives this file can have it checked on the platform, under “Check a statement”: statement %(number)s."
        " One character changed, and it no longer conforms."
    ) % {"number": content.number}


def _source_type(content: Content) -> str:
    return GENERATED if content.is_generated else EXTRACTED


def _question(line: Line) -> str:
    if line.question is None:
        return _("Question deleted by the person (fingerprint %(hash)s…)") % {"hash": line.question_hash[:16]}
    return line.question


def _moment(line: Line) -> str:
    return f"{date_format(localtime(line.asked_at), 'DATETIME_FORMAT')}, {line.assistant}"


def _said_of(line: Line) -> Iterator[str]:
    outcome = str(State(line.outcome).label) if line.outcome else _("never ended")
    yield f"{outcome}, {_model(line.model if line.mode == 'generative' else '', line.zone)}"
    if line.documents:
        yield _("cites: %(documents)s") % {"documents": " ; ".join(line.documents)}


def _model(model: str, zone: str) -> str:
    if not model:
        return _("without any model, on this server")
    return f"{model} ({Zone(zone).label})" if zone in Zone.values else model


def _describe(file: Any, content: Content, mark: str) -> None:
    file.meta.addElement(dc.Title(text=f"{_title()} {content.number}"))
    file.meta.addElement(dc.Language(text=get_language() or "fr"))
    file.meta.addElement(meta.InitialCreator(text="Parvis"))
    marks = {
        "ai_generated": str(content.is_generated).lower(),
        "digital_source_type": _source_type(content),
        "fingerprint": mark,
    }
    for name, value in marks.items():
        file.meta.addElement(meta.UserDefined(name=name, valuetype="string", text=value))


def _styles(file: Any) -> None:
    default = style.DefaultStyle(family="paragraph")
    default.addElement(style.TextProperties(fontfamily="Liberation Sans"))
    file.styles.addElement(default)
    for name, size, shape, words in (
        ("Fact", "11pt", {"marginbottom": "0.1cm"}, {}),
        ("Cell", "9.5pt", {}, {}),
        ("Small", "9pt", {"margintop": "0.2cm", "marginbottom": "0.2cm"}, {"color": "#555555"}),
        ("Code", "9pt", {}, {"fontfamily": "Liberation Mono"}),
        ("Heading_20_1", "18pt", {"marginbottom": "0.4cm"}, {"fontweight": "bold"}),
        ("Heading_20_2", "13pt", {"margintop": "0.5cm", "marginbottom": "0.2cm"}, {"fontweight": "bold"}),
    ):
        one = style.Style(name=name, family="paragraph")
        one.addElement(style.ParagraphProperties(**shape))
        one.addElement(style.TextProperties(fontsize=size, **words))
        file.styles.addElement(one)
    strong = style.Style(name="Strong", family="text")
    strong.addElement(style.TextProperties(fontweight="bold"))
    file.styles.addElement(strong)


def _heading(level: int, words: str) -> Any:
    return text.H(outlinelevel=level, stylename=f"Heading_20_{level}", text=_legible(words))


def _paragraph(kind: str, words: str) -> Any:
    return text.P(stylename=kind, text=_legible(words))


_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _legible(words: str) -> str:
    """Without what no XML may hold, and a question may."""
    return _NO_XML.sub("\ufffd", words)


def _table(file: Any, content: Content) -> Any:
    edge = style.Style(name="Edge", family="table-cell")
    edge.addElement(style.TableCellProperties(border="0.5pt solid #999999", padding="0.1cm"))
    file.automaticstyles.addElement(edge)
    widths = []
    for number, width in enumerate(("1cm", "3.6cm", "7cm", "5.4cm")):
        column = style.Style(name=f"Column{number}", family="table-column")
        column.addElement(style.TableColumnProperties(columnwidth=width))
        file.automaticstyles.addElement(column)
        widths.append(column)
    questions = table.Table(name="Questions")
    for column in widths:
        questions.addElement(table.TableColumn(stylename=column))
    head = table.TableHeaderRows()
    head.addElement(_row(edge, [[_("No.")], [_("When, whom")], [_("Question")], [_("What came of it")]]))
    questions.addElement(head)
    for number, line in enumerate(content.lines, 1):
        cells = [[str(number)], [_moment(line)], _question(line).splitlines() or [""], list(_said_of(line))]
        questions.addElement(_row(edge, cells))
    return questions


def _row(edge: Any, cells: list[list[str]]) -> Any:
    row = table.TableRow()
    for paragraphs in cells:
        cell = table.TableCell(stylename=edge, valuetype="string")
        for words in paragraphs:
            cell.addElement(_paragraph("Cell", words))
        row.addElement(cell)
    return row
