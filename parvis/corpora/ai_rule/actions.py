"""Setting the rule of a course, and what it means for somebody."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.corpora.ai_rule.models import CourseRule, Use
from parvis.corpora.models import Corpus


@transaction.atomic
def set_rule(principal: Principal, corpus: Corpus, *, use: str, words: str) -> CourseRule:
    """It holds from the next question on."""
    rule, _created = CourseRule.unscoped.update_or_create(
        corpus=corpus,
        defaults={
            "institution_id": corpus.institution_id,
            "use": use,
            "words": words,
            "author_id": principal.profile_id,
            "set_at": timezone.now(),
        },
    )
    record(
        institution_id=corpus.institution_id,
        actor=principal.actor,
        action="course.ai_rule",
        subject=f"corpus:{corpus.id}",
        use=use,
    )
    return rule


def closed_to(principal: Principal, corpora: Collection[int]) -> frozenset[int]:
    """Those of these courses in which this person may not ask an AI."""
    return _of_use(principal, corpora, Use.FORBIDDEN)


def traced_for(principal: Principal, corpora: Collection[int]) -> frozenset[int]:
    """Those in which what this person asks stays written."""
    return _of_use(principal, corpora, Use.TRACED)


def _of_use(principal: Principal, corpora: Collection[int], use: Use) -> frozenset[int]:
    rules = CourseRule.unscoped.binding(principal).filter(corpus__in=list(corpora), use=use)
    return frozenset(rules.values_list("corpus_id", flat=True))
