"""Lists of needs: kept until somebody has seen what they hold, then drafts. Importing a list twice adds nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from time import sleep

from django.db import transaction
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.needs.actions.expressions import Words
from parvis.needs.actions.indexing import index_needs
from parvis.needs.models import ImportedFile, RawNeed, RawNeedText
from parvis.needs.sheets import Import, ImportedNeed, read

KEPT = timedelta(days=1)  # a list that nobody confirms
AT_ONCE = 100  # needs of one transaction: others write after a few tenths of a second
PAUSE_SECONDS = 0.1  # the longest that SQLite lets a writer who waits sleep before it asks again


@dataclass(frozen=True, slots=True)
class Preview:
    """What a list would do now: `known` are the rows imported before, `reworded` those of them that say something else here,
    with the id of their need: whether the list or the need is right, people say."""

    found: Import
    new: tuple[ImportedNeed, ...]
    known: tuple[ImportedNeed, ...]
    reworded: tuple[tuple[ImportedNeed, int], ...]


def receive_list(principal: Principal, name: str, content: bytes, *, institution_id: int | None = None) -> ImportedFile:
    """Keeps a list for its preview; the one this person had before is forgotten. Raises workbooks.Refused."""
    read(content)
    with transaction.atomic():
        ImportedFile.unscoped.filter(profile_id=principal.profile_id).delete()
        ImportedFile.unscoped.filter(received_at__lt=timezone.now() - KEPT).delete()
        return ImportedFile.unscoped.create(
            institution_id=institution_id or principal.institution_id,
            profile_id=principal.profile_id,
            name=name[:200],
            content=content,
        )


def preview(file: ImportedFile) -> Preview:
    found = read(bytes(file.content))
    here = _imported_before(file.institution_id)
    known = tuple(need for need in found.needs if need.key in here)
    return Preview(
        found,
        tuple(need for need in found.needs if need.key not in here),
        known,
        tuple(
            (need, here[need.key][0]) for need in known if here[need.key][1:] != (need.values["title"], need.values["text"])
        ),
    )


def import_needs(principal: Principal, file: ImportedFile) -> int:
    """How many drafts were added. The file is forgotten once all of them are; where this stops halfway, doing it again goes
    on: a need is imported once. Each batch is a transaction of its own, and leaves its turn to whoever else writes."""
    added = 0
    wanted = preview(file).new
    for start in range(0, len(wanted), AT_ONCE):
        added += _import(principal, file, wanted[start : start + AT_ONCE])
        sleep(PAUSE_SECONDS)
    ImportedFile.unscoped.filter(id=file.id).delete()
    return added


def _import(principal: Principal, file: ImportedFile, wanted: Sequence[ImportedNeed]) -> int:
    with transaction.atomic():
        # A colleague may be importing the same list at this instant: what is already there is passed over.
        keys = RawNeed.unscoped.filter(institution_id=file.institution_id, import_key__in=[one.key for one in wanted])
        there = set(keys.values_list("import_key", flat=True))
        wanted = [one for one in wanted if one.key not in there]
        needs = RawNeed.unscoped.bulk_create(
            RawNeed(
                institution_id=file.institution_id,
                author_id=principal.profile_id,
                on_behalf=file.institution_id != principal.institution_id,
                service=one.values.get("service", ""),
                import_key=one.key,
            )
            for one in wanted
        )
        texts = RawNeedText.unscoped.bulk_create(
            RawNeedText(
                institution_id=file.institution_id,
                need=need,
                written_by_id=principal.profile_id,
                **asdict(words_of(one.values)),
            )
            for need, one in zip(needs, wanted, strict=True)
        )
        for need, text in zip(needs, texts, strict=True):
            need.current = text
        RawNeed.unscoped.bulk_update(needs, ["current"])
        index_needs(need.id for need in needs)
        record(
            institution_id=file.institution_id,
            actor=principal.actor,
            action="need.import",
            subject=f"import:{file.id}",
            needs=len(needs),
        )
    return len(needs)


def words_of(values: Mapping[str, str]) -> Words:
    return Words(**{name: values.get(name, "") for name in Words.__dataclass_fields__})


def _imported_before(institution_id: int) -> dict[str, tuple[int, str, str]]:
    """By import key: the need, its title and its text as they stand now."""
    known = RawNeed.unscoped.filter(institution_id=institution_id).exclude(import_key=None)
    rows = known.values_list("import_key", "id", "current__title", "current__text").order_by()
    return {key or "": (need_id, title or "", text or "") for key, need_id, title, text in rows}
