"""The tree of budgets, who is near a limit, and one's own remainder."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.access.rights import permits
from parvis.institutions.models import Profile, Role
from parvis.ledger.budgets.actions import limits, overview
from parvis.ledger.budgets.actions import tree as places
from parvis.ledger.budgets.actions.resolution import semester_days
from parvis.ledger.budgets.forms import BudgetForm, LimitForm, PlaceForm, TermsForm, in_typed_unit
from parvis.ledger.budgets.models import Budget, Node
from parvis.ledger.budgets.periods import semester_starts
from parvis.ledger.budgets.presentation import NEAR, counted, gauge, left, title
from parvis.ledger.crowd import K

PER_PAGE = 50
MOST_PEOPLE = 20

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("budget:view")
@require_GET
def tree(request: SignedInRequest) -> HttpResponse:
    now = timezone.now()
    branches = [
        (branch.node, branch.depth, [(title(budget), gauge(budget, spent)) for budget, spent in branch.budgets])
        for branch in overview.tree(request.principal, now)
    ]
    context = {
        "branches": branches,
        "from_above": [gauge(budget, spent) for budget, spent in overview.from_above(request.principal, now)],
        "has_budgets": any(budgets for _node, _depth, budgets in branches),
        "near_count": overview.near(request.principal, now, percent=NEAR).count,
        "is_alliance": request.principal.may("budget:coordinate"),
        "may_set": permits(request.principal, "budget:edit"),
    }
    return render(request, "budgets/tree.html", context)


@requires("budget:view")
@require_GET
def near(request: SignedInRequest) -> HttpResponse:
    found = overview.near(request.principal, timezone.now(), percent=NEAR)
    page = Paginator(found.named, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [(row.node, gauge(row.budget, row)) for row in page],
        "crowds": [(title(budget), people) for budget, people in found.crowds] if page.number == 1 else [],
        "least": K,
        "page": page,
        "percent": NEAR,
    }
    return render(request, "budgets/near.html", context)


@requires("budget:own")
@require_GET
def own(request: SignedInRequest) -> HttpResponse:
    found = overview.remaining(request.profile, timezone.now())
    rows = [(left(budget, spent), gauge(budget, spent)) for budget, spent in found]
    context = {"rows": rows, "may_see_use": request.principal.may("usage:view")}
    return render(request, "budgets/own.html", context)


@requires("budget:edit")
@editing
def new(request: SignedInRequest) -> HttpResponse:
    chosen = {"place": request.GET.get("place")}
    form = BudgetForm(request.POST or None, principal=request.principal, initial=chosen)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        budget = limits.set_budget(
            cleaned.get("place") or _root(request),
            measure=cleaned["measure"],
            period=cleaned["period"],
            limit=cleaned["amount"],
            each=cleaned["each"],
            way_down=cleaned["way_down"],
            counts_earlier=cleaned["counts_earlier"],
            actor=request.principal.actor,
        )
        said = _("%(budget)s: it holds from now on.") % {"budget": title(budget)}
        messages.info(request, f"{said} {_earlier(request, budget)}".strip())
        return redirect("budgets:tree")
    return render(request, "budgets/form.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("budget:edit")
@editing
def edit(request: SignedInRequest, budget_id: int) -> HttpResponse:
    budget = get_or_404(request.principal, "budget:edit", Budget, id=budget_id, ended_at=None)
    initial = {"amount": in_typed_unit(budget), "way_down": budget.way_down}
    form = LimitForm(request.POST or None, measure=budget.measure, initial=initial)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        limits.change_budget(budget, limit=cleaned["amount"], way_down=cleaned["way_down"], actor=request.principal.actor)
        messages.info(request, _("%(budget)s: it holds from now on.") % {"budget": title(budget)})
        return redirect("budgets:tree")
    context = {"form": form, "budget": budget, "title": title(budget), "node": budget.node}
    return render(request, "budgets/form.html", context, status=422 if form.is_bound else 200)


@requires("budget:edit")
@require_POST
def end(request: SignedInRequest, budget_id: int) -> HttpResponse:
    budget = get_or_404(request.principal, "budget:edit", Budget, id=budget_id)
    limits.end_budget(budget, actor=request.principal.actor)
    messages.info(request, _("%(budget)s: it limits nothing any more.") % {"budget": title(budget)})
    return redirect("budgets:tree")


@requires("budget:oversee")
@editing
def place_new(request: SignedInRequest) -> HttpResponse:
    form = PlaceForm(request.POST or None, principal=request.principal)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        parent = cleaned["parent"] or _root(request)
        actor = request.principal.actor
        node = places.add_place(parent, cleaned["kind"], name=cleaned["name"], group=cleaned["group"], actor=actor)
        return redirect(f"{reverse('budgets:new')}?place={node.id}")
    return render(request, "budgets/place.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("budget:oversee")
@editing
def place_edit(request: SignedInRequest, node_id: int) -> HttpResponse:
    node = get_or_404(request.principal, "budget:edit", Node, id=node_id)
    if node.kind not in PlaceForm.base_fields["kind"].choices and not node.name:  # type: ignore[attr-defined]
        raise Http404
    initial = {"name": node.name, "group": node.group_id}
    form = PlaceForm(request.POST or None, principal=request.principal, instance=node, initial=initial)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        places.edit_place(node, name=cleaned["name"], group=cleaned["group"], actor=request.principal.actor)
        return redirect("budgets:tree")
    return render(request, "budgets/place.html", {"form": form, "node": node}, status=422 if form.is_bound else 200)


@requires("budget:oversee")
@editing
def people(request: SignedInRequest) -> HttpResponse:
    """Somebody, or an application, for whom a budget is to be set: found by name, then they have a place."""
    rows = Profile.objects.filter(institution=request.principal.institution_id, ended_at=None).select_related("person")
    if request.method == "POST":
        profile = rows.filter(id=_number(request.POST.get("profile"))).first()
        if profile is None:
            raise Http404
        return redirect(f"{reverse('budgets:new')}?place={places.place_of_profile(profile).id}")
    query = request.GET.get("q", "").strip()
    found = rows.filter(person__display_name__icontains=query).order_by("person__display_name")[:MOST_PEOPLE] if query else []
    return render(request, "budgets/people.html", {"query": query, "found": found, "app": Role.APP})


@requires("budget:edit")
@editing
def terms(request: SignedInRequest) -> HttpResponse:
    institution_id = request.principal.institution_id
    days = semester_starts(timezone.localdate(), semester_days(institution_id))
    form = TermsForm(request.POST or None, days=days)
    if request.method == "POST" and form.is_valid():
        places.set_terms(institution_id, form.days, actor=request.principal.actor)
        messages.info(request, _("Budgets of a semester begin again on these days."))
        return redirect("budgets:tree")
    return render(request, "budgets/terms.html", {"form": form}, status=422 if form.is_bound else 200)


def _earlier(request: SignedInRequest, budget: Budget) -> str:
    """What is said of what was spent before."""
    if budget.each:
        return _("What each had spent already in the running period is counted.") if budget.counts_earlier else ""
    account = overview.account_of(request.principal, budget, timezone.now())
    return counted(budget, account) if account else ""


def _root(request: SignedInRequest) -> Node:
    if request.principal.may("budget:coordinate"):
        return places.alliance()
    return places.place_of_institution(request.principal.institution_id)


def _number(written: str | None) -> int:
    return int(cast(str, written)) if (written or "").isdecimal() and len(written or "") < 19 else 0
