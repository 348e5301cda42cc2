"""A request for information, from its preparation to its publication, and what is said about it to every vendor at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.actions import notify
from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.needs.actions.harmonised import stable_of
from parvis.needs.actions.market import ask_the_market, may_be_asked_about
from parvis.needs.models import HarmonisedNeed
from parvis.needs.specification import Specification
from parvis.offers import passphrases, sealing
from parvis.offers.actions.documents import vendor_documents, vendor_names
from parvis.offers.actions.tries import tried
from parvis.offers.dossier.content import Dossier, VendorNamed, namings
from parvis.offers.dossier.documents import french_instant
from parvis.offers.dossier.writing import MEDIA_TYPES
from parvis.offers.models import (
    KeyHolder,
    Question,
    RegisterEntry,
    RegisterKind,
    RequestDocument,
    RequestForInformation,
    RequestState,
)
from parvis.offers.refusals import Impossible
from parvis.offers.sealing import Cost, Holder

TOLD = (Role.VENDOR, Role.REFERENT, Role.SIGNATORY, Role.COORDINATOR)
Writer = Callable[[RequestForInformation, datetime, Sequence[str]], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the coordination decides of a request."""

    title: str
    introduction: str
    questions_until: datetime
    deadline_at: datetime
    holders: Sequence[Profile]
    holders_needed: int


def prepare(principal: Principal, need: HarmonisedNeed, terms: Terms, *, now: datetime) -> RequestForInformation:
    """On the version in force. Nobody but members and the coordination sees it before its publication."""
    _check(terms, now)
    try:
        with transaction.atomic():
            request = RequestForInformation(number=_next_number(), need=need, created_by_id=principal.profile_id)
            _write(request, terms)
            _record(principal, "request.prepare", request)
    except IntegrityError as error:  # another was prepared at this instant, and has the number
        raise Impossible("number_taken") from error
    return request


def edit(principal: Principal, request: RequestForInformation, terms: Terms, *, now: datetime) -> None:
    """While it is prepared; it takes the version in force. Holders who stay keep their key."""
    _check(terms, now)
    with transaction.atomic():
        request = _hold(request)
        _must_be_prepared(request)
        _write(request, terms)
        _record(principal, "request.edit", request)


def enrol(principal: Principal, holder: KeyHolder, passphrase: str, *, cost: Cost | None = None) -> None:
    """Keeps the key a passphrase makes, never the passphrase. Raises sealing.WeakPassphraseError."""
    key = sealing.enrol(passphrase, cost or passphrases.COST)
    with transaction.atomic():
        request = _hold(holder.request)
        _must_be_prepared(request)
        holder.public_key, holder.salt, holder.enrolled_at = key.public_key, key.salt, timezone.now()
        holder.save(update_fields=["public_key", "salt", "enrolled_at"])
        _record(principal, "key.enrol", request, holder=holder.id)


def check_passphrase(principal: Principal, holder: KeyHolder, passphrase: str, *, now: datetime) -> None:
    """That it is still the right one: nothing is opened. Raises Impossible like `tries.tried`."""
    tried(principal, holder, now, lambda: sealing.unlock(passphrase, key_of(holder)))


def publish(
    principal: Principal,
    request: RequestForInformation,
    *,
    now: datetime,
    ordinary: Sequence[str] = (),
    write: Writer = vendor_documents,
) -> RequestForInformation:
    """Freezes the documents, makes the key whose private half nobody keeps, and shows it all to every vendor at once.

    Raises dossier.content.VendorNamed when a document would name a vendor, unless its name is said to be an `ordinary` word.
    """
    _must_be_publishable(request, now)
    keys = _keys(request)
    key = sealing.make_request_key(list(keys.values()), request.holders_needed)
    request.public_key = key.public_key  # printed in the documents
    documents = write(request, now, ordinary)
    with transaction.atomic():
        request = _hold(request)
        _must_be_publishable(request, now)
        if _keys(request) != keys:
            raise Impossible("changed_meanwhile")
        for holder_id, share in zip(keys, key.sealed_shares, strict=True):
            KeyHolder.unscoped.filter(id=holder_id).update(sealed_share=share)
        request.public_key, request.published_at, request.ordinary = key.public_key, now, list(ordinary)
        request.fingerprint = sealing.fingerprint(*documents.values())
        request.save(update_fields=["public_key", "published_at", "ordinary", "fingerprint"])
        for name, content in documents.items():
            _freeze(request, name, content)
        ask_the_market(principal, request.need)
        tell(principal, request, "request_published", reverse("offers:request", args=[request.id]))
        _record(principal, "request.publish", request, fingerprint=request.fingerprint, ordinary=list(ordinary))
    return request


