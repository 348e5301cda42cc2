"""The pages where an institution writes who may use what, and asks why."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access import matrix as matrices
from parvis.access.doors import get_or_404, requires
from parvis.access.engine import AFFILIATIONS, RulesError
from parvis.access.http import SignedInRequest
from parvis.access.matrix import KINDS, Cell
from parvis.access.rules import actions
from parvis.access.rules.actions import ChangedMeanwhileError, ChecksFailError, Rules
from parvis.access.rules.doors import tools_of
from parvis.access.rules.forms import CellForm, CheckForm, EditorForm, PeriodForm, SavingForm
from parvis.access.rules.models import CoursePeriod, RuleCheck, RuleSet
from parvis.access.rules.presentation import (
    Names,
    affiliation_names,
    cell_words,
    change_parts,
    check_words,
    column_names,
    error_sentence,
    purpose_names,
    row_names,
    shown_rule,
)
from parvis.access.rules.presentation import (
    why as why_of,
)
from parvis.access.tools import Listed
from parvis.institutions.models import Group, Profile

PEOPLE_SHOWN = 500
GROUPS_A_PAGE = 40  # of those that have a rule in a column: as many fields as a person reads through

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("rule:view")
@require_GET
def matrix(request: SignedInRequest) -> HttpResponse:
    tools = tools_of(request.principal.institution_id)
    names = _names(request, tools)
    rules = actions.current(request.principal.institution_id, _titles(names))
    columns = [name for name in names.columns if name in rules.matrix]
    used = {row for cells in rules.matrix.values() for row in cells}
    rows = [row for row in names.rows if row in used or not _is_group(row)]
    context = {
        "columns": [(name, names.columns[name]) for name in columns],
        "rows": [
            (
                names.rows[row],
                [(name, rules.matrix[name].get(row), cell_words(rules.matrix[name].get(row))) for name in columns],
            )
            for row in rows
        ],
        "choices": [(one.column, names.columns[one.column]) for one in tools if one.column not in rules.matrix],
        "others": [shown_rule(rule, rules, names) for rule in rules.others],
        "number": rules.number,
    }
    return render(request, "access/rules/matrix.html", context)


@requires("rule:view")
@require_GET
def choose_column(request: SignedInRequest) -> HttpResponse:
    chosen = request.GET.get("outil", "")
    known = {one.column for one in tools_of(request.principal.institution_id)}
    return redirect("rules:column", chosen) if chosen in known else redirect("rules:matrix")


@requires("rule:edit")
@editing
def column(request: SignedInRequest, column: str) -> HttpResponse:
    tools = tools_of(request.principal.institution_id)
    names = _names(request, tools)
    if column not in names.columns:
        raise Http404
    rules = actions.current(request.principal.institution_id, _titles(names))
    kind = column.partition(":")[0]
    cells, periods = rules.matrix.get(column, {}), list(CoursePeriod.objects.visible_to(request.principal))

    def form_of(row: str, data: QueryDict | None = None) -> CellForm:
        return CellForm(data, prefix=row, label=names.rows[row], kind=kind, cell=cells.get(row), periods=periods)

    sent = {row: form_of(row, request.POST) for row in names.rows if _is_sent(request, row)}
    is_own = column not in KINDS
    as_others = is_own and "as_the_others" in request.POST
    is_right = as_others or all([form.is_valid() for form in sent.values()])
    goes_on = not {"add_group", "page"}.isdisjoint(request.POST)
    if request.method == "POST" and is_right and not goes_on:
        wanted = {row: cell for row, cell in cells.items() if row not in sent}
        wanted |= {row: cell for row, form in sent.items() if form.is_valid() and (cell := form.cell)}
        return _dry_run(request, actions.with_column(rules, column, None if as_others else wanted, _titles(names)), tools)
    page = _page_of_groups(request, [row for row in names.rows if _is_group(row) and row in cells])
    if "page" in request.POST:  # what was changed on another one stays, and only that
        sent = {row: form for row, form in sent.items() if not _is_group(row) or _is_changed(form, cells.get(row))}
    asked = request.POST.get("group", "") if "add_group" in request.POST else ""
    shown = {*page.object_list, *sent, asked}
    rows = [row for row in names.rows if not _is_group(row) or row in shown]
    context = {
        "title": names.columns[column],
        "forms": [sent.get(row) or form_of(row) for row in rows],
        "page": page,
        "is_own": is_own,
        "has_column": column in rules.matrix,
        "general": names.columns[kind],
        "is_wrong": not is_right,
        "groups": [(row, name) for row, name in names.rows.items() if row not in rows],
        "added": asked if asked in rows else "",
    }
    return render(request, "access/rules/column.html", context, status=200 if is_right else 422)


@requires("rule:edit")
@editing
def editor(request: SignedInRequest) -> HttpResponse:
    tools = tools_of(request.principal.institution_id)
    rules = actions.current(request.principal.institution_id, _titles(_names(request, tools)))
    form = EditorForm(request.POST or None, initial={"text": rules.text})
    error: RulesError | None = None
    if request.method == "POST" and form.is_valid():
        known = actions.known_names(request.principal.institution_id, tools)
        try:
            proposed = actions.with_text(rules, form.cleaned_data["text"].replace("\r\n", "\n"), known)
        except RulesError as refused:
            error = refused
        else:
            if not request.headers.get("HX-Request"):
                return _dry_run(request, proposed, tools)
    verdict = error_sentence(error) if error else ""
    context = {"form": form, "verdict": verdict, "faulty": _faulty(form, error), "checked": form.is_bound}
    if request.headers.get("HX-Request"):
        return render(request, "access/rules/editor.html#verdict", context)
    names = [(one.column, f'{one.tool.kind}::"{one.tool.id}"', one.name) for one in tools]
    groups = Group.objects.filter(institution=request.principal.institution_id)
    context |= {"tools": names, "groups": [(f'Group::"{group.id}"', group.name) for group in groups]}
    return render(request, "access/rules/editor.html", context, status=422 if form.is_bound else 200)


@requires("rule:edit")
@editing
def versions(request: SignedInRequest) -> HttpResponse:
    if request.method == "POST":
        return _save(request)
    rows = RuleSet.objects.visible_to(request.principal).select_related("author__person")
    return render(request, "access/rules/versions.html", {"versions": rows})


@requires("rule:edit")
@editing
def version(request: SignedInRequest, number: int) -> HttpResponse:
    """A version as it was saved; posting to it brings it back."""
    found = get_or_404(request.principal, "rule:edit", RuleSet, number=number)
    if request.method == "POST":
        try:
            saved = actions.restore(request.principal, found)
        except ChecksFailError as refused:
            messages.error(request, _checks_sentence(request, refused.checks))
        else:
            text = _("Version %(number)s is in force: it says what version %(former)s said.")
            messages.success(request, text % {"number": saved.number, "former": number})
        return redirect("rules:versions")
    latest = RuleSet.objects.visible_to(request.principal).first()
    return render(request, "access/rules/version.html", {"version": found, "in_force": found == latest})


@requires("rule:view")
@require_GET
def why(request: SignedInRequest) -> HttpResponse:
    institution_id = request.principal.institution_id
    listed, names, context = _tool_asked(request)
    words = request.GET.get("q", "").replace("\0", "").strip()[:120]
    purpose = request.GET.get("usage", "")
    people = _people(institution_id, words, request.GET.get("personne", ""))
    context |= {"query": words, "purposes": purpose_names(), "purpose": purpose}
    if listed and len(people) == 1:
        rules = actions.current(institution_id)
        given = actions.verdicts(institution_id, rules)
        asked = purpose if purpose in purpose_names() else ""
        context["why"] = why_of(given, rules, people[0], listed, names, timezone.now(), purpose=asked)
        context["profile_asked"] = people[0]
    elif listed and people:
        context["people"] = people[: actions.NAMES_SHOWN]
    elif listed and words:
        context["nobody"] = True
    return render(request, "access/rules/why.html", context)


@requires("rule:view")
@require_GET
def who(request: SignedInRequest) -> HttpResponse:
    institution_id = request.principal.institution_id
    listed, _all_names, context = _tool_asked(request)
    if listed:
        may, live = actions.users(institution_id, actions.current(institution_id), listed, timezone.now())
        rows = Profile.objects.filter(institution=institution_id, id__in=may).select_related("person")
        counts = {label: sum(1 for row in rows if row.role == role) for role, label in affiliation_names().items()}
        context |= {
            "count": len(may),
            "live_count": len(live),
            "counts": [(label, count) for label, count in counts.items() if count],
            "people": [(row, row.id in live) for row in rows.order_by("person__display_name", "id")[:PEOPLE_SHOWN]],
            "more": max(0, len(may) - PEOPLE_SHOWN),
        }
    return render(request, "access/rules/who.html", context)


@requires("rule:edit")
@editing
def checks(request: SignedInRequest) -> HttpResponse:
    institution_id = request.principal.institution_id
    tools = tools_of(institution_id)
    names = _names(request, tools)
    groups = {str(group.id): group for group in Group.objects.filter(institution=institution_id)}
    form = CheckForm(
        request.POST or None,
        affiliations=list(affiliation_names().items()),
        groups=[(key, group.name) for key, group in groups.items()],
        tools=[(one.column, names.columns[one.column]) for one in tools],
    )
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        values["group"] = groups.get(values["group"])
        actions.add_check(request.principal, **values)
        return redirect("rules:checks")
    broken = actions.failing(institution_id, actions.current(institution_id), tools, timezone.now())
    rows = RuleCheck.objects.visible_to(request.principal).select_related("group")
    context = {
        "form": form,
        "checks": [(row, check_words(row, names), row not in broken) for row in rows],
    }
    return render(request, "access/rules/checks.html", context, status=422 if form.is_bound else 200)


@requires("rule:edit")
@require_POST
def check_removal(request: SignedInRequest, check_id: int) -> HttpResponse:
    actions.remove_check(request.principal, get_or_404(request.principal, "rule:edit", RuleCheck, id=check_id))
    return redirect("rules:checks")


@requires("rule:edit")
@editing
def periods(request: SignedInRequest) -> HttpResponse:
    form = PeriodForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.set_period(request.principal, **form.cleaned_data)
        return redirect("rules:periods")
    rows = CoursePeriod.objects.visible_to(request.principal)
    context = {"form": form, "periods": rows}
    return render(request, "access/rules/periods.html", context, status=422 if form.is_bound else 200)


@requires("rule:edit")
@require_POST
def period_removal(request: SignedInRequest, period_id: int) -> HttpResponse:
    actions.remove_period(request.principal, get_or_404(request.principal, "rule:edit", CoursePeriod, id=period_id))
    return redirect("rules:periods")


def _save(request: SignedInRequest) -> HttpResponse:
    tools = tools_of(request.principal.institution_id)
    form = SavingForm(request.POST)
    asked = form.is_valid()
    proposed = _proposed(request, form, tools)
    if not asked:
        return _dry_run(request, proposed, tools, form)
    try:
        saved = actions.publish(request.principal, proposed, reason=form.cleaned_data["reason"])
    except ChangedMeanwhileError:
        messages.error(request, _("Nothing was saved: somebody changed the rules meanwhile. Here is what holds now."))
        return redirect("rules:matrix")
    except ChecksFailError:
        return _dry_run(request, proposed, tools, form)
    messages.success(request, _("Version %(number)s is in force from the next request on.") % {"number": saved.number})
    return redirect("rules:matrix")


def _proposed(request: SignedInRequest, form: SavingForm, tools: list[Listed]) -> Rules:
    """What the dry run showed. What a browser changed on the way is refused as if it were never asked."""
    values = form.cleaned_data
    try:
        matrix = matrices.from_json(values.get("matrix") or {})
        rules = Rules(values["text"], matrix, values["number"])
        known = actions.known_names(request.principal.institution_id, tools)
        return actions.with_text(rules, values["text"].replace("\r\n", "\n"), known)
    except (KeyError, TypeError, ValueError, AttributeError, RulesError):
        raise Http404 from None


def _is_sent(request: SignedInRequest, row: str) -> bool:
    """A group that a page did not show keeps its cell: hundreds of groups are no form."""
    return request.method == "POST" and (not _is_group(row) or f"{row}-state" in request.POST)


def _is_changed(form: CellForm, cell: Cell | None) -> bool:
    return not form.is_valid() or form.cell != cell


def _is_group(row: str) -> bool:
    return row.startswith("group:")


def _page_of_groups(request: SignedInRequest, ruled: list[str]) -> Page[str]:
    """Of those that have a rule in this column: the one that is asked for, or where one is."""
    return Paginator(ruled, GROUPS_A_PAGE).get_page(request.POST.get("page") or request.POST.get("shown"))


def _dry_run(request: SignedInRequest, proposed: Rules, tools: list[Listed], form: SavingForm | None = None) -> HttpResponse:
    """Who gains and who loses what, before anything is saved."""
    institution_id = request.principal.institution_id
    now = timezone.now()
    names = _names(request, tools)
    broken = actions.failing(institution_id, proposed, tools, now)
    values = {"text": proposed.text, "matrix": matrices.to_json(proposed.matrix), "number": proposed.number}
    context = {
        "changes": [
            (names.columns[change.tool.column], change_parts(change))
            for change in actions.changes(institution_id, proposed, tools, now)
        ],
        "broken": [check_words(check, names) for check in broken],
        "form": form or SavingForm(initial=values),
        "others": [shown_rule(rule, proposed, names) for rule in proposed.others],
    }
    return render(request, "access/rules/dry_run.html", context, status=422 if form else 200)


def _names(request: SignedInRequest, tools: list[Listed]) -> Names:
    return Names(row_names(request.principal.institution_id), column_names(tools))


def _titles(names: Names) -> dict[str, str]:
    return {**names.rows, **names.columns}


def _tool_asked(request: SignedInRequest) -> tuple[Listed | None, Names, dict[str, Any]]:
    """The tool that a page is asked about, if any, the names of all, and what its form shows of them."""
    tools = tools_of(request.principal.institution_id)
    names = _names(request, tools)
    chosen = next((one for one in tools if one.column == request.GET.get("outil")), None)
    return chosen, names, {"tools": [(one.column, names.columns[one.column]) for one in tools], "chosen": chosen}


def _people(institution_id: int, words: str, chosen: str) -> list[Profile]:
    rows = Profile.objects.filter(institution=institution_id, ended_at=None, role__in=AFFILIATIONS)
    rows = rows.select_related("person").order_by("person__display_name", "id")
    if chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
        return list(rows.filter(id=int(chosen)))
    return list(rows.filter(Q(person__display_name__icontains=words))[: actions.NAMES_SHOWN + 1]) if words else []


def _checks_sentence(request: SignedInRequest, broken: Any) -> str:
    names = _names(request, tools_of(request.principal.institution_id))
    listed = " ; ".join(check_words(check, names) for check in broken)
    return _("Nothing was saved: these rules break what must hold. %(checks)s") % {"checks": listed}


def _faulty(form: EditorForm, error: RulesError | None) -> str:
    """The line that cannot be saved, as it was written."""
    if error is None:
        return ""
    lines = str(form.cleaned_data["text"]).splitlines()
    return lines[error.line - 1].strip() if 0 < error.line <= len(lines) else ""
