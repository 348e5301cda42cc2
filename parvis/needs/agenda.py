"""What waits for who works on needs: wordings to validate, attachments to decide, versions to vote, co-signatures to give."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.agenda import Awaited
from parvis.access.principal import Principal
from parvis.institutions.models import Institution
from parvis.needs.models import (
    Attachment,
    CoSignature,
    CoSignatureState,
    HarmonisedNeed,
    HarmonisedState,
    NeedVersion,
    RawNeed,
    RawNeedState,
)
from parvis.needs.models.harmonised import OPEN, HarmonisedNeedQuerySet

MOST_LISTED = 30  # needs of one state; the list of needs has pages


def awaited(principal: Principal) -> Iterator[Awaited]:
    return chain(
        _attachments(principal),
        _votes(principal),
        _cosignatures(principal),
        _coordination(principal),
        _needs(principal),
    )


def _attachments(principal: Principal) -> Iterator[Awaited]:
    if not principal.may("attachment:decide"):
        return
    rows = Attachment.objects.editable_by(principal).filter(state__in=OPEN, harmonised__merged_into=None)
    for row in rows.select_related("text", "harmonised").prefetch_related("harmonised__versions"):
        yield Awaited(
            heading=_("Is this our need?"),
            title=row.text.title,
            url=reverse("needs:harmonised", args=[row.harmonised_id]) + "#excerpts-title",
            act=_("Decide"),
            note=_("Proposed as part of %(code)s, %(title)s.") % _named(row.harmonised),
        )


def _votes(principal: Principal) -> Iterator[Awaited]:
    if not principal.may("harmonised:vote"):
        return
    drafts = NeedVersion.objects.filter(
        stabilised_at=None, need__in=_living(principal), need__working_group__profiles=principal.profile_id
    )
    drafts = drafts.exclude(need__state=HarmonisedState.PROPOSED)
    for draft in drafts.exclude(ballots__institution=principal.institution_id).select_related("need"):
        yield Awaited(
            heading=_("To vote"),
            title=f"{draft.need.code} {draft.title}",
            url=reverse("needs:harmonised_version", args=[draft.need_id, draft.number]) + "#vote-title",
            act=_("Read and vote"),
            note=_("Version %(number)d, not voted by your institution yet.") % {"number": draft.number},
        )


def _cosignatures(principal: Principal) -> Iterator[Awaited]:
    if not principal.may("cosignature:prepare"):
        return
    signs = principal.may("cosignature:sign")
    needs = _living(principal).published().prefetch_related("versions")
    in_force = {version.id: need for need in needs if (version := need.in_force)}
    own = CoSignature.objects.editable_by(principal).filter(version__in=in_force)
    states = dict(own.exclude(id__in=own.taken_back()).values_list("version", "state"))
    for version_id, need in in_force.items():
        state = states.get(version_id)
        if state == CoSignatureState.TO_CONFIRM:
            heading, act = _("Co-signatures to confirm"), _("See what changed")
            note = _("A new version is in force: your institution had signed the one before.")
        elif state == CoSignatureState.PREPARED and signs:
            heading, act, note = _("Co-signatures to sign"), _("Sign"), _("Prepared by your institution.")
        elif state is None and need.state == HarmonisedState.COSIGNING:
            heading, act = _("To co-sign"), _("Sign") if signs else _("Prepare")
            note = _("Your institution has said nothing yet.")
        else:
            continue
        url = reverse("needs:cosignature", args=[need.id])
        yield Awaited(heading=heading, title=f"{need.code} {need.title}", url=url, act=act, note=note)


def _coordination(principal: Principal) -> Iterator[Awaited]:
    if not principal.may("harmonised:stabilise"):
        return
    favour, against = Q(ballots__in_favour=True), Q(ballots__in_favour=False)
    drafts = NeedVersion.objects.filter(stabilised_at=None, need__in=_living(principal)).select_related("need")
    for draft in drafts.annotate(yes=Count("ballots", filter=favour), no=Count("ballots", filter=against)):
        if draft.yes > draft.no:
            yield Awaited(
                heading=_("Carried by a vote"),
                title=f"{draft.need.code} {draft.title}",
                url=reverse("needs:harmonised_version", args=[draft.need_id, draft.number]) + "#vote-title",
                act=_("Stabilise"),
                note=_("In favour: %(yes)d. Against: %(no)d.") % {"yes": draft.yes, "no": draft.no},
            )
    for need in _living(principal).filter(state=HarmonisedState.STABILISED).prefetch_related("versions"):
        url = reverse("needs:harmonised", args=[need.id])
        yield Awaited(_("Stable, not open to co-signature"), f"{need.code} {need.title}", url, _("Open to co-signature"))


def _needs(principal: Principal) -> Iterator[Awaited]:
    """Drafts of one's own for who writes; for who represents, those of the institution, and what is not shared yet."""
    if not principal.may("need:edit") and not principal.may("need:validate"):
        return
    represents = principal.may("need:validate")
    rows = RawNeed.objects.editable_by(principal).filter(state__in=(RawNeedState.DRAFT, RawNeedState.VALIDATED))
    for state in (RawNeedState.DRAFT, RawNeedState.VALIDATED):
        if state == RawNeedState.VALIDATED:
            heading, act = _("Validated, not shared yet"), _("Share")
        else:
            heading, act = (_("Drafts to validate"), _("Read")) if represents else (_("My drafts"), _("Go on"))
        waiting = rows.filter(state=state)
        for need in waiting.select_related("current", "author__person").order_by("id")[:MOST_LISTED]:
            who = need.author.person.display_name if represents else ""
            yield Awaited(heading, str(need), reverse("needs:detail", args=[need.id]), act, who)
        if (others := waiting.count() - MOST_LISTED) > 0:
            url = f"{reverse('needs:list')}?{urlencode({'etat': state} | _here(principal, represents))}"
            title = ngettext("%(count)d more in the list", "%(count)d more in the list", others) % {"count": others}
            yield Awaited(heading, title, url, _("See the list"), more=others)


def _here(principal: Principal, represents: bool) -> dict[str, str]:
    """The filter of the list of needs on one's own institution; drafts are one's own for who represents none."""
    return {"etablissement": Institution.objects.get(id=principal.institution_id).slug} if represents else {}


def _living(principal: Principal) -> HarmonisedNeedQuerySet:
    rows: HarmonisedNeedQuerySet = HarmonisedNeed.objects.visible_to(principal)
    return rows.living()


def _named(need: HarmonisedNeed) -> dict[str, str]:
    return {"code": need.code, "title": need.title}
