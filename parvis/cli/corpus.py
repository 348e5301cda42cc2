"""Corpora from the command line."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from parvis.cli.terminal import Exit, err, migrate, out, start, stop
from parvis.cli.words import gettext as _
from parvis.cli.words import ngettext

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from parvis.retrieval.evaluation import Evaluation, Library, Question
    from parvis.retrieval.search import Embedder

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON."))]


@app.command("list", help=_("List the corpora of this installation and how many documents each holds."))
def list_corpora(json: Json = False) -> None:
    start()
    migrate()
    from parvis.corpora.inventory import summaries

    rows = summaries()
    if json:
        typer.echo(json_module.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("id", _("Institution"), _("Corpus"), _("Ready"), _("Waiting"), _("Failed"), _("Passages"))
    for row in rows:
        table.add_row(*map(str, row.values()))
    out.print(table)


@app.command("ingest", help=_("Add files, folders or archives to a corpus, and follow their reading."))
def ingest(
    corpus: Annotated[int, typer.Argument(help=_("Number of the corpus, as “parvis corpus list” gives it."))],
    paths: Annotated[list[Path], typer.Argument(help=_("Files, folders or ZIP archives."))],
) -> None:
    if absent := [str(path) for path in paths if not path.exists()]:
        stop(_("There is nothing at %s.") % ", ".join(absent))
    start()
    migrate()
    from parvis.cli.folders import add_files, read_waiting
    from parvis.corpora.inventory import as_owner

    found = as_owner(corpus)
    if found is None:
        stop(_("There is no corpus %d. See: parvis corpus list.") % corpus)
    principal, row = found
    problems: list[str] = []
    for path in paths:
        new, refusals = add_files(principal, row, path)
        problems += refusals
        counted = ngettext("%(path)s: %(new)d new document", "%(path)s: %(new)d new documents", new)
        out.print(counted % {"path": path, "new": new}, markup=False)
    problems += read_waiting(principal, row)
    for sentence in problems:
        err.print(sentence, style="yellow", markup=False)


@app.command("evaluate", help=_("Measure retrieval, answers and abstention on a set of questions (BEIR-like JSONL)."))
def evaluate(
    dataset: Annotated[Path, typer.Argument(help=_("Folder with corpus.jsonl, queries.jsonl, qrels.tsv, answers.jsonl."))],
    limit: Annotated[int, typer.Option(min=0, help=_("Ask at most this many questions; 0 for all."))] = 0,
    embeddings: Annotated[bool, typer.Option("--embeddings", help=_("Rank with the installation’s embeddings too."))] = False,
    json: Json = False,
) -> None:
    # Nothing of Django without embeddings: an institution measures its own questions anywhere.
    from rich.progress import Progress

    from parvis.retrieval import evaluation

    if not dataset.is_dir():
        stop(_("There is no folder at %s.") % dataset)
    try:
        questions = evaluation.load(dataset)
    except evaluation.BadDataset as problem:
        stop(_dataset_sentence(problem.code, problem.params))
    embedder_of = _installation_embedder() if embeddings else None
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task(_("Questions"), total=None)
        result = evaluation.evaluate(
            questions,
            limit=limit or None,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            embedder_of=embedder_of,
        )
    if json:
        typer.echo(json_module.dumps(asdict(result), ensure_ascii=False, indent=1))
    else:
        out.print(_evaluation_table(result))


@app.command("reindex", help=_("Make the search index again from the documents kept. The server may go on meanwhile."))
def reindex() -> None:
    start()
    migrate()
    from parvis.corpora.inventory import passage_counts
    from parvis.corpora.jobs import reindex_all
    from parvis.needs.actions.indexing import reindex_all as reindex_needs

    with err.status(_("Indexing…")):
        reindex_all()
        reindex_needs()
    count = passage_counts()[1]
    out.print(ngettext("%d passage indexed.", "%d passages indexed.", count) % count)


@app.command("maintain", help=_("Erase removed text from the disk and compact the index. Stop the server first on SQLite."))
def maintain() -> None:
    start()
    migrate()
    from django.db import OperationalError
    from django.utils import timezone

    from parvis.privacy.actions.leftovers import overwrite
    from parvis.retrieval.index import FilesInUse

    try:
        erased = overwrite(timezone.now())
    except (FilesInUse, OperationalError):
        stop(_("Another process uses the database. Stop the server, then run this again."), Exit.FAILED)
    out.print(
        _("Erased: %(documents)d names, %(files)d files.") % {"documents": erased.documents, "files": erased.files},
        markup=False,
    )


def _installation_embedder() -> Callable[[Library, Sequence[Question]], Embedder]:
    """Calibrates the weight of the environment's endpoint on the questions themselves."""
    start()
    from parvis.inference.completion import UpstreamError
    from parvis.inference.door import NoRouteError, embedded, installation_embeddings
    from parvis.inference.sentences import refused, sentence
    from parvis.retrieval import dense

    try:
        admitted = installation_embeddings("internal")  # questions of its own, about its own documents
    except NoRouteError as error:
        stop(refused(error.refusal) if error.refusal else sentence(error.code, {}))
    if admitted is None:
        stop(_("No endpoint of embeddings: set PARVIS_EMBEDDINGS_URL and PARVIS_EMBEDDINGS_NAME."))

    def embed(texts: Sequence[str]) -> ArrayLike:
        try:
            return embedded(admitted, texts, seconds=30.0 + len(texts))
        except UpstreamError as error:
            stop(sentence(error.code, error.params), Exit.FAILED)

    def embedder_of(library: Library, questions: Sequence[Question]) -> Embedder:
        texts = [question.text for question in questions]
        known = dict(zip(texts, dense.normalised(embed(texts)), strict=True))  # asked together, not one by one

        def embed_question(asked: Sequence[str]) -> ArrayLike:
            return [known[text] for text in asked] if known.keys() >= set(asked) else embed(asked)

        passages = dense.embedded(list(library.passages.values()), embed)
        scan = dense.ExactScan(embed_question, passages, weight=1.0)
        labelled = [dense.Labelled(one.text, one.relevant) for one in questions]
        weight = dense.calibrate_weight(
            labelled, index=library.index, corpora=library.corpora, fetch=library.fetch, embedder=scan
        )
        return replace(scan, weight=weight)

    return embedder_of


