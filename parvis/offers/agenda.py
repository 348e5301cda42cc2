"""What waits for people about requests, choices and agreements, and their dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from parvis.access.agenda import Awaited
from parvis.access.principal import Principal
from parvis.needs.models import HarmonisedNeed, HarmonisedState
from parvis.offers.models import Agreement, Choice, KeyHolder, Offer, Question, RequestForInformation, SealedAnswer, Tool

NOTICE_NEARS = timedelta(days=90)  # time to decide whether to renew, before the last day to give notice or the end


def awaited(principal: Principal) -> Iterator[Awaited]:
    return chain(
        _keys(principal),
        _coordination(principal),
        _answers(principal),
        _choices(principal),
        _agreements(principal),
        _terms(principal),
        _dates(principal),
    )


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


def _choices(principal: Principal) -> Iterator[Awaited]:
    """What is prepared, for the signatory; the needs with opened offers of which the institution has said nothing."""
    if not principal.may("choice:prepare"):
        return
    decides = principal.may("choice:decide")
    own = Choice.objects.editable_by(principal)
    if decides:
        for row in own.filter(decided_at=None).select_related("need", "offer").prefetch_related("need__versions"):
            url = reverse("offers:choice", args=[row.need_id])
            note = row.offer.product if row.offer else ""
            yield Awaited(_("Choices to decide"), f"{row.need.code} {row.need.title}", url, _("Read and decide"), note)
    asked = Offer.objects.visible_to(principal).values("request__need")
    needs = HarmonisedNeed.objects.visible_to(principal).living().filter(id__in=asked).exclude(id__in=own.values("need"))
    for need in needs.exclude(state=HarmonisedState.CLOSED).prefetch_related("versions"):
        url, note = reverse("offers:choice", args=[need.id]), _("Offers are opened; your institution has said nothing yet.")
        yield Awaited(_("To choose"), f"{need.code} {need.title}", url, _("Decide") if decides else _("Prepare"), note)


def _agreements(principal: Principal) -> Iterator[Awaited]:
    if not principal.may("agreement:edit"):
        return
    rows, today = Agreement.objects.editable_by(principal).filter(ended_at=None), timezone.localdate()
    for row in rows.filter(activated_at=None).select_related("vendor"):
        url = reverse("offers:agreement", args=[row.id])
        yield Awaited(_("Agreements to bring into force"), row.product, url, _("Read and sign"), row.vendor.name)
    for row in rows.exclude(activated_at=None).order_by("end_date"):
        told = row.notice_date if row.notice_date and row.notice_date >= today else row.end_date
        if told > today + NOTICE_NEARS:
            continue
        words = _("End of the term: %(day)s") if told == row.end_date else _("Last day to give notice: %(day)s")
        url, note = reverse("offers:agreement", args=[row.id]), words % {"day": date_format(told)}
        yield Awaited(_("Agreements to renew or end"), row.product, url, _("Decide"), note)


def _terms(principal: Principal) -> Iterator[Awaited]:
    """Last days to give notice and ends of terms: of agreements in force, and of other contracts of the portfolio."""
    today = timezone.localdate()
    running = Agreement.objects.visible_to(principal).filter(ended_at=None).exclude(activated_at=None)
    others = Tool.objects.visible_to(principal).filter(agreement=None)
    for heading, rows, address in (
        (_("Dates of agreements"), running, "offers:agreement"),
        (_("Dates of contracts"), others, "offers:tool"),
    ):
        for row in rows.filter(Q(end_date__gte=today) | Q(notice_date__gte=today)):
            url = reverse(address, args=[row.id])
            for note, day in ((_("Last day to give notice"), row.notice_date), (_("End of the term"), row.end_date)):
                if day and day >= today:
                    yield Awaited(heading, str(row), url, note=note, due=day)


def _dates(principal: Principal) -> Iterator[Awaited]:
    for request in _open(principal) if principal.may("request:view") else ():
        url, title = reverse("offers:request", args=[request.id]), str(request)
        if request.questions_until > timezone.now():
            yield Awaited(_("Dates of requests"), title, url, note=_("End of the questions"), due=request.questions_until)
        yield Awaited(_("Dates of requests"), title, url, note=_("End of the answers"), due=request.deadline_at)


def _open(principal: Principal) -> QuerySet[RequestForInformation]:
    rows: QuerySet[RequestForInformation] = RequestForInformation.objects.visible_to(principal)
    return rows.filter(deadline_at__gt=timezone.now()).exclude(published_at=None)
