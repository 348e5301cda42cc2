"""`parvis ask`: the main job on one's own files, without a server."""

from __future__ import annotations

import asyncio
import hashlib
import json as json_module
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parvis.cli.terminal import Exit, err, migrate, out, start, stop
from parvis.cli.words import gettext as _

if TYPE_CHECKING:
    from parvis.access.principal import Principal
    from parvis.assistants.answering import Event, Text
    from parvis.corpora.models import Corpus
    from parvis.inference.door import Admitted


def ask(
    path: Annotated[Path, typer.Argument(help=_("A file, a folder, or a ZIP archive."))],
    question: Annotated[str, typer.Argument(help=_("The question, between quotes."))],
    json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
) -> None:
    path = path.expanduser().resolve()
    if not path.exists():
        stop(_("There is nothing at %s.") % path)
    if not question.strip():
        stop(_("The question is empty."))
    start(data_dir=_index_folder(path), variable="XDG_CACHE_HOME")
    with err.status(_("Opening the index…")):
        migrate()
    principal, corpus = _corpus(path)
    problems = _bring_up_to_date(principal, corpus, path)
    for sentence in problems:
        err.print(f"⚠ {sentence}", style="yellow", markup=False)
    answer = _answer(principal, corpus, question)
    if not answer.documents:
        stop(_("No document could be read at %s.") % path)
    typer.echo(json_module.dumps(answer.as_json(problems), ensure_ascii=False, indent=1)) if json else _print(answer)
    raise typer.Exit(Exit.DONE if answer.answered else Exit.ABSTAINED)


@dataclass
class _Source:
    """A place in a file, as the person who gave the file knows it."""

    file: str
    place: str
    page: int
    quotation: str


@dataclass
class _Sentence:
    """A sentence of the answer: a quotation, or a model's words and the quotations that prove them."""

    text: str
    problem: str  # why it is not verified; "" when it is
    sources: list[_Source] = field(default_factory=list)


@dataclass
class _Answer:
    question: str
    documents: int
    model: str = ""  # who wrote it; "" when it is made of quotations
    answered: bool = False
    sentences: list[_Sentence] = field(default_factory=list)
    nearest: list[_Source] = field(default_factory=list)

    def as_json(self, problems: list[str]) -> dict[str, Any]:
        return {
            "question": self.question,
            "outcome": "answered" if self.answered else "abstained",
            "model": self.model,
            "sentences": [{"text": one.text, "verified": not one.problem} for one in self.sentences],
            "quotations": [vars(source) for one in self.sentences for source in one.sources],
            "nearest": [vars(source) for source in self.nearest],
            "problems": problems,
        }


