"""The statement of the use of AI: made by who asked, checked by who is given it."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from parvis.access.doors import requires
from parvis.access.http import SignedInRequest
from parvis.access.rules.models import CoursePeriod
from parvis.assistants.statements import actions
from parvis.assistants.statements.files import WRITERS
from parvis.assistants.statements.forms import CheckForm, StatementForm
from parvis.corpora.ai_rule.models import Use
from parvis.corpora.models import Corpus

HALF_A_YEAR = timedelta(days=182)

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("statement:view")
@never_cache
@editing
def mine(request: SignedInRequest) -> HttpResponse:
    """Posting gives the file, and remembers its fingerprint."""
    courses = list(Corpus.objects.visible_to(request.principal).select_related("ai_rule").order_by("name"))
    counts = actions.asked_in(request.principal, courses)
    today = timezone.localdate()
    initial = {"first_date": _semester_begun(request, today), "last_date": today, "language": translation.get_language()}
    if request.GET.get("cours", "").isdecimal():
        initial["course"] = request.GET["cours"][:18]
    choices = [(course.id, course.name) for course in courses]
    form = StatementForm(request.POST or None, courses=choices, initial=initial)
    if request.method == "POST" and form.is_valid():
        return _file(request, form, {course.id: course for course in courses})
    context = {
        "form": form,
        "courses": [
            (course, counts[course.id], _rule(course))
            for course in courses
            if counts[course.id] or _rule(course) == Use.TRACED
        ],
        "may_check": request.principal.may("statement:check"),
    }
    return render(request, "assistants/statements/mine.html", context, status=422 if form.is_bound else 200)


@requires("statement:check")
@never_cache
@editing
def check(request: SignedInRequest) -> HttpResponse:
    """Nothing of the file is kept."""
    form = CheckForm(request.POST or None, request.FILES or None)
    checked = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        if values["file"]:
            checked = actions.check_file(request.principal, values["file"].read())
        else:
            checked = actions.check_fingerprint(request.principal, values["number"], values["fingerprint"])
    context = {"form": form, "checked": checked, "verdict": checked.verdict.value if checked else ""}
    return render(request, "assistants/statements/check.html", context, status=422 if form.errors else 200)


def _file(request: SignedInRequest, form: StatementForm, courses: dict[int, Corpus]) -> HttpResponse:
    values = form.cleaned_data
    write, content_type = WRITERS[values["format"]]
    with translation.override(values["language"]):
        statement, file = actions.make_statement(
            request.principal,
            request.profile,
            courses[values["course"]],
            first=values["first_date"],
            last=values["last_date"],
            write=write,
        )
    name = f"releve-ia-{statement.number.lower()}.{values['format']}"
    return HttpResponse(file, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _semester_begun(request: SignedInRequest, today: date) -> date:
    periods = CoursePeriod.objects.visible_to(request.principal).filter(starts_date__lte=today, ends_date__gte=today)
    current = periods.order_by("-starts_date").first()
    return current.starts_date if current else today - HALF_A_YEAR


def _rule(course: Corpus) -> str:
    return course.ai_rule.use if hasattr(course, "ai_rule") else ""
