"""Needs close to one being written, among those its author may read. People decide what they are to each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Q

from parvis.access.principal import Principal
from parvis.inference.actions import endpoint_answered, endpoint_failed
from parvis.inference.completion import UpstreamError
from parvis.inference.door import embedded
from parvis.inference.vectors import LONGEST_TEXT, QUESTION_SECONDS, endpoint_that_helps
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
    TextVector,
)
from parvis.needs.models.expressions import RawNeedTextQuerySet
from parvis.needs.models.harmonised import HarmonisedNeedQuerySet
from parvis.needs.similarity import Close, Draft, Facets, Known
from parvis.retrieval.dense import normalised, unpacked

SHORTEST_DRAFT = 30  # characters: with fewer, what is proposed is mostly chance
MOST_PROPOSED = 5
MOST_COMPARED = 20_000  # vectors, the latest
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
    meaning = _meaning(principal, words)
    found = similarity.close_needs(
        Draft(words.title, words.text, Facets(words.domain, words.public, words.activity, words.data_class)),
        index=index(),
        corpora=readable_corpora(principal),
        fetch=reader.read,
        limit=MOST_PROPOSED,
        never={*different.groups, *([group_of_need(need.id)] if need else [])},
        meaning=meaning,
    )
    # By runs of letters alone, nobody would see why it is proposed.
    near = similarity.standing_out(meaning or {})
    return reader.suggestions([one for one in found if one.shared_terms or one.parts.facets or one.key in near])


def _meaning(principal: Principal, words: Words) -> dict[int, float] | None:
    """Cosines with the texts one may read that have a vector of the same endpoint, by key; None where it is of no help or
    does not answer in time: the words alone compare."""
    endpoint = endpoint_that_helps(principal, ())
    if endpoint is None:
        return None
    admitted, calibration = endpoint
    texts = TextVector.objects.visible_to(principal).filter(endpoint=admitted.key)
    rows = list(texts.order_by("-text_id").values_list("text_id", "vector")[:MOST_COMPARED])
    if not rows:
        return None
    try:
        text = f"{words.title}\n{words.text}"
        asked = normalised(embedded(admitted, [text], seconds=QUESTION_SECONDS, longest=LONGEST_TEXT))[0]
    except UpstreamError as error:
        endpoint_failed(calibration, error.code)
        return None
    endpoint_answered(calibration)
    kept = unpacked(bytes(vector) for _, vector in rows)
    if kept.shape[1] != len(asked):  # another model under the same name: its vectors are made again once it was measured
        return None
    cosines = kept.astype(np.float32) @ asked.astype(np.float32)
    return {key_of_text(text_id): float(cosine) for (text_id, _), cosine in zip(rows, cosines, strict=True)}


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
    """Reads texts by the keys of the index, once more under the rights of the reader: few columns of the many that are
    compared, whole rows of the few that are proposed."""

    def __init__(self, principal: Principal, need: RawNeed | None, without: Collection[int]) -> None:
        self.principal = principal
        self.without = {*without, *([need.id] if need else [])}

    def read(self, keys: Sequence[int]) -> list[Known]:
        return [
            *self._needs([key // 2 for key in keys if key % 2 == 0]),
            *self._versions([key // 2 for key in keys if key % 2]),
        ]

    def suggestions(self, found: Sequence[Close]) -> list[Suggestion]:
        texts = self._texts().select_related("need__institution", "need__author__person")
        versions = NeedVersion.objects.select_related("need")
        rows: dict[int, RawNeedText | NeedVersion] = {
            **{key_of_text(one.id): one for one in texts.filter(id__in=[one.key // 2 for one in found if one.key % 2 == 0])},
            **{key_of_version(one.id): one for one in versions.filter(id__in=[one.key // 2 for one in found if one.key % 2])},
        }
        groups = [one.group // 2 for one in found if one.group % 2]
        harmonised = {group_of_harmonised(one.id): one for one in self._harmonised().filter(id__in=groups)} if groups else {}
        return [
            Suggestion(one.group, rows[one.key], harmonised.get(one.group), one.shared_terms, one.score)
            for one in found
            if one.key in rows
        ]

    def _needs(self, ids: Sequence[int]) -> Iterator[Known]:
        compared = Q(id__in=ids)
        if not self.principal.may("need:validate"):
            compared |= Q(id__in=self._own_drafts())
        rows = list(self._texts().filter(compared).values_list("id", "need_id", "title", "text", *_FACETS).order_by())
        attached = self._attached({row[1] for row in rows})
        for text_id, need_id, title, text, *facets in rows:
            harmonised = attached.get((need_id, text_id)) or attached.get((need_id, None))
            group = group_of_harmonised(harmonised) if harmonised else group_of_need(need_id)
            yield Known(key_of_text(text_id), group, title, text, Facets(*facets))

    def _versions(self, ids: Sequence[int]) -> Iterator[Known]:
        if not ids:
            return
        living = self._harmonised().living().order_by()
        rows = NeedVersion.objects.filter(id__in=ids, need__in=living)
        for version_id, need_id, title, text in rows.values_list("id", "need_id", "title", "description"):
            yield Known(key_of_version(version_id), group_of_harmonised(need_id), title, text)

    def _own_drafts(self) -> list[int]:
        drafts = RawNeed.objects.visible_to(self.principal).filter(author=self.principal.profile_id, state=RawNeedState.DRAFT)
        return list(drafts.order_by("-id").values_list("current", flat=True)[:OWN_DRAFTS])

    def _attached(self, need_ids: Collection[int]) -> dict[tuple[int, int | None], int]:
        """The harmonised need that each wording is a confirmed verbatim of, and under None the one its need is part of,
        corrected since or not."""
        accepted = Attachment.objects.visible_to(self.principal).accepted().filter(text__need__in=need_ids).order_by("id")
        attached: dict[tuple[int, int | None], int] = {}
        for need_id, text_id, harmonised, merged_into in accepted.values_list(
            "text__need", "text", "harmonised", "harmonised__merged_into"
        ):
            attached.setdefault((need_id, text_id), merged_into or harmonised)
            attached.setdefault((need_id, None), merged_into or harmonised)
        return attached

    def _texts(self) -> RawNeedTextQuerySet:
        texts: RawNeedTextQuerySet = RawNeedText.objects.visible_to(self.principal).exclude(need__in=self.without)
        return texts

    def _harmonised(self) -> HarmonisedNeedQuerySet:
        needs: HarmonisedNeedQuerySet = HarmonisedNeed.objects.visible_to(self.principal)
        return needs


_FACETS = ("domain", "public", "activity", "data_class")
