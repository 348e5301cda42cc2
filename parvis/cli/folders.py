"""Keeping a corpus in step with files and folders on disk, with their reading shown as it goes."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from parvis.access.principal import Principal
from parvis.cli.terminal import err, reading_progress
from parvis.cli.words import gettext as _
from parvis.corpora.actions import add_upload, remove_document
from parvis.corpora.jobs import run_worker
from parvis.corpora.messages import failure_sentence
from parvis.corpora.models import WAITING, Corpus, Document, DocumentState
from parvis.corpora.storage import TooLarge

# What a folder of courses also holds and nobody means to ask: skipped without a word. Anything else is tried, and its
# refusal is said.
IGNORED_FOLDERS = {".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__", "__MACOSX"}


def files_of(path: Path) -> Iterator[tuple[str, Path]]:
    """Each file under `path` with the name it is known by: its path from the folder that was given."""
    if path.is_file():
        yield path.name, path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in IGNORED_FOLDERS)
        for name in sorted(names):
            file = Path(folder) / name
            if not name.startswith((".", "~$")) and file.is_file():
                yield str(file.relative_to(path)), file


def add_files(principal: Principal, corpus: Corpus, path: Path) -> tuple[int, list[str]]:
    """Gives every file under `path` to the corpus. Returns how many were new, and the refusals as sentences."""
    new, refusals = 0, []
    for name, file in files_of(path):
        try:
            with file.open("rb") as opened:
                new += add_upload(corpus, principal, name, opened).is_new
        except TooLarge:
            refusals.append(_("%s is larger than this installation accepts; it was left out.") % name)
        except OSError as problem:
            refusals.append(_("%(name)s cannot be opened (%(reason)s).") % {"name": name, "reason": problem.strerror})
    return new, refusals


def forget_missing(principal: Principal, corpus: Corpus, path: Path) -> None:
    """Removes the documents whose files are no longer under `path`.

    Members of an archive have no file of their own: when an archive is gone all documents go, and what is there is read
    again.
    """
    documents = Document.objects.editable_by(principal).filter(corpus=corpus)
    present = {_digest(file) for _name, file in files_of(path)}
    archives = set(documents.filter(state=DocumentState.EXPANDED).values_list("sha256", flat=True))
    gone = documents if archives - present else documents.exclude(sha256__in=present)
    if not archives or archives - present:
        for document in gone:
            remove_document(principal, document)


def read_waiting(principal: Principal, corpus: Corpus) -> list[str]:
    """Reads what waits, in this process, with a progress bar. Returns the corpus's failures as sentences."""
    documents = Document.objects.visible_to(principal).filter(corpus=corpus)
    if documents.filter(state__in=WAITING).exists():
        with reading_progress(err) as on_progress:
            run_worker(until_idle=True, stop=threading.Event(), on_progress=on_progress, embeddings=False)
    failed = documents.filter(state=DocumentState.FAILED).order_by("id")
    images = [document.name for document in failed if _is_image(document)]
    said = [
        _("%(name)s: %(reason)s")
        % {"name": document.name, "reason": failure_sentence(document.failure_code, document.failure_params)}
        for document in failed
        if not _is_image(document)
    ]
    if images:  # a folder of courses holds many, and one sentence is enough
        said.append(_("Images are not read; left out: %s") % ", ".join(images))
    return said


def _is_image(document: Document) -> bool:
    return document.failure_code == "unsupported" and str(document.failure_params.get("found")).startswith("image/")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
