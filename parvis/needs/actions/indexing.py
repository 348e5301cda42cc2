"""The index follows the rows: each action that changes what a text says, who may read it or what it is attached to calls
one of these in its own transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db import transaction

from parvis.needs.engine import SHARED, corpus_of, group_of_harmonised, group_of_need, index, key_of_text, key_of_version
from parvis.needs.models import Attachment, HarmonisedNeed, NeedVersion, RawNeed, RawNeedState, RawNeedText
from parvis.needs.similarity import Facets, keys
from parvis.retrieval.index import Entry


def index_needs(need_ids: Iterable[int]) -> None:
    """The current wording of each, and every one that was accepted in a harmonised need: a confirmed verbatim is a key by
    which the next author finds it, even once its need was corrected or archived."""
    ids = sorted(set(need_ids))
    needs = RawNeed.unscoped.filter(id__in=ids).select_related("current").in_bulk()
    accepted: dict[int, dict[int, RawNeedText]] = defaultdict(dict)
    for attachment in Attachment.unscoped.accepted().filter(text__need__in=ids).select_related("text"):
        accepted[attachment.text.need_id][attachment.text_id] = attachment.text
    engine = index()
    engine.delete(group_of_need(need_id) for need_id in ids)
    engine.upsert(entry for need in needs.values() for entry in _entries(need, accepted[need.id]))


def index_harmonised(harmonised_ids: Iterable[int]) -> None:
    """The latest wording of each that lives, whether stabilised or not."""
    ids = sorted(set(harmonised_ids))
    living = set(HarmonisedNeed.unscoped.living().filter(id__in=ids).values_list("id", flat=True))
    latest = {version.need_id: version for version in NeedVersion.objects.filter(need__in=living).order_by("number")}
    engine = index()
    engine.delete(group_of_harmonised(harmonised_id) for harmonised_id in ids)
    engine.upsert(
        Entry(key_of_version(one.id), group_of_harmonised(one.need_id), SHARED, keys(one.title, one.description, Facets()))
        for one in latest.values()
    )


def reindex_all() -> None:
    """Makes the whole index again from the rows, some at a time: people go on meanwhile."""
    for model, again in ((RawNeed, index_needs), (HarmonisedNeed, index_harmonised)):
        ids = list(model.unscoped.order_by("id").values_list("id", flat=True))
        for start in range(0, len(ids), 500):
            with transaction.atomic():
                again(ids[start : start + 500])


def _entries(need: RawNeed, accepted: dict[int, RawNeedText]) -> Iterator[Entry]:
    texts = dict(accepted)
    if need.current and need.state != RawNeedState.ARCHIVED:
        texts[need.current.id] = need.current
    for text in texts.values():
        terms = keys(text.title, text.text, facets_of(text))
        yield Entry(key_of_text(text.id), group_of_need(need.id), corpus_of(need), terms)


def facets_of(text: RawNeedText) -> Facets:
    return Facets(text.domain, text.public, text.activity, text.data_class)