def _evaluation_table(result: Evaluation) -> Table:
    counts = {"name": result.dataset, "questions": result.questions, "passages": result.passages}
    table = Table(
        _("Measure"),
        _("Value"),
        title=_("%(name)s: %(questions)d questions over %(passages)d passages") % counts,
        caption=_("A question is made unanswerable by hiding its passage, its document, or all documents of its side."),
    )
    for label, value in (
        ("nDCG@10", result.ndcg_at_10),
        ("Recall@10", result.recall_at_10),
        ("MRR@10", result.mrr_at_10),
        (_("Right passage among the first five"), result.passage_in_top_5),
        (_("Answer contained in the first five passages"), result.answer_in_top_5),
        (_("Answer contained in two quoted sentences"), result.answer_in_two_sentences),
        (_("Abstention AUROC: passage hidden"), result.auroc_near),
        (_("Abstention AUROC: document hidden"), result.auroc_article),
        (_("Abstention AUROC: another subject"), result.auroc_far),
        (_("Weight of embeddings"), result.embeddings_weight),
        (_("Calibrated threshold"), result.threshold),
        (_("Answered, of the answerable questions"), result.answered),
        (_("Answered all the same: passage hidden"), result.answered_near),
        (_("Answered all the same: document hidden"), result.answered_article),
        (_("Answered all the same: another subject"), result.answered_far),
    ):
        table.add_row(label, "—" if value is None else f"{value:.3f}")
    return table


def _dataset_sentence(code: str, params: Mapping[str, str | int]) -> str:
    sentences = {
        "missing_file": _(
            "There is no file %(file)s in this folder. A set of questions is made of corpus.jsonl, queries.jsonl, qrels.tsv"
            " and answers.jsonl."
        ),
        "not_utf8": _("%(file)s is not written in UTF-8."),
        "not_json": _("Line %(line)s of %(file)s is not a JSON object."),
        "missing_field": _("Line %(line)s of %(file)s has no “%(value)s”."),
        "wrong_type": _("Line %(line)s of %(file)s: “%(value)s” does not hold what it should."),
        "duplicate_id": _("Line %(line)s of %(file)s uses the identifier %(value)s a second time."),
        "unknown_id": _("Line %(line)s of %(file)s names %(value)s, which no other file knows."),
        "bad_score": _("Line %(line)s of %(file)s: the score must be a whole number, not %(value)s."),
        "bad_heading": _("%(file)s must begin with the line: query-id, corpus-id, score, separated by tabs."),
        "empty_file": _("%(file)s holds no usable row."),
    }
    known = {"file": "?", "line": "?", "value": "?"} | dict(params)
    return sentences.get(code, _("This folder is not a set of questions.")) % known
