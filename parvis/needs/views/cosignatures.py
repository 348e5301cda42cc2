"""Co-signing: prepare, sign, confirm after a new version, withdraw."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from parvis.access.doors import Refused, get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.needs.actions import cosignatures as actions
from parvis.needs.actions.harmonised import Impossible
from parvis.needs.forms.cosignatures import CoSignatureForm
from parvis.needs.messages import impossible_sentence
from parvis.needs.models import CoSignature, CoSignatureState, HarmonisedNeed, NeedVersion

WORDS = ("title", "description", "scope", "out_of_scope")


@requires("cosignature:view")
@require_http_methods(["GET", "HEAD", "POST"])
def cosignature(request: SignedInRequest, need_id: int) -> HttpResponse:
    """The form a referent prepares and a signatory signs."""
    need = _represented(request, need_id)
    version = need.in_force
    if version is None or not need.is_published:
        messages.error(request, impossible_sentence("not_open_to_cosignature", {}))
        return redirect("needs:harmonised", need.id)
    row: CoSignature | None = (
        CoSignature.objects.editable_by(request.principal).filter(version=version).select_related("signed_by").first()
    )
    initial = {name: getattr(row, name) for name in CoSignatureForm.base_fields} if row else None
    form = CoSignatureForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and request.POST.get("version", str(version.number)) != str(version.number):
        form.add_error(None, _("A new version was stabilised meanwhile: nothing was signed. Read it, then sign."))
    if form.is_valid():
        act, sentence = actions.prepare, _("Prepared: the signatory of your institution finds it to sign.")
        if request.principal.may("cosignature:sign") and "sign" in request.POST:
            act, sentence = actions.sign, _("Signed, on version %(number)d.") % {"number": version.number}
        return _done(request, need, lambda: act(request.principal, need, form.word()), sentence)
    before = need.versions.filter(number__lt=version.number).exclude(stabilised_at=None).last()
    context = {
        "need": need,
        "version": version,
        "form": form,
        "row": row,
        "may_sign": request.principal.may("cosignature:sign"),
        "changes": list(changes(before, version)) if before and row and row.state == CoSignatureState.TO_CONFIRM else [],
    }
    return render(request, "needs/cosignature.html", context, status=422 if form.is_bound else 200)


@requires("cosignature:view")
@require_POST
def withdrawal(request: SignedInRequest, need_id: int) -> HttpResponse:
    need = _represented(request, need_id)
    if not request.principal.may("cosignature:sign"):
        raise Refused(_("Only the signatory of your institution withdraws its co-signature."))
    return _done(request, need, lambda: actions.withdraw(request.principal, need), _("Withdrawn."))


def changes(before: NeedVersion, after: NeedVersion) -> Iterator[tuple[str, str]]:
    """What a version says that the one before did not: ("removed" | "added", line), in order."""
    old, new = _lines(before), _lines(after)
    for line in difflib.ndiff(old, new):
        if line[:2] in ("- ", "+ "):
            yield ("removed" if line[0] == "-" else "added"), line[2:]


def _lines(version: NeedVersion) -> list[str]:
    lines = [line for name in WORDS for line in getattr(version, name).splitlines() if line.strip()]
    for text in version.requirement_texts.select_related("requirement"):
        lines.append(f"{text.requirement.code} ({text.get_level_display()}) {text.text}")
    return lines


def _represented(request: SignedInRequest, need_id: int) -> HarmonisedNeed:
    need = get_or_404(request.principal, "harmonised:view", HarmonisedNeed, id=need_id)
    if not request.principal.may("cosignature:prepare"):
        raise Refused(_("Only the referent and the signatory of an institution co-sign in its name."))
    return need


def _done(request: SignedInRequest, need: HarmonisedNeed, act: Callable[[], object], sentence: str) -> HttpResponse:
    try:
        act()
    except Impossible as refusal:
        messages.error(request, impossible_sentence(refusal.code, refusal.params))
    else:
        messages.success(request, sentence)
    return redirect("needs:harmonised", need.id)
