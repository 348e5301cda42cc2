"""Needs close to one being written, among those its author may read. People decide what they are to each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from parvis.access.principal import Principal
from parvis.needs import similarity
from parvis.needs.actions.expressions import Words
from parvis.needs.engine import (
    group_of_harmonised,
    group_of_need,
    index,
    key_of_text,
    key_of_version,
    readable_corpora,
)
from parvis.needs.models import (
    Answer,
    Attachment,
    HarmonisedNeed,
    Judgement,
    NeedVersion,
    RawNeed,
    RawNeedState,
    RawNeedText,
)
from parvis.needs.models.expressions import RawNeedTextQuerySet
from parvis.needs.similarity import Draft, Facets, Known

SHORTEST_DRAFT = 30  # characters: with fewer, what is proposed is mostly chance
MOST_PROPOSED = 5
OWN_DRAFTS = 30  # the latest: all an author may read of the drafts of an institution they do not represent


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A close text: a wording of a raw need, or the version of a harmonised one. `harmonised` is what the text belongs to."""

    group: int
    text: RawNeedText | NeedVersion
    harmonised: HarmonisedNeed | None
    shared_terms: tuple[str, ...]
    score: float


def close_needs(principal: Principal, words: Words, *, need: RawNeed | None = None) -> list[Suggestion]:
    """The closest ones to these words, best first, never `need` itself, nor what this institution said was different from it.
    Fewer characters than SHORTEST_DRAFT find nothing."""
    if len(words.title) + len(words.text) < SHORTEST_DRAFT or not principal.may("need:view"):
        return []
    different = _different(principal, need) if need else Refusals()
    reader = _Reader(principal, need, different.needs)
    found = similarity.close_needs(
        Draft(words.title, words.text, Facets(words.domain, words.public, words.activity, words.data_class)),
        index=index(),
        corpora=readable_corpora(principal),
        fetch=reader.read,
        limit=MOST_PROPOSED,
        never={*different.groups, *([group_of_need(need.id)] if need else [])},
    )
    return [
        Suggestion(one.group, reader.texts[one.key], reader.harmonised.get(one.key), one.shared_terms, one.score)
        for one in found
        if one.shared_terms or one.parts.facets  # runs of letters alone: nobody would see why it is proposed
    ]


def group_of(close: RawNeed | HarmonisedNeed) -> int:
    return group_of_harmonised(close.id) if isinstance(close, HarmonisedNeed) else group_of_need(close.id)


def of_group(principal: Principal, group: int) -> RawNeed | HarmonisedNeed | None:
    """What a group stands for, if this person may read it."""
    number, is_harmonised = divmod(group, 2)
    model = HarmonisedNeed if is_harmonised else RawNeed
    row: RawNeed | HarmonisedNeed | None = model.objects.visible_to(principal).filter(id=number).first()
    return row


@dataclass(frozen=True, slots=True)
class Refusals:
    """What an institution said is different: needs, and the groups that stand for them or for harmonised ones."""

    needs: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()


def _different(principal: Principal, need: RawNeed) -> Refusals:
    about = Judgement.objects.visible_to(principal).filter(Q(need=need) | Q(other_need=need), answer=Answer.DIFFERENT)
    needs, groups = set(), set()
    for one, other, harmonised in about.values_list("need_id", "other_need_id", "harmonised_id"):
        if harmonised:
            groups.add(group_of_harmonised(harmonised))
        else:
            needs.add(other if one == need.id else one)
    return Refusals(frozenset(needs), frozenset(groups | {group_of_need(one) for one in needs}))


class _Reader:
    """Reads texts by the keys of the index, once more under the rights of the reader, and remembers the rows."""

    def __init__(self, principal: Principal, need: RawNeed | None, without: Collection[int]) -> None:
        self.principal = principal
        self.without = {*without, *([need.id] if need else [])}
        self.texts: dict[int, RawNeedText | NeedVersion] = {}
        self.harmonised: dict[int, HarmonisedNeed] = {}

    def read(self, keys: Sequence[int]) -> list[Known]:
        return [*self._needs(keys), *self._versions(keys)]

    def _needs(self, keys: Sequence[int]) -> Iterable[Known]:
        ids = [key // 2 for key in keys if key % 2 == 0]
        rows = RawNeedText.objects.visible_to(self.principal).exclude(need__in=self.without)
        texts = list(rows.filter(id__in=ids).select_related("need__institution", "need__author__person").order_by())
        if not self.principal.may("need:validate"):
            texts += self._own_drafts(rows)
        attached = self._attached({text.need_id for text in texts})
        for text in texts:
            key = key_of_text(text.id)
            self.texts[key] = text
            group = group_of_need(text.need_id)
            if harmonised := attached.get((text.need_id, text.id)) or attached.get((text.need_id, None)):
                self.harmonised[key] = harmonised
                group = group_of_harmonised(harmonised.id)
            facets = Facets(text.domain, text.public, text.activity, text.data_class)
            yield Known(key, group, text.title, text.text, facets)

    def _own_drafts(self, rows: RawNeedTextQuerySet) -> Iterable[RawNeedText]:
        drafts = RawNeed.objects.visible_to(self.principal).written_by(self.principal).filter(state=RawNeedState.DRAFT)
        current = drafts.order_by("-id").values_list("current", flat=True)[:OWN_DRAFTS]
        return rows.filter(id__in=list(current)).select_related("need__institution", "need__author__person")

    def _attached(self, need_ids: Collection[int]) -> dict[tuple[int, int | None], HarmonisedNeed]:
        """What each wording is a confirmed verbatim of, and under None what its need is part of, corrected since or not."""
        accepted = Attachment.objects.visible_to(self.principal).accepted().filter(text__need__in=need_ids)
        attached: dict[tuple[int, int | None], HarmonisedNeed] = {}
        for row in accepted.select_related("text", "harmonised__merged_into").order_by("id"):
            harmonised = row.harmonised.merged_into or row.harmonised
            attached.setdefault((row.text.need_id, row.text_id), harmonised)
            attached.setdefault((row.text.need_id, None), harmonised)
        return attached

    def _versions(self, keys: Sequence[int]) -> Iterable[Known]:
        ids = [key // 2 for key in keys if key % 2]
        if not ids:
            return
        visible = HarmonisedNeed.objects.visible_to(self.principal).living()
        for version in NeedVersion.objects.filter(id__in=ids, need__in=visible.order_by()).select_related("need"):
            key = key_of_version(version.id)
            self.texts[key], self.harmonised[key] = version, version.need
            yield Known(key, group_of_harmonised(version.need_id), version.title, version.description)