def receive(principal: Principal, request: RequestForInformation, documents: Sequence[RequestDocument]) -> None:
    """Writes in the register who was handed what."""
    with transaction.atomic():
        for document in documents:
            _enter(request, RegisterKind.READ, document.name, document.sha256, principal)
        names = [document.name for document in documents]
        _record(principal, "request.receive", request, documents=names)


def ask(principal: Principal, request: RequestForInformation, text: str, *, now: datetime) -> Question:
    """By a vendor, until the date. The register says that a question came, not from whom."""
    if request.state_at(now) != RequestState.PUBLISHED:
        raise Impossible("questions_closed", until=request.questions_until)
    with transaction.atomic():
        question = Question.unscoped.create(
            institution_id=principal.institution_id, request=request, profile_id=principal.profile_id, text=text
        )
        _enter(request, RegisterKind.QUESTION, f"Question {_rank(question)}")
        _record(principal, "question.ask", request, question=question.id)
    return question


def publish_answer(principal: Principal, question: Question, *, published_text: str, answer: str, now: datetime) -> None:
    """The question, without names, and its answer: to everybody at the same instant. Raises VendorNamed."""
    _name_nobody(question.request, question=published_text, answer=answer)
    with transaction.atomic():
        question = Question.unscoped.select_for_update(of=("self",)).select_related("request").get(id=question.id)
        if question.published_at:
            raise Impossible("already_answered")
        if question.request.state_at(now) in (RequestState.OPENED, RequestState.CLOSED):
            raise Impossible("opened")
        question.published_text, question.answer = published_text, answer
        question.answered_by_id, question.published_at = principal.profile_id, now
        question.save(update_fields=["published_text", "answer", "answered_by", "published_at"])
        digest = hashlib.sha256(f"{published_text}\n\n{answer}".encode()).hexdigest()
        _enter(question.request, RegisterKind.ANSWER, f"Question {_rank(question)}", digest)
        _record(principal, "question.publish", question.request, question=question.id)


def postpone(
    principal: Principal, request: RequestForInformation, *, deadline_at: datetime, reason: str, now: datetime
) -> None:
    """To a later instant, for everybody at once, while answers are still received. What was sent stays sealed, and may be
    replaced until then; the documents stay as they were published. Raises VendorNamed."""
    _name_nobody(request, reason=reason)
    with transaction.atomic():
        request = _hold(request)  # against an answer or a share that comes at this instant
        if request.state_at(now) not in (RequestState.PUBLISHED, RequestState.QUESTIONS_CLOSED):
            raise Impossible("not_running")
        if deadline_at <= request.deadline_at:
            raise Impossible("not_later", deadline=request.deadline_at)
        former, request.deadline_at = request.deadline_at, deadline_at
        request.save(update_fields=["deadline_at"])
        days = [french_instant(timezone.localtime(at)) for at in (former, deadline_at)]
        _enter(request, RegisterKind.POSTPONEMENT, f"du {days[0]} au {days[1]}. {reason}")
        address = reverse("offers:request", args=[request.id])
        tell(principal, request, "request_postponed", address, deadline=deadline_at.isoformat())
        _record(principal, "request.postpone", request, former=former.isoformat(), deadline=deadline_at.isoformat())


def add_exchange(
    principal: Principal, request: RequestForInformation, *, subject: str, recipient: Institution | None = None
) -> None:
    """A meeting, a call, an e-mail: what does not pass through here is written here."""
    with transaction.atomic():
        RegisterEntry.objects.create(
            request=request,
            kind=RegisterKind.EXCHANGE,
            recipient=recipient,
            profile_id=principal.profile_id,
            subject=subject,
        )
        _record(principal, "request.exchange", request)


def close(principal: Principal, request: RequestForInformation, *, now: datetime) -> None:
    with transaction.atomic():
        request = _hold(request)
        if request.state_at(now) != RequestState.OPENED:
            raise Impossible("not_opened")
        request.closed_at = now
        request.save(update_fields=["closed_at"])
        _record(principal, "request.close", request)


