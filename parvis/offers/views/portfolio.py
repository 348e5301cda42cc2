"""What my institution pays today: tools, what they cover, files, overlaps, thresholds. Nobody else reads it."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.needs.models import HarmonisedNeed
from parvis.needs.workbooks import MOST_BYTES, Refused
from parvis.offers import decp, portfolio_sheet
from parvis.offers.actions import portfolio as actions
from parvis.offers.actions.portfolio import Facts
from parvis.offers.actions.thresholds import table
from parvis.offers.choice_messages import choice_sentence
from parvis.offers.forms.portfolio import (
    CoverageForm,
    MeasuresForm,
    PublicContractsForm,
    SheetForm,
    ToolForm,
    facts_of_tool,
)
from parvis.offers.models import Coverage, PortfolioFile, Tool, ToolSource
from parvis.offers.portfolio_messages import decp_sentence, problem_sentence, sheet_error_sentence, sheet_sentence
from parvis.offers.portfolio_presentation import coverage_view, money, overlap_view, tool_view, warning_views
from parvis.offers.refusals import Impossible

MOST_OPEN_DATA = 60_000_000  # bytes
PROBLEMS_KEPT = 300
DIGITAL = ("48", "72", "302", "642")  # CPV: software, computer services, computers, telecommunications
editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("portfolio:view")
@require_GET
def portfolio(request: SignedInRequest) -> HttpResponse:
    today = timezone.localdate()
    tools = actions.tools_of(request.principal)
    views = [tool_view(tool, today, is_invented=_is_invented(request)) for tool in tools]
    paid = [tool for tool in tools if tool.is_paid_on(today)]
    known = [tool.yearly_cents for tool in paid if tool.yearly_cents is not None]
    context = {
        "tools": [one for one in views if not one.is_over and not one.is_to_come],
        "to_come": [one for one in views if one.is_to_come],
        "over": [one for one in views if one.is_over],
        "total": money(sum(known)),
        "unknown": len(paid) - len(known),
        "confirmed": sum(cover.is_used for one in views for cover in one.coverages),
        "may_edit": request.principal.may("portfolio:edit"),
    }
    return render(request, "offers/portfolio.html", context)


@requires("portfolio:view")
@require_GET
def export(request: SignedInRequest) -> HttpResponse:
    """One's own, in the columns that the import reads."""
    rows = ({**vars(tool), "innovative": tool.details.get("innovative")} for tool in actions.tools_of(request.principal))
    record_export(request.principal, f"institution:{request.principal.institution_id}", what="portfolio", kind="csv")
    response = HttpResponse(portfolio_sheet.write(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition_header(True, "portefeuille.csv") or "attachment"
    return response


@requires("portfolio:edit")
@editing
def new(request: SignedInRequest) -> HttpResponse:
    form = ToolForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = actions.add_tool(request.principal, form.facts())
        except Impossible as refusal:
            form.add_error("reference", choice_sentence(refusal))
        else:
            messages.success(request, _("Added. Say which needs it covers, and whether that is confirmed."))
            return redirect("offers:tool", made.id)
    return _form(request, form, _("Add a tool"), reverse("offers:portfolio"))


@requires("portfolio:view")
@require_GET
def tool(request: SignedInRequest, tool_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "portfolio:view", Tool, id=tool_id)
    return _page(request, row)


@requires("portfolio:edit")
@editing
def edit(request: SignedInRequest, tool_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "portfolio:edit", Tool, id=tool_id)
    form = ToolForm(request.POST if request.method == "POST" else None, initial=facts_of_tool(row))
    if form.is_valid():
        try:
            actions.edit_tool(request.principal, row, form.facts())
        except Impossible as refusal:
            form.add_error("reference" if refusal.code == "reference_known" else None, choice_sentence(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("offers:tool", row.id)
    return _form(request, form, row.name, reverse("offers:tool", args=[row.id]))


@requires("portfolio:edit")
@require_POST
def removal(request: SignedInRequest, tool_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "portfolio:edit", Tool, id=tool_id)
    try:
        actions.remove_tool(request.principal, row)
    except Impossible as refusal:
        messages.error(request, choice_sentence(refusal))
        return redirect("offers:tool", row.id)
    messages.success(request, _("“%(name)s” is no longer in your portfolio.") % {"name": row.name})
    return redirect("offers:portfolio")


@requires("portfolio:edit")
@require_POST
def coverages(request: SignedInRequest, tool_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "portfolio:edit", Tool, id=tool_id)
    form = CoverageForm(request.principal, row, request.POST)
    if form.is_valid():
        try:
            actions.cover(request.principal, row, form.cleaned_data["need"], form.cover())
        except Impossible as refusal:
            form.add_error("evidence" if refusal.code == "no_evidence" else "moved_to", choice_sentence(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("offers:tool", row.id)
    return _page(request, row, form, status=422)


@requires("portfolio:edit")
@require_POST
def measures(request: SignedInRequest, tool_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "portfolio:edit", Tool, id=tool_id)
    form = _measures_form(row, request.POST)
    if not form.is_valid():
        return _page(request, row, measures_form=form, status=422)
    actions.measure(request.principal, row, form.measures())
    messages.success(request, _("Saved."))
    return redirect("offers:tool", row.id)


@requires("portfolio:edit")
@require_POST
def coverage_removal(request: SignedInRequest, coverage_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "portfolio:edit", Coverage, id=coverage_id)
    actions.uncover(request.principal, row)
    messages.success(request, _("Removed."))
    return redirect("offers:tool", row.tool_id)


@requires("portfolio:edit")
@editing
def sheet(request: SignedInRequest) -> HttpResponse:
    """A list, CSV or XLSX: read, then shown before anything is added."""
    form = SheetForm(request.POST, request.FILES) if request.method == "POST" else SheetForm()
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            found = portfolio_sheet.read(_content(upload))
        except Refused as refusal:
            form.add_error("file", sheet_sentence(refusal.code, refusal.params))
        else:
            rows = [actions.row_of(Facts(**one.values), {"row_number": one.row_number}) for one in found.tools]  # type: ignore[arg-type]
            problems = [[error.row_number, sheet_error_sentence(error)] for error in found.errors[:PROBLEMS_KEPT]]
            file = actions.receive_file(request.principal, upload.name, rows, problems, ToolSource.CSV)
            return redirect("offers:portfolio_preview", file.id)
    return render(request, "offers/portfolio_sheet.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("portfolio:edit")
@require_GET
def sheet_model(request: SignedInRequest) -> HttpResponse:
    response = HttpResponse(portfolio_sheet.write([]), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition_header(True, "modele-portefeuille.csv") or "attachment"
    return response


@requires("portfolio:edit")
@editing
def public_contracts(request: SignedInRequest) -> HttpResponse:
    """Open data of public contracts: those of one's own buyer number, shown before anything is added."""
    form = PublicContractsForm(request.POST, request.FILES) if request.method == "POST" else PublicContractsForm()
    if form.is_valid():
        upload, buyers = form.cleaned_data["file"], form.cleaned_data["buyers"]
        try:
            found = _contracts(upload, buyers)
        except decp.DecpError as refusal:
            form.add_error("file", decp_sentence(refusal.code))
        else:
            rows = [actions.row_of(*actions.facts_of_contract(one)) for one in found.contracts if _is_of(one, buyers)]
            problems = [[problem.row, problem_sentence(problem)] for problem in found.problems[:PROBLEMS_KEPT]]
            file = actions.receive_file(request.principal, upload.name, rows, problems, ToolSource.DECP)
            return redirect("offers:portfolio_preview", file.id)
    return render(request, "offers/portfolio_contracts.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("portfolio:edit")
@editing
def preview(request: SignedInRequest, file_id: int) -> HttpResponse:
    file = get_or_404(request.principal, "portfolio:edit", PortfolioFile, id=file_id)
    if request.method == "POST":
        chosen = {
            int(number) for number in request.POST.getlist("row") if number.isascii() and number.isdigit() and len(number) < 9
        }
        added = actions.import_rows(request.principal, file, chosen)
        words = ngettext("%(count)d tool added.", "%(count)d tools added.", added) % {"count": added}
        messages.success(request, words if added else _("Nothing was added."))
        return redirect("offers:portfolio")
    known = actions.known_keys(request.principal)
    new_rows, known_count = [], 0
    for number, row in enumerate(file.rows):
        facts, details = actions.facts_of(row)
        if actions.key_of(facts.reference, facts.name, facts.vendor_name, facts.service, facts.start_date) in known:
            known_count += 1
        else:
            proposed = file.source == ToolSource.CSV or facts.cpv.startswith(DIGITAL)
            new_rows.append((number, facts, money(facts.yearly_cents), details, proposed))
    context = {
        "file": file,
        "is_open_data": file.source == ToolSource.DECP,
        "rows": new_rows,
        "known_count": known_count,
        "problems": file.problems,
        "back_url": reverse("offers:portfolio_contracts" if file.source == ToolSource.DECP else "offers:portfolio_sheet"),
    }
    return render(request, "offers/portfolio_preview.html", context)


@requires("portfolio:view")
@require_GET
def overlaps(request: SignedInRequest) -> HttpResponse:
    today = timezone.localdate()
    tools = actions.tools_of(request.principal)
    context = {"overlap": overlap_view(actions.overlap_of(tools, today), tools, today), "has_tools": bool(tools)}
    return render(request, "offers/overlaps.html", context)


@requires("portfolio:view")
@require_GET
def thresholds(request: SignedInRequest) -> HttpResponse:
    """What buying it again on a day would oblige to, need by need, its services added up."""
    on = _day(request.GET.get("jour", "")) or timezone.localdate()
    needs = HarmonisedNeed.objects.visible_to(request.principal).published().prefetch_related("versions")
    titles = {need.code: need.title for need in needs}
    bought = actions.purchases(request.principal)
    context = {
        "day": on,
        "warnings": warning_views(bought, table(), on, titles),
        "has_purchases": bool(bought),
    }
    return render(request, "offers/portfolio_thresholds.html", context)


def _measures_form(row: Tool, data: QueryDict | None = None) -> MeasuresForm:
    tiered = actions.tiered_unit(row.agreement, timezone.localdate()) if row.agreement else None
    return MeasuresForm(tiered[0] if tiered else "", data, initial=vars(row))


def _page(
    request: SignedInRequest,
    row: Tool,
    form: CoverageForm | None = None,
    measures_form: MeasuresForm | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = Tool.objects.visible_to(request.principal).prefetch_related("coverages__need__versions", "coverages__moved_to")
    loaded: Tool = rows.get(id=row.id)
    shown = request.GET.get("besoin", "")
    cover = next((one for one in loaded.coverages.all() if str(one.need_id) == shown), None)
    initial = (
        {name: getattr(cover, name) for name in ("need", "level", "is_used", "evidence", "moved_to", "moved_date")}
        if cover
        else None
    )
    may_edit = request.principal.may("portfolio:edit")
    context = {
        "tool": tool_view(loaded, timezone.localdate(), is_invented=_is_invented(request)),
        "subject": loaded.details.get("subject", ""),
        "offers_received": loaded.details.get("offers_received"),
        "months": loaded.details.get("months"),
        "changed": coverage_view(cover) if cover else None,
        "form": (form or CoverageForm(request.principal, loaded, initial=initial)) if may_edit else None,
        "measures_form": (measures_form or _measures_form(loaded)) if may_edit else None,
        "may_edit": may_edit,
    }
    return render(request, "offers/tool.html", context, status=status)


def _form(request: SignedInRequest, form: ToolForm, title: str, cancel_url: str) -> HttpResponse:
    context = {"form": form, "title": title, "cancel_url": cancel_url, "parent": _("Portfolio")}
    context["parent_url"] = reverse("offers:portfolio")
    return render(request, "offers/plain_form.html", context, status=422 if form.is_bound else 200)


def _contracts(upload: UploadedFile[bytes], buyers: tuple[str, ...]) -> decp.Parsed:
    if (upload.size or 0) > MOST_OPEN_DATA:
        raise decp.DecpError("too_large")
    return decp.parse(upload.read(), {number[:9] for number in buyers})


def _is_of(contract: decp.Contract, buyers: tuple[str, ...]) -> bool:
    return contract.buyer_siret in buyers or contract.buyer_siret[:9] in buyers


def _content(upload: UploadedFile[bytes]) -> bytes:
    """Raises Refused before a file too large is read."""
    if (upload.size or 0) > MOST_BYTES:
        raise Refused("too_large", {"bytes": str(upload.size), "limit": str(MOST_BYTES)})
    content: bytes = upload.read()
    return content


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _is_invented(request: SignedInRequest) -> bool:
    return request.profile.institution.is_invented or request.profile.person.is_invented
