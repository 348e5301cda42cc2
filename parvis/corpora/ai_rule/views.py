from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.corpora.ai_rule import actions
from parvis.corpora.ai_rule.forms import RuleForm
from parvis.corpora.ai_rule.models import CourseRule, Use
from parvis.corpora.models import Corpus


@requires("corpus:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    corpus = get_or_404(request.principal, "corpus:edit", Corpus, id=corpus_id)
    rule = CourseRule.objects.visible_to(request.principal).filter(corpus=corpus).first()
    initial = {"use": rule.use if rule else Use.ALLOWED, "words": rule.words if rule else ""}
    form = RuleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        actions.set_rule(request.principal, corpus, **form.cleaned_data)
        messages.info(request, _("The rule holds from the next question on."))
        return redirect("corpora:detail", corpus.id)
    context = {"form": form, "corpus": corpus}
    return render(request, "corpora/ai_rule.html", context, status=422 if form.is_bound else 200)
