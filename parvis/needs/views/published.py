"""Published needs, for anybody: vendors without an account, other universities, citizens."""

from __future__ import annotations

from dataclasses import asdict

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from parvis.access.doors import public
from parvis.isolation.scope import everywhere
from parvis.needs.actions.published import PublishedNeed, published_needs
from parvis.needs.models import HarmonisedState, Level


@public
@everywhere("public pages")
@require_GET
def needs(request: HttpRequest) -> HttpResponse:
    return render(request, "needs/published_list.html", {"needs": [_view(one) for one in published_needs()]})


@public
@everywhere("public pages")
@require_GET
def need(request: HttpRequest, number: int) -> HttpResponse:
    found = published_needs(number)
    if not found:
        raise Http404
    return render(request, "needs/published.html", _view(found[0]))


@public
@everywhere("public pages")
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """Every published need as JSON: the words of the pages, in UTF-8, instants in ISO 8601."""
    response = JsonResponse({"needs": [asdict(one) for one in published_needs()]}, json_dumps_params={"ensure_ascii": False})
    response.headers["Content-Disposition"] = 'attachment; filename="besoins-publies.json"'
    return response


def _view(one: PublishedNeed) -> dict[str, object]:
    levels = dict(Level.choices)
    lines = [(line, levels.get(line.level, line.level)) for line in one.specification.requirements]
    return {
        "need": one,
        "number": int(one.code.removeprefix("BH-")),
        "words": one.specification,
        "requirements": lines,
        "state": HarmonisedState(one.state).label,
        "has_invented": any(who.is_invented for who in one.signatories),
    }
