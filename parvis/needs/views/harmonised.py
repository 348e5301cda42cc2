"""Harmonised needs: read one, write its next version, vote, attach with consent, merge, split, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.db.models import Count, Q
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import Refused, get_or_403, get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.institutions.models import Role, WorkingGroup
from parvis.needs.actions import harmonised as actions
from parvis.needs.actions.figures import SMALLEST, signatures_in_force
from parvis.needs.actions.harmonised import Impossible
from parvis.needs.actions.writing import ChangedMeanwhile, basis_of
from parvis.needs.forms.harmonised import MergeForm, ProposalForm, RequirementForm, SplitForm, VersionForm
from parvis.needs.harmonised_presentation import attachment_view, cosigning_view, excerpts_of, harmonised_timeline
from parvis.needs.messages import impossible_sentence
from parvis.needs.models import (
    Attachment,
    AttachmentState,
    CoSignatureState,
    HarmonisedNeed,
    HarmonisedState,
    NeedVersion,
    Operation,
    RawNeed,
    RawNeedState,
    Requirement,
)
from parvis.needs.models.harmonised import OPEN, HarmonisedNeedQuerySet
from parvis.needs.presentation import words_beside

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("harmonised:view")
@require_GET
def harmonised_needs(request: SignedInRequest) -> HttpResponse:
    rows: HarmonisedNeedQuerySet = HarmonisedNeed.objects.visible_to(request.principal).living()
    if (state := request.GET.get("etat")) in HarmonisedState.values:
        rows = rows.filter(state=state)
    if group := request.GET.get("groupe"):
        rows = rows.filter(working_group__slug=group)
    accepted = Q(attachments__state=AttachmentState.ACCEPTED)
    rows = rows.annotate(institution_count=Count("attachments__institution", filter=accepted, distinct=True))
    signed = signatures_in_force()
    context = {
        "needs": [(need, signed[need.id]) for need in rows.select_related("working_group").prefetch_related("versions")],
        "states": [(value, label, value == state) for value, label in HarmonisedState.choices],
        "groups": [(one.slug, one.name, one.slug == group) for one in WorkingGroup.objects.filter(is_active=True)],
        "is_filtered": bool(state or group),
        "may_propose": _may_propose(request),
        "smallest": 1 if request.principal.may("need:view") else SMALLEST,
    }
    return render(request, "needs/harmonised_list.html", context)


@requires("harmonised:view")
@require_GET
def harmonised(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _visible(request, need_id)
    return _page(request, row, row.in_force or row.draft)


@requires("harmonised:view")
@require_GET
def version(request: SignedInRequest, need_id: int, number: int) -> HttpResponse:
    row = _visible(request, need_id)
    chosen = next((one for one in row.versions.all() if one.number == number), None)
    if chosen is None or not (chosen.is_stable or request.principal.may("need:view")):
        raise Http404
    return _page(request, row, chosen)


@requires("harmonised:edit")
@editing
def new(request: SignedInRequest) -> HttpResponse:
    if not _may_propose(request):
        raise Refused(_("Only members of a working group propose a harmonised need. Ask the coordination to join one."))
    form = ProposalForm(request.principal, request.POST if request.method == "POST" else None)
    if form.is_valid():
        need = actions.propose(request.principal, **form.cleaned_data)
        return redirect("needs:harmonised", need.id)
    return _form(request, form, _("Propose a harmonised need"), reverse("needs:harmonised_list"))


@requires("harmonised:view")
@editing
def edit(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, need_id)
    standing = actions.words_of_version(row)
    form = VersionForm(request.POST if request.method == "POST" else None, initial=standing)
    title = _("Words of version %(number)d") % {"number": row.draft.number if row.draft else row.versions.count() + 1}
    if form.is_valid():
        words = form.cleaned_data | {"basis": request.POST.get("basis")}
        try:
            return _done(request, row, lambda: actions.edit_version(request.principal, row, **words), "")
        except ChangedMeanwhile:
            return _form(request, form, title, reverse("needs:harmonised", args=[row.id]), row, standing, is_late=True)
    return _form(request, form, title, reverse("needs:harmonised", args=[row.id]), row, standing)


@requires("harmonised:view")
@editing
def new_requirement(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, need_id)
    form = RequirementForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _done(request, row, lambda: actions.add_requirement(request.principal, row, **form.cleaned_data), "")
    return _form(request, form, _("Add a requirement"), reverse("needs:harmonised", args=[row.id]), row)


@requires("harmonised:view")
@editing
def requirement(request: SignedInRequest, need_id: int, number: int) -> HttpResponse:
    row = _editable(request, need_id)
    found = Requirement.objects.filter(need=row, number=number).select_related("need").first()
    if found is None:
        raise Http404
    standing = actions.words_of_requirement(found)
    if "text" not in standing and request.method != "POST":
        raise Http404
    form = RequirementForm(request.POST if request.method == "POST" else None, initial=standing)
    cancel_url = reverse("needs:harmonised", args=[row.id])
    if form.is_valid():
        words = form.cleaned_data | {"basis": request.POST.get("basis")}
        try:
            return _done(request, row, lambda: actions.edit_requirement(request.principal, found, **words), "")
        except ChangedMeanwhile:
            return _form(request, form, found.code, cancel_url, row, standing, is_late=True)
    return _form(request, form, found.code, cancel_url, row, standing)


@requires("harmonised:view")
@require_POST
def requirement_removal(request: SignedInRequest, need_id: int, number: int) -> HttpResponse:
    row = _editable(request, need_id)
    found = Requirement.objects.filter(need=row, number=number).first()
    if found is None:
        raise Http404
    sentence = _("%(code)s is dropped from the draft; its number is never given again.") % {"code": found.code}
    return _done(request, row, lambda: actions.drop_requirement(request.principal, found), sentence)


@requires("harmonised:view")
@require_POST
def discussion(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, need_id)
    return _done(request, row, lambda: actions.discuss(request.principal, row), _("Open to discussion."))


@requires("harmonised:view")
@require_POST
def ballot(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _visible(request, need_id)
    if not request.principal.may("harmonised:vote"):
        raise Refused(_("The referents of the working group vote, one vote for each institution."))
    draft = row.draft
    if draft is None or request.POST.get("in_favour") not in {"yes", "no"}:
        return _refusal(request, row, Impossible("no_draft"))
    in_favour, comment = request.POST["in_favour"] == "yes", request.POST.get("comment", "")[:1_000]
    return _done(
        request,
        row,
        lambda: actions.vote(request.principal, draft, in_favour=in_favour, comment=comment),
        _("The vote of your institution is kept; it may change until the version is stabilised."),
    )


@requires("harmonised:view")
@require_POST
def stabilisation(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _visible(request, need_id)
    if not request.principal.may("harmonised:stabilise"):
        raise Refused(_("The coordination stabilises a version, after the working group voted."))
    sentence = _("Stabilised: its words change no more. Earlier co-signatures are to be confirmed.")
    return _done(request, row, lambda: actions.stabilise(request.principal, row), sentence)


@requires("harmonised:view")
@require_POST
def opening(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _visible(request, need_id)
    if not request.principal.may("harmonised:stabilise"):
        raise Refused(_("The coordination opens a need to co-signature."))
    sentence = _("Open to co-signature and public: vendors and observers read it from now on.")
    return _done(request, row, lambda: actions.open_cosignature(request.principal, row), sentence)


@requires("attachment:propose")
@editing
def attach(request: SignedInRequest, need_id: int) -> HttpResponse:
    """From a raw need: which sentences of it, to which harmonised need."""
    raw = get_or_404(request.principal, "need:view", RawNeed, id=need_id)
    if raw.state not in (RawNeedState.PUBLISHED, RawNeedState.ATTACHED):
        messages.error(request, impossible_sentence("not_published", {}))
        return redirect("needs:detail", raw.id)
    text = raw.wording
    targets = HarmonisedNeed.objects.visible_to(request.principal).living().prefetch_related("versions")
    spans = excerpts_of(text.text)
    if request.method == "POST":
        chosen = [spans[int(i)] for i in request.POST.getlist("sentence") if i.isdecimal() and int(i) < len(spans)]
        target = targets.filter(id=_number(request.POST.get("harmonised", ""))).first()
        if chosen and target:
            start, end = min(start for start, _end in chosen), max(end for _start, end in chosen)
            try:
                actions.propose_attachment(request.principal, text, target, start=start, end=end)
            except Impossible as refusal:
                messages.error(request, impossible_sentence(refusal.code, refusal.params))
            else:
                messages.success(request, _("Proposed. It counts once the institution that wrote it accepts."))
                return redirect("needs:harmonised", target.id)
        else:
            messages.error(request, _("Choose a harmonised need and at least one sentence."))
    context = {
        "raw": raw,
        "text": text,
        "sentences": [(number, text.text[start:end]) for number, (start, end) in enumerate(spans)],
        "targets": targets,
        "chosen": _number(request.POST.get("harmonised") or request.GET.get("harmonised", "")),
    }
    return render(request, "needs/attach.html", context)


@requires("attachment:propose")
@require_POST
def acceptance(request: SignedInRequest, attachment_id: int) -> HttpResponse:
    row = _decidable(request, attachment_id)
    sentence = _("Accepted: these words of your institution are part of %(code)s.") % {"code": row.harmonised.code}
    return _done(request, row.harmonised, lambda: actions.accept_attachment(request.principal, row), sentence)


@requires("attachment:propose")
@require_POST
def refusal(request: SignedInRequest, attachment_id: int) -> HttpResponse:
    row = _decidable(request, attachment_id)
    reason = request.POST.get("reason", "")[:1_000]
    sentence = _("Refused: it is not proposed again.")
    return _done(request, row.harmonised, lambda: actions.refuse_attachment(request.principal, row, reason=reason), sentence)


@requires("attachment:propose")
@require_POST
def cancellation(request: SignedInRequest, attachment_id: int) -> HttpResponse:
    row = _attachment(request, attachment_id)
    if row.proposed_by_id != request.principal.profile_id or row.state not in OPEN:
        row = _decidable(request, attachment_id)
    sentence = _("Taken back: no co-signature moved.")
    return _done(request, row.harmonised, lambda: actions.cancel_attachment(request.principal, row), sentence)


@requires("harmonised:view")
@editing
def merger(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, need_id)
    form = MergeForm(request.principal, row, request.POST if request.method == "POST" else None)
    if form.is_valid():
        other, reason = form.cleaned_data["other"], form.cleaned_data["reason"]
        sentence = _("Merged. Each institution is asked to confirm for itself; until then nothing of theirs moves.")
        return _done(request, row, lambda: actions.merge(request.principal, row, other, reason=reason), sentence)
    return _form(request, form, _("Merge another need into this one"), reverse("needs:harmonised", args=[row.id]), row)


@requires("harmonised:view")
@editing
def division(request: SignedInRequest, need_id: int) -> HttpResponse:
    row = _editable(request, need_id)
    form = SplitForm(request.principal, row, request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        attachments = list(data.pop("attachments"))
        sentence = _("Split. Each institution is asked to confirm for itself; until then nothing of theirs moves.")
        return _done(request, row, lambda: actions.split(request.principal, row, attachments, **data), sentence)
    return _form(request, form, _("Split off a new need"), reverse("needs:harmonised", args=[row.id]), row)


@requires("harmonised:view")
@require_POST
def undoing(request: SignedInRequest, operation_id: int) -> HttpResponse:
    operation = Operation.objects.filter(id=operation_id).first()
    if operation is None:
        raise Http404
    row = _editable(request, operation.need_id)
    sentence = _("Undone: attachments and co-signatures are those of before.")
    return _done(request, row, lambda: actions.undo(request.principal, operation), sentence)


def _page(request: SignedInRequest, row: HarmonisedNeed, shown: NeedVersion | None) -> HttpResponse:
    if shown is None:
        raise Http404
    principal = request.principal
    inside = principal.may("need:view")
    attachments = (
        Attachment.objects.visible_to(principal)
        .filter(harmonised=row)
        .select_related("institution", "text__need__author__person", "harmonised", "operation")
    )
    live = [one for one in attachments if one.state in (*OPEN, AttachmentState.ACCEPTED)] if inside else []
    may_edit = row.is_living and HarmonisedNeed.objects.editable_by(principal).filter(id=row.id).exists()
    may_edit = may_edit and principal.may("harmonised:edit")
    draft = row.draft
    ballots = list(draft.ballots.select_related("institution", "profile__person")) if draft and inside else []
    own = next((one for one in ballots if one.institution_id == principal.institution_id), None)
    in_group = row.working_group.profiles.filter(id=principal.profile_id).exists()
    coordinates = principal.role == Role.COORDINATOR
    cosigning = cosigning_view(principal, shown) if shown.is_stable and row.is_published else None
    signs = principal.may("cosignature:sign") or (cosigning is not None and cosigning.own_state != CoSignatureState.VALID)
    context = {
        "need": row,
        "version": shown,
        "requirements": shown.requirement_texts.select_related("requirement").prefetch_related("institutions"),
        "versions": [one for one in row.versions.all() if one.is_stable or inside],
        "accepted": [attachment_view(principal, one) for one in live if one.state == AttachmentState.ACCEPTED],
        "waiting": [attachment_view(principal, one) for one in live if one.state in OPEN],
        "ballots": ballots,
        "own_ballot": own,
        "votes": (sum(one.in_favour for one in ballots), sum(not one.in_favour for one in ballots)),
        "operations": row.operations.select_related("other", "done_by__person") if inside else [],
        "events": harmonised_timeline(row, inside=inside),
        "cosigning": cosigning,
        "inside": inside,
        "may": {
            "edit": may_edit,
            "discuss": may_edit and row.state == HarmonisedState.PROPOSED,
            "vote": row.is_living and draft is not None and in_group and principal.may("harmonised:vote"),
            "stabilise": row.is_living and coordinates and draft is not None,
            "open": row.is_living and coordinates and row.state == HarmonisedState.STABILISED,
            "cosign": row.is_living and shown == row.in_force and principal.may("cosignature:prepare") and signs,
            "withdraw": shown == row.in_force and principal.may("cosignature:sign"),
        },
    }
    return render(request, "needs/harmonised.html", context)


def _form(
    request: SignedInRequest,
    form: Form,
    title: str,
    cancel_url: str,
    row: HarmonisedNeed | None = None,
    standing: Mapping[str, object] | None = None,
    *,
    is_late: bool = False,
) -> HttpResponse:
    """`standing`: the words there are, which a corrected form rests on; `is_late`: others than those it was filled from."""
    context = {
        "form": form,
        "title": title,
        "cancel_url": cancel_url,
        "need": row,
        "basis": basis_of(standing) if standing and (is_late or not form.is_bound) else request.POST.get("basis", ""),
        "is_late": is_late,
        "theirs": words_beside(form, standing) if standing and is_late else [],
    }
    status = 409 if is_late else 422 if request.method == "POST" else 200
    return render(request, "needs/harmonised_form.html", context, status=status)


def _done(request: SignedInRequest, row: HarmonisedNeed, act: Callable[[], object], sentence: str) -> HttpResponse:
    try:
        act()
    except Impossible as refusal:
        return _refusal(request, row, refusal)
    messages.success(request, sentence or _("Saved."))
    draft = None if sentence else actions.draft_of(row)
    return redirect("needs:harmonised_version", row.id, draft.number) if draft else redirect("needs:harmonised", row.id)


def _refusal(request: SignedInRequest, row: HarmonisedNeed, refusal: Impossible) -> HttpResponse:
    messages.error(request, impossible_sentence(refusal.code, refusal.params))
    return redirect("needs:harmonised", row.id)


def _visible(request: SignedInRequest, need_id: int) -> HarmonisedNeed:
    found = get_or_404(request.principal, "harmonised:view", HarmonisedNeed, id=need_id)
    rows = HarmonisedNeed.objects.visible_to(request.principal).select_related("working_group", "merged_into")
    row: HarmonisedNeed = rows.prefetch_related("versions").get(id=found.id)
    return row


def _editable(request: SignedInRequest, need_id: int) -> HarmonisedNeed:
    sentence = _("Only the coordination and the members of its working group write a harmonised need.")
    get_or_403(request.principal, "harmonised:edit", HarmonisedNeed, sentence, id=need_id)
    return _visible(request, need_id)


def _attachment(request: SignedInRequest, attachment_id: int) -> Attachment:
    rows = Attachment.objects.visible_to(request.principal).select_related("institution", "harmonised", "text")
    row: Attachment | None = rows.filter(id=attachment_id).first()
    if row is None:
        raise Http404
    return row


def _decidable(request: SignedInRequest, attachment_id: int) -> Attachment:
    row = _attachment(request, attachment_id)
    if row.institution_id == request.principal.institution_id:
        sentence = _("Your institution wrote this need: its referent or its signatory decides on its attachment.")
    else:
        sentence = _("Only %(institution)s, which wrote this need, decides on its attachment: nobody accepts for another.")
    get_or_403(request.principal, "attachment:decide", Attachment, sentence % {"institution": row.institution.name}, id=row.id)
    return row


def _may_propose(request: SignedInRequest) -> bool:
    if not request.principal.may("harmonised:edit"):
        return False
    in_group = WorkingGroup.objects.filter(profiles=request.principal.profile_id, is_active=True)
    return request.principal.role == Role.COORDINATOR or in_group.exists()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
