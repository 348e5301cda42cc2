"""What waits for people about requests: a passphrase to choose, answers to open, questions, an answer to send."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from parvis.access.agenda import Awaited
from parvis.access.principal import Principal
from parvis.offers.models import KeyHolder, Question, RequestForInformation, SealedAnswer


def awaited(principal: Principal) -> Iterator[Awaited]:
    return chain(_keys(principal), _coordination(principal), _answers(principal), _dates(principal))


def _keys(principal: Principal) -> Iterator[Awaited]:
    if not principal.may("request:hold_key"):
        return
    now = timezone.now()
    rows = KeyHolder.objects.editable_by(principal).select_related("request")
    for holder in rows.filter(enrolled_at=None, request__published_at=None):
        url = reverse("offers:key", args=[holder.request_id])
        yield Awaited(_("Key to hold"), str(holder.request), url, _("Choose my passphrase"))
    awaiting = rows.filter(request__deadline_at__lte=now, request__opened_at=None, contributed_at=None)
    for holder in awaiting.exclude(request__published_at=None):
        url = reverse("offers:opening", args=[holder.request_id])
        yield Awaited(_("Answers to open"), str(holder.request), url, _("Give my share"))


def _coordination(principal: Principal) -> Iterator[Awaited]:
    if not principal.may("request:edit"):
        return
    prepared = RequestForInformation.objects.editable_by(principal).filter(published_at=None)
    for request in prepared.exclude(holders__enrolled_at=None):
        url = reverse("offers:request", args=[request.id])
        yield Awaited(_("Request to publish"), str(request), url, _("Read and publish"), _("Every key is ready."))
    questions = Question.objects.editable_by(principal).filter(published_at=None, request__opened_at=None)
    for question in questions.select_related("request"):
        url = reverse("offers:question", args=[question.request_id, question.id])
        yield Awaited(_("Questions of vendors"), question.text[:120], url, _("Write the answer"), str(question.request))


def _answers(principal: Principal) -> Iterator[Awaited]:
    if not principal.may("answer:view"):
        return
    sent = set(SealedAnswer.objects.visible_to(principal).values_list("request_id", flat=True))
    for request in _open(principal).exclude(id__in=sent):
        url = reverse("offers:answer", args=[request.id])
        yield Awaited(_("To answer"), str(request), url, _("My answer"), due=request.deadline_at)


def _dates(principal: Principal) -> Iterator[Awaited]:
    for request in _open(principal) if principal.may("request:view") else ():
        url, title = reverse("offers:request", args=[request.id]), str(request)
        if request.questions_until > timezone.now():
            yield Awaited(_("Dates of requests"), title, url, note=_("End of the questions"), due=request.questions_until)
        yield Awaited(_("Dates of requests"), title, url, note=_("End of the answers"), due=request.deadline_at)


def _open(principal: Principal) -> QuerySet[RequestForInformation]:
    rows: QuerySet[RequestForInformation] = RequestForInformation.objects.visible_to(principal)
    return rows.filter(deadline_at__gt=timezone.now()).exclude(published_at=None)