def _index_folder(path: Path) -> Path:
    """Where the index of this file or folder is kept between questions (XDG Base Directory): one folder for each, so that
    two questions asked at once on two folders never wait for each other."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "parvis" / hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _corpus(path: Path) -> tuple[Principal, Corpus]:
    """The one corpus of this index, made at the first question."""
    from parvis.access.middleware import principal_of
    from parvis.corpora.actions import create_corpus
    from parvis.corpora.models import Corpus
    from parvis.identity.models import Person, Source
    from parvis.institutions.models import Institution, Profile, Role

    here, _new = Institution.objects.get_or_create(slug="local", defaults={"name": str(path), "short_name": "local"})
    person, _new = Person.objects.get_or_create(
        key=f"{Source.LOCAL}:local", defaults={"source": Source.LOCAL, "display_name": "local"}
    )
    profile, _new = Profile.objects.get_or_create(institution=here, person=person, role=Role.TEACHER)
    principal = principal_of(profile)
    corpus = Corpus.objects.visible_to(principal).first()
    return principal, corpus or create_corpus(principal, name=path.name[:160] or "local")


def _bring_up_to_date(principal: Principal, corpus: Corpus, path: Path) -> list[str]:
    """Makes the corpus hold what is on disk now. Returns what could not be read, as sentences."""
    from parvis.cli.folders import add_files, forget_missing, read_waiting

    forget_missing(principal, corpus, path)
    _new, refusals = add_files(principal, corpus, path)
    return refusals + read_waiting(principal, corpus)


def _answer(principal: Principal, corpus: Corpus, question: str) -> _Answer:
    from parvis.assistants.answering import ANSWERED, Citation, Done, Evidence, Nearest, Text, answer
    from parvis.corpora.actions import search_corpora
    from parvis.corpora.models import Document, DocumentState, Page
    from parvis.corpora.sheets import place
    from parvis.inference.door import chat
    from parvis.retrieval.abstention import NEUTRAL_THRESHOLD, band
    from parvis.retrieval.extraction import best_sentences

    corpus.refresh_from_db()
    found = search_corpora(principal, question, [corpus.id])
    evidence = [Evidence(number, hit.passage) for number, hit in enumerate(found.hits, 1)]
    admitted = _model(principal, corpus)

    async def events() -> list[Event]:
        decision = band(found, corpus.threshold if corpus.threshold is not None else NEUTRAL_THRESHOLD)
        writer = chat(admitted) if admitted else None
        sentences = best_sentences(found)
        return [event async for event in answer(question, evidence, decision=decision, sentences=sentences, model=writer)]

    documents = Document.objects.visible_to(principal).filter(corpus=corpus, state=DocumentState.INDEXED)
    names = dict(documents.values_list("id", "name"))
    passages = {hit.passage.id: hit.passage for hit in found.hits}
    read = Page.objects.visible_to(principal).filter(document__in={one.document_id for one in passages.values()})
    places = {(page.document_id, page.number): place(page) for page in read.defer("text", "words")}
    result = _Answer(question, documents=len(names), model=admitted.name if admitted else "")

    def source(at: Citation | Nearest, quotation: str) -> _Source:
        return _Source(names[at.document_id], places[at.document_id, at.unit_number], at.unit_number, quotation)

    for event in asyncio.run(events()):
        match event:
            case Text():
                result.sentences.append(_Sentence(event.text.strip(), _problem(event)))
            case Citation() if event.verified:
                result.sentences[-1].sources.append(source(event, event.quotation))
            case Nearest():
                result.nearest.append(source(event, passages[event.passage_id].text))
            case Done():
                result.answered = event.outcome == ANSWERED
    return result


def _model(principal: Principal, corpus: Corpus) -> Admitted | None:
    """The environment's model, if there is one, and if what is in the folder may go there."""
    from parvis.inference.door import NoRouteError, admit
    from parvis.inference.sentences import refused

    try:
        return admit(principal, inputs=[corpus.data_class], purpose="documentation", app="ask")
    except NoRouteError as error:
        if error.refusal:
            err.print(f"⚠ {refused(error.refusal)}", style="yellow", markup=False)
        return None


def _problem(text: Text) -> str:
    from parvis.assistants.answering import VERIFIED
    from parvis.assistants.sentences import problem_words

    if text.status == VERIFIED:
        return ""
    said = [problem_words(problem.code, problem.value) for problem in text.problems]
    return ", ".join(dict.fromkeys(said)) or problem_words("no_citation")


def _print(answer: _Answer) -> None:
    from parvis.assistants.quotations import plain

    if answer.answered:
        _print_answer(answer)
        return
    out.print(_("The documents do not answer this question."), markup=False, style="bold")
    if answer.nearest:
        out.print(_("These passages come nearest. None of them is an answer."), markup=False)
    for source in answer.nearest:
        out.print(f"\n{source.file}, {source.place}", markup=False, style="dim")
        out.print(plain(source.quotation), markup=False)


def _print_answer(answer: _Answer) -> None:
    from parvis.assistants.quotations import plain

    number = 0
    for sentence in answer.sentences:
        text = sentence.text if answer.model else f"«\u00a0{plain(sentence.text)}\u00a0»"
        marks = "".join(f" [{number + place}]" for place in range(1, len(sentence.sources) + 1))
        said = text + (f" ({sentence.problem})" if sentence.problem else marks)
        out.print(said, markup=False, style="" if sentence.problem else "bold")
        for source in sentence.sources:
            number += 1
            quoted = f"\u00a0: «\u00a0{plain(source.quotation)}\u00a0»" if answer.model else ""
            out.print(f"    [{number}] {source.file}, {source.place}{quoted}", markup=False, style="dim")
    if answer.model:
        out.print(
            _("Written by %s; each quotation was found on its page by Parvis.") % answer.model, markup=False, style="dim"
        )