def tell(principal: Principal, request: RequestForInformation, kind: str, address: str, **params: str) -> None:
    """Everybody at once: no vendor learns of it before another."""
    everybody = Profile.objects.filter(role__in=TOLD, ended_at=None)
    notify(everybody, kind, address, but=principal.profile_id, code=request.code, **params)


def key_of(holder: KeyHolder) -> Holder:
    return Holder(bytes(holder.public_key), bytes(holder.salt))


def _check(terms: Terms, now: datetime) -> None:
    if terms.deadline_at <= now or terms.questions_until <= now:
        raise Impossible("dates_past")
    if terms.questions_until > terms.deadline_at:
        raise Impossible("dates_reversed")
    if len({holder.institution_id for holder in terms.holders}) < len(terms.holders):
        raise Impossible("holders_of_one_institution")
    if any(holder.institution.nature != Nature.MEMBER for holder in terms.holders):
        raise Impossible("holders_not_members")
    if not 2 <= terms.holders_needed <= len(terms.holders):
        raise Impossible("holders_unfit", needed=terms.holders_needed, holders=len(terms.holders))


def _write(request: RequestForInformation, terms: Terms) -> None:
    version = stable_of(request.need)
    if version is None or not may_be_asked_about(request.need):
        raise Impossible("need_not_published")
    request.version = version
    request.title, request.introduction = terms.title, terms.introduction
    request.questions_until, request.deadline_at = terms.questions_until, terms.deadline_at
    request.holders_needed = terms.holders_needed
    request.save()
    request.holders.exclude(profile__in=terms.holders).delete()
    there = set(request.holders.values_list("profile_id", flat=True))
    KeyHolder.unscoped.bulk_create(
        KeyHolder(institution_id=profile.institution_id, request=request, profile=profile)
        for profile in terms.holders
        if profile.id not in there
    )


def _next_number() -> int:
    return (RequestForInformation.unscoped.aggregate(latest=Max("number"))["latest"] or 0) + 1


def _must_be_prepared(request: RequestForInformation) -> None:
    if request.published_at:
        raise Impossible("already_published")


def _must_be_publishable(request: RequestForInformation, now: datetime) -> None:
    _must_be_prepared(request)
    if request.questions_until <= now:
        raise Impossible("dates_past")
    if not may_be_asked_about(request.need):
        raise Impossible("need_not_published")
    version = stable_of(request.need)
    if version is None or version.id != request.version_id:
        raise Impossible("newer_version", number=version.number if version else 0)
    if not request.version.requirement_texts.exists():
        raise Impossible("no_requirement")
    holders = list(request.holders.select_related("institution"))
    missing = [holder.institution.short_name for holder in holders if not holder.enrolled_at]
    if missing:
        raise Impossible("holders_missing", names=", ".join(missing))
    if not 2 <= request.holders_needed <= len(holders):
        raise Impossible("holders_unfit", needed=request.holders_needed, holders=len(holders))


def _keys(request: RequestForInformation) -> dict[int, Holder]:
    return {holder.id: key_of(holder) for holder in request.holders.order_by("id")}


def _name_nobody(request: RequestForInformation, **texts: str) -> None:
    """What everybody is to read of a published request, by the name of its field. Raises VendorNamed."""
    vendors, found = vendor_names(), []
    for place, text in texts.items():
        said = Dossier(Specification(request.code, 0, "", text), request.created_at.date())
        found += [replace(one, place=place) for one in namings(said, vendors, ordinary=request.ordinary)]
    if found:
        raise VendorNamed(tuple(found))


def _freeze(request: RequestForInformation, name: str, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    RequestDocument.objects.create(request=request, name=name, media_type=media_type, content=content, sha256=digest)
    _enter(request, RegisterKind.PUBLICATION, name, digest)


def _hold(request: RequestForInformation) -> RequestForInformation:
    rows = RequestForInformation.unscoped.select_for_update(of=("self",)).select_related("need", "version")
    return rows.get(id=request.id)


def _rank(question: Question) -> int:
    return Question.unscoped.filter(request_id=question.request_id, id__lte=question.id).count()


def _enter(
    request: RequestForInformation, kind: RegisterKind, subject: str, sha256: str = "", principal: Principal | None = None
) -> None:
    RegisterEntry.objects.create(
        request=request,
        kind=kind,
        recipient_id=principal.institution_id if principal else None,
        profile_id=principal.profile_id if principal else None,
        subject=subject,
        sha256=sha256,
    )


def _record(principal: Principal, action: str, request: RequestForInformation, **details: Any) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"request:{request.id}",
        **details,
    )
