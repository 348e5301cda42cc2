"""Where providers post and send browsers; our metadata; and the pages where an administrator chooses whom to believe."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from parvis.access.doors import get_or_404, public, requires
from parvis.access.http import SignedInRequest
from parvis.access.sign_in import ELSEWHERE_KEY
from parvis.federation import actions as sources
from parvis.federation.attributes import KNOWN
from parvis.federation.failure import SignInError
from parvis.federation.forms import SourceForm
from parvis.federation.models import Kind, SignInSource
from parvis.federation.saml import actions
from parvis.federation.saml.forms import FederationForm, ProviderForm
from parvis.federation.saml.models import Entity, Federation
from parvis.federation.sentences import detail, entity_sentence, federation_sentence, sentence
from parvis.isolation.scope import everywhere
from parvis.retrieval.analysis import fold

log = logging.getLogger("parvis.sign_in")
SHOWN = 30


# What providers and federations reach


@public
@everywhere("sign-in")
@never_cache
@csrf_exempt  # another site posts here: what it posts is signed, and opens nothing before its browser comes for it
@require_POST
def landing(request: HttpRequest) -> HttpResponse:
    """The browser comes from another site, without its cookie: it is sent on to where it comes with it."""
    try:
        number, state = actions.relayed(request.POST.get("RelayState", ""))
        source = sources.source_of(number)
        if source is None or source.kind != Kind.SAML:
            raise SignInError("state")
    except SignInError as error:
        return _refused(request, error)
    try:
        came = {"reponse": actions.receive(source, request.POST.get("SAMLResponse", ""))}
    except SignInError as error:
        log.warning("Sign-in source %s: %s", source.id, error)
        came = {"refus": actions.refusal(error)}
    query = urlencode({"state": state, **came})
    return HttpResponseRedirect(f"{reverse('federation:back', args=[source.id])}?{query}", status=303)


@public
@everywhere("sign-in")
@never_cache
@require_safe
def metadata(request: HttpRequest) -> HttpResponse:
    return _described(None)


@public
@everywhere("sign-in")
@never_cache
@require_safe
def metadata_of_source(request: HttpRequest, source_id: int) -> HttpResponse:
    """For who runs one provider: asking for what this source needs, and nothing else."""
    source = sources.source_of(source_id)
    if source is None or source.kind != Kind.SAML:
        raise Http404
    return _described(source)


@public
@everywhere("sign-in")
@never_cache
@require_GET
def leave(request: HttpRequest) -> HttpResponse:
    """To the provider, to close the session there."""
    try:
        return HttpResponseRedirect(actions.leave_address(request.GET.get("jeton", "")))
    except SignInError as error:
        return _refused(request, error)


@public
@everywhere("sign-in")
@never_cache
@csrf_exempt  # signed by the provider
@require_http_methods(["GET", "POST"])
def logout(request: HttpRequest) -> HttpResponse:
    """Single logout, from either side: the provider's order, which its signature and not a form of ours makes safe to obey
    with GET, or its answer to ours."""
    query = request.META.get("QUERY_STRING", "") if request.method == "GET" else ""
    try:
        if "SAMLResponse" in (request.GET or request.POST):
            return _left(request, query)
        address = actions.logged_out(query, request.POST.get("SAMLRequest", ""))
    except SignInError as error:
        log.warning("Logout refused: %s", error)
        return _refused(request, error)
    return HttpResponseRedirect(address) if address else redirect("access:signed_out")


def _left(request: HttpRequest, query: str) -> HttpResponse:
    name = (request.session.get(ELSEWHERE_KEY) or [""])[0]
    if actions.is_left(query, request.POST.get("SAMLResponse", "")):
        request.session.pop(ELSEWHERE_KEY, None)
        if name:
            messages.info(request, _("Your session at %(name)s is closed too.") % {"name": name})
        return redirect("access:sign_in")
    return redirect("access:signed_out")


def _described(source: SignInSource | None) -> HttpResponse:
    try:
        body = actions.described(source)
    except SignInError:
        raise Http404 from None
    response = HttpResponse(body, content_type="application/samlmetadata+xml")
    response["Content-Disposition"] = 'inline; filename="parvis-metadata.xml"'
    return response


def _refused(request: HttpRequest, error: SignInError) -> HttpResponse:
    context = {"source": None, "sentence": sentence(error), "detail": "", "is_trial": False}
    return render(request, "federation/refused.html", context, status=403)


# The administrator's pages


@requires("source:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def choice(request: SignedInRequest) -> HttpResponse:
    """Where the provider's metadata come from: a federation, or the administrator's own hands."""
    form = ProviderForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            entity = actions.entity_by_hand(request.principal, form.body())
            return redirect("saml:add", entity.id)
        except SignInError as error:
            form.add_error(None, f"{sentence(error)} ({detail(error)})")
    federations = Federation.objects.visible_to(request.principal)
    context = {"federations": federations, "form": form}
    return render(request, "federation/saml/choice.html", context, status=422 if form.is_bound else 200)


@requires("source:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def add_federation(request: SignedInRequest) -> HttpResponse:
    form = FederationForm(request.POST or None, principal=request.principal)
    if request.method == "POST" and form.is_valid():
        federation = actions.add_federation(request.principal, form.values)
        return redirect("saml:federation", federation.id)
    return _federation_form(request, form, None)


@requires("source:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit_federation(request: SignedInRequest, federation_id: int) -> HttpResponse:
    federation = _federation(request, federation_id)
    form = FederationForm(request.POST or None, principal=request.principal, instance=federation)
    if request.method == "POST" and form.is_valid():
        actions.edit_federation(request.principal, federation, form.values)
        return redirect("saml:federation", federation.id)
    return _federation_form(request, form, federation)


@requires("source:edit")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def federation(request: SignedInRequest, federation_id: int) -> HttpResponse:
    """Its state, and its providers by name. Posting the name of an entity asks for it where there is no list."""
    row = _federation(request, federation_id)
    refusal: SignInError | None = None
    if request.method == "POST":
        try:
            entity = actions.entity_of(row, request.POST.get("entity", "").strip())
            return redirect("saml:add", entity.id)
        except SignInError as error:
            refusal = error
    query = request.GET.get("q", "").strip()[:100]
    entities = Entity.objects.visible_to(request.principal).filter(federation=row, is_hidden=False)
    count = entities.count()
    named = entities.named(fold(query)).defer("description").order_by("words", "id")  # they begin with the name, folded
    context = {
        "federation": row,
        "is_waiting": row.tried_at is None and (row.is_aggregate or count > 0),
        "problem": federation_sentence(row.problem) if row.problem else "",
        "detail": row.problem,
        "refusal": entity_sentence(refusal) if refusal else "",
        "refusal_detail": detail(refusal) if refusal else "",
        "count": count,
        "page": Paginator(named, SHOWN).get_page(request.GET.get("page")),
        "query": query,
        "kept_query": urlencode({"q": query}) + "&" if query else "",
        "asked": request.POST.get("entity", ""),
    }
    return render(request, "federation/saml/federation.html", context, status=422 if refusal else 200)


@requires("source:edit")
@require_POST
def reading(request: SignedInRequest, federation_id: int) -> HttpResponse:
    row = _federation(request, federation_id)
    actions.ask_to_read(row)
    return redirect("saml:federation", row.id)


@requires("source:edit")
@require_POST
def federation_removal(request: SignedInRequest, federation_id: int) -> HttpResponse:
    row = _federation(request, federation_id)
    if not actions.delete_federation(request.principal, row):
        messages.error(request, _("A sign-in source is still read in %(name)s: remove it first.") % {"name": row.name})
        return redirect("saml:federation", row.id)
    messages.info(request, _("%(name)s is removed.") % {"name": row.name})
    return redirect("federation:list")


@requires("source:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: SignedInRequest, entity_id: int) -> HttpResponse:
    """A source of one provider, already known."""
    entity = get_or_404(request.principal, "source:edit", Entity, id=entity_id)
    form = SourceForm(
        request.POST or None,
        request.FILES or None,
        principal=request.principal,
        institution=request.profile.institution,
        kind=Kind.SAML,
        entity=entity,
    )
    if request.method == "POST" and form.is_valid():
        source = sources.add_source(request.principal, form.values)
        messages.info(request, _("%(name)s is saved. Try it, then switch it on.") % {"name": source.name})
        return redirect("federation:source", source.id)
    context = {
        "form": form,
        "source": None,
        "entity": entity,
        "kind": entity.entity_id,
        "attributes": [one.name for one in KNOWN if not one.is_personal],
    }
    return render(request, "federation/form.html", context, status=422 if form.is_bound else 200)


def _federation(request: SignedInRequest, federation_id: int) -> Federation:
    return get_or_404(request.principal, "source:edit", Federation, id=federation_id)


def _federation_form(request: SignedInRequest, form: FederationForm, row: Federation | None) -> HttpResponse:
    context = {"form": form, "federation": row}
    return render(request, "federation/saml/federation_form.html", context, status=422 if form.is_bound else 200)
