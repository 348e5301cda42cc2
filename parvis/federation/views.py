"""Where one says where one comes from; the way to one's institution and back; and its administrator's pages."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from parvis.access.doors import get_or_404, public, requires
from parvis.access.http import SignedInRequest
from parvis.access.secrets import SecretUnreadableError
from parvis.access.sign_in import ELSEWHERE_KEY, open_session, prove, safe_next
from parvis.federation import actions, cas, flows, oidc
from parvis.federation.actions import Arrived
from parvis.federation.attributes import BY_NAME, KNOWN, Correspondence, Identity, read
from parvis.federation.failure import AWAY, SignInError
from parvis.federation.flows import Intent
from parvis.federation.forms import SourceForm
from parvis.federation.models import Account, Federation, Kind, SignInSource
from parvis.federation.outbound import while_waiting
from parvis.federation.provisioning.suspension import suspend_or_restore
from parvis.federation.saml import actions as saml
from parvis.federation.sentences import detail, sentence
from parvis.institutions.models import ROLES_OF, Nature, Role
from parvis.isolation.scope import everywhere
from parvis.retrieval.analysis import fold

log = logging.getLogger("parvis.sign_in")
REMEMBERED = "parvis_source"  # cookie: the source last used with this browser
REMEMBERED_SECONDS = 365 * 86_400
_PENDING = "linking"  # in the session: the account that waits for a yes
SHOWN = 30
ACCOUNTS_A_PAGE = 50


# Where are you from?


@public
@everywhere("sign-in")
@never_cache
@require_safe
def choice(request: HttpRequest) -> HttpResponse:
    sources = sorted(actions.offered_sources(), key=lambda source: fold(source.institution.name))
    query = request.GET.get("q", "").strip()[:100]
    found = [source for source in sources if _is_named(source, query)]
    kept = request.COOKIES.get(REMEMBERED, "")
    context = {
        "remembered": next((source for source in sources if str(source.id) == kept), None),
        "sources": found[:SHOWN],
        "more": len(found) - SHOWN,
        "query": query,
        "is_searchable": len(sources) > 6,
        "next": safe_next(request),
        "following": _following(safe_next(request)),
    }
    return render(request, "federation/choice.html", context)


@public
@everywhere("sign-in")
@cache_control(max_age=3600, public=True)
@require_safe
def logo(request: HttpRequest, source_id: int) -> HttpResponse:
    image = actions.logo_of(source_id)
    if not image:
        raise Http404
    return HttpResponse(image, content_type="image/png")


# There and back


@public
@everywhere("sign-in")
@never_cache
@require_GET
def start(request: HttpRequest, source_id: int) -> HttpResponse:
    """A link, not a form: the policy of the pages lets no form lead outside."""
    source = actions.offered(source_id)
    if source is None:
        raise Http404
    return _leave(request, source, Intent.SIGN_IN, target=safe_next(request))


@public
@everywhere("sign-in")
@never_cache
@csrf_exempt  # a server that ends a session has no cookie: the ticket that it names is what it proves itself with
@require_http_methods(["GET", "POST"])
def back(request: HttpRequest, source_id: int) -> HttpResponse:
    source = actions.source_of(source_id)
    if source is None:
        raise Http404
    if request.method == "POST":
        return _single_logout(request, source)
    intent = ""
    try:
        flow = flows.finish(request, source.id, request.GET.get("state", ""))
        intent = flow.intent
        if not (_may_edit(request, source) if intent == Intent.TRIAL else source.is_active):
            raise Http404
        proof = _proof(request, source, flow)
        if intent == Intent.TRIAL:
            return _trial(request, source, proof)
        if intent == Intent.LINK:
            return _ask_to_link(request, source, proof)
        return _sign_in(request, source, proof, flow.next)
    except SignInError as error:
        log.warning("Sign-in source %s: %s", source.id, error)
        return _refused(request, source, error, intent)


@public
@everywhere("sign-in")
@csrf_exempt  # the token is signed by the provider
@require_POST
def back_channel(request: HttpRequest, source_id: int) -> HttpResponse:
    """OpenID Connect Back-Channel Logout 1.0."""
    source = actions.source_of(source_id)
    if source is None or source.kind != Kind.OIDC:
        raise Http404
    try:
        token = request.POST.get("logout_token", "")
        settings = _oidc(source)
        ordered = oidc.back_channel_logout(settings, actions.outbound(), token)
        subject, session = async_to_sync(while_waiting)(ordered, settings.issuer)
    except SignInError as error:
        log.warning("Logout by sign-in source %s refused: %s", source.id, error)
        return HttpResponse("invalid logout_token", status=400, content_type="text/plain")
    key = subject if source.correspondence.key == "sub" else ""
    actions.end_sessions(source, name=session, key=key)
    response = HttpResponse(status=200)
    response["Cache-Control"] = "no-store"
    return response


# One's accounts


@requires("account:link")
@everywhere("sign-in")
@never_cache
@require_GET
def accounts(request: SignedInRequest) -> HttpResponse:
    """One person, several institutions: each account brings its profiles, and one switches between them."""
    own = list(actions.accounts_of(request.principal.person_id))
    held = {account.source_id for account in own}
    others = [source for source in actions.offered_sources() if source.id not in held]
    return render(request, "federation/accounts.html", {"accounts": own, "sources": others})


@requires("account:link")
@everywhere("sign-in")
@never_cache
@require_GET
def link(request: SignedInRequest, source_id: int) -> HttpResponse:
    source = actions.offered(source_id)
    if source is None or request.profile.person.is_invented:
        raise Http404
    return _leave(request, source, Intent.LINK, target=reverse("federation:accounts"))


@requires("account:link")
@everywhere("sign-in")
@require_POST
def linking(request: SignedInRequest) -> HttpResponse:
    """Confirmed by hand: whoever led a browser to another's account has not led its owner to say yes."""
    pending = request.session.pop(_PENDING, None)
    source = actions.offered(pending["source"]) if pending else None
    if not pending or source is None or pending["person"] != request.principal.person_id:
        raise Http404
    values = pending["identity"]
    roles = tuple((role, words) for role, words in values["roles"])
    identity = Identity(**values | {"roles": roles, "groups": tuple(values["groups"])})
    try:
        actions.arrive(source, identity, now=timezone.now(), person=request.profile.person)
    except SignInError as error:
        return _refused(request, source, error, Intent.LINK)
    prove(request, source.institution_id)
    messages.success(request, _("%(name)s is one of your accounts now.") % {"name": source.name})
    return redirect("federation:accounts")


# The administrator's pages


@requires("source:view")
@require_GET
def list_sources(request: SignedInRequest) -> HttpResponse:
    rows = SignInSource.objects.visible_to(request.principal).defer("logo")
    kinds = [(kind.value, kind.label) for kind in Kind]
    federations = Federation.objects.visible_to(request.principal)
    return render(request, "federation/list.html", {"sources": rows, "federations": federations, "kinds": kinds})


@requires("source:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: SignedInRequest, kind: str) -> HttpResponse:
    if kind == Kind.SAML:
        return redirect("saml:choice")
    if kind not in Kind.values:
        raise Http404
    form = _form(request, kind, None)
    if request.method == "POST" and form.is_valid():
        source = actions.add_source(request.principal, form.values)
        messages.info(request, _("%(name)s is saved. Try it, then switch it on.") % {"name": source.name})
        return redirect("federation:source", source.id)
    return _form_page(request, form, kind, None)


@requires("source:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, source_id: int) -> HttpResponse:
    source = _editable(request, source_id)
    form = _form(request, source.kind, source)
    if request.method == "POST" and form.is_valid():
        actions.edit_source(request.principal, source, form.values)
        messages.info(request, _("%(name)s is saved.") % {"name": source.name})
        return redirect("federation:source", source.id)
    return _form_page(request, form, source.kind, source)


@requires("source:view")
@require_GET
def source(request: SignedInRequest, source_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "source:view", SignInSource, id=source_id)
    accounts = Account.objects.visible_to(request.principal).filter(source=row).select_related("person").with_suspension()
    query = request.GET.get("q", "").strip()[:100]
    if query:
        accounts = accounts.filter(person__display_name__icontains=query)
    context = {
        "source": row,
        "is_cas": row.kind == Kind.CAS,
        "saml": saml.standing_of(row) if row.kind == Kind.SAML else None,
        "registered": {
            "back": _address(request, "federation:back", row.id),
            "logout": _address(request, "access:signed_out"),
            "back_channel": _address(request, "federation:back_channel", row.id),
        },
        "page": Paginator(accounts, ACCOUNTS_A_PAGE).get_page(request.GET.get("page")),
        "query": query,
        "kept_query": urlencode({"q": query}) + "&" if query else "",
    }
    return render(request, "federation/source.html", context)


@requires("source:edit")
@never_cache
@require_GET
def trial(request: SignedInRequest, source_id: int) -> HttpResponse:
    """Goes there and back as a person would; opens no session, and keeps nothing of what arrived."""
    row = _editable(request, source_id)
    return _leave(request, row, Intent.TRIAL, target=reverse("federation:source", args=[row.id]))


@requires("source:edit")
@require_POST
def activation(request: SignedInRequest, source_id: int) -> HttpResponse:
    row = _editable(request, source_id)
    actions.activate_source(request.principal, row, is_active=request.POST.get("active") == "1")
    return redirect("federation:source", row.id)


@requires("source:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def deletion(request: SignedInRequest, source_id: int) -> HttpResponse:
    row = _editable(request, source_id)
    if request.method == "POST":
        actions.delete_source(request.principal, row, now=timezone.now())
        messages.info(request, _("%(name)s is removed: its accounts open nothing here any more.") % {"name": row.name})
        return redirect("federation:list")
    return render(request, "federation/deletion.html", {"source": row, "accounts": row.accounts.count()})


@requires("source:edit")
@require_POST
def suspension(request: SignedInRequest, account_id: int) -> HttpResponse:
    account = get_or_404(request.principal, "source:edit", Account, id=account_id)
    suspend_or_restore(request, account.person)
    return redirect("federation:source", account.source_id)


# What came back


@dataclass(frozen=True)
class Proof:
    """What the source says of who comes back. `session`: the name under which it will end the session; `subject`: of whom it
    will say so; `outside`: attributes whose values of another domain were refused."""

    attributes: Mapping[str, Sequence[str]]
    session: str
    elsewhere: str
    subject: str = ""
    outside: Sequence[str] = ()


def _leave(request: HttpRequest, source: SignInSource, intent: Intent, *, target: str) -> HttpResponse:
    state, flow = flows.begin(request, source.id, target=target, intent=intent)
    try:
        if source.kind == Kind.CAS:
            return HttpResponseRedirect(cas.login_address(source.cas, service=_service(request, source, state)))
        if source.kind == Kind.SAML:
            return HttpResponseRedirect(saml.sign_in_address(source, nonce=flow.nonce, state=state))
        address = async_to_sync(oidc.login_address)(
            _oidc(source),
            actions.outbound(),
            redirect_uri=_address(request, "federation:back", source.id),
            state=state,
            nonce=flow.nonce,
            verifier=flow.verifier,
        )
        return HttpResponseRedirect(address)
    except SignInError as error:
        log.warning("Sign-in source %s: %s", source.id, error)
        again = request.get_full_path() if error.code in AWAY and intent == Intent.SIGN_IN else ""
        return _refused(request, source, error, intent, again=again)


def _proof(request: HttpRequest, source: SignInSource, flow: flows.Flow) -> Proof:
    if source.kind == Kind.SAML:
        if refusal := request.GET.get("refus"):
            raise saml.refusal_of(refusal)
        taken = saml.take(source, request.GET.get("reponse", ""), nonce=flow.nonce)
        return Proof(taken.attributes, taken.session, taken.elsewhere, taken.subject, taken.outside)
    if source.kind == Kind.CAS:
        ticket = request.GET.get("ticket", "")
        service = _service(request, source, request.GET["state"])
        validation = cas.validate(source.cas, actions.outbound(), ticket=ticket, service=service)
        attributes = async_to_sync(while_waiting)(validation, source.cas.server)
        return Proof(attributes, session=ticket, elsewhere=source.cas.logout)
    settings = _oidc(source)
    return async_to_sync(while_waiting)(_proof_of_oidc(request, source, settings, flow), settings.issuer)


async def _proof_of_oidc(request: HttpRequest, source: SignInSource, settings: oidc.OidcSettings, flow: flows.Flow) -> Proof:
    outbound = actions.outbound()
    arrival = await oidc.arrive(
        settings,
        outbound,
        request.GET.dict(),
        redirect_uri=_address(request, "federation:back", source.id),
        nonce=flow.nonce,
        verifier=flow.verifier,
    )
    back = _address(request, "access:signed_out")
    elsewhere = await oidc.logout_address(settings, outbound, id_token=arrival.id_token, back=back)
    return Proof(arrival.attributes, session=arrival.session, elsewhere=elsewhere)


def _sign_in(request: HttpRequest, source: SignInSource, proof: Proof, target: str) -> HttpResponse:
    identity = _identity(proof, source)
    with transaction.atomic():  # an erasure waits for the end of it, then takes all that it made
        arrived = actions.arrive(source, identity, now=timezone.now())
        if arrived.profile is not None:
            _open_session(request, source, proof, arrived)
    if arrived.profile is None:  # what the source no longer gives is taken back all the same
        raise SignInError("no_role")
    response = HttpResponseRedirect(target)
    response.set_cookie(
        REMEMBERED,
        str(source.id),
        max_age=REMEMBERED_SECONDS,
        path=reverse("federation:choice"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _open_session(request: HttpRequest, source: SignInSource, proof: Proof, arrived: Arrived) -> None:
    former = request.session.session_key or ""
    proven = actions.proven_by(arrived.account)
    open_session(request, arrived.person, arrived.profile, proven=proven, sign_in_source=source.id)
    if proof.elsewhere:
        request.session[ELSEWHERE_KEY] = [source.name, proof.elsewhere]
    request.session.save()
    key = request.session.session_key or ""
    named = {"subject": proof.subject, "former": former}
    actions.remember_session(arrived.account, key, proof.session, **named, now=timezone.now())


def _trial(request: HttpRequest, source: SignInSource, proof: Proof) -> HttpResponse:
    mapping = source.correspondence
    identity: Identity | None = None
    problem: SignInError | None = None
    try:
        identity = _identity(proof, source)
    except SignInError as error:
        problem = error
    allowed = ROLES_OF[Nature(source.institution.nature)]
    context = {
        "source": source,
        "identity": identity,
        "roles": [(Role(role).label, words) for role, words in identity.roles if role in allowed] if identity else [],
        "problem": sentence(problem) if problem else "",
        "detail": detail(problem) if problem else "",
        "attributes": [(name, values, *_use(name, mapping)) for name, values in sorted(proof.attributes.items())],
        "outside": proof.outside,
    }
    return render(request, "federation/trial.html", context)


def _identity(proof: Proof, source: SignInSource) -> Identity:
    mapping = source.correspondence
    if mapping.key in proof.outside:
        raise SignInError("scope", mapping.key)
    return read(proof.attributes, mapping)


def _use(name: str, mapping: Correspondence) -> tuple[str, str]:
    """(what an attribute serves here, level of the tag that says it)."""
    if name in BY_NAME and BY_NAME[name].is_personal:
        return _("personal: ask that it be no longer sent"), "bad"
    if name == mapping.key:
        return _("recognises the person"), "good"
    if name in mapping.needed:
        return _("used"), "good"
    return _("not needed, not kept"), ""


def _ask_to_link(request: HttpRequest, source: SignInSource, proof: Proof) -> HttpResponse:
    principal = getattr(request, "principal", None)
    if principal is None:
        raise SignInError("state")
    identity = _identity(proof, source)
    request.session[_PENDING] = {"source": source.id, "person": principal.person_id, "identity": asdict(identity)}
    return render(request, "federation/linking.html", {"source": source, "identity": identity})


def _refused(request: HttpRequest, source: SignInSource, error: SignInError, intent: str, *, again: str = "") -> HttpResponse:
    is_trial = intent == Intent.TRIAL
    context = {
        "source": source,
        "sentence": sentence(error),
        "detail": detail(error) if is_trial else "",
        "is_trial": is_trial,
        "again": again,
        "other_ways": reverse("federation:accounts") if intent == Intent.LINK else _other_ways(request),
    }
    return render(request, "federation/refused.html", context, status=403)


def _other_ways(request: HttpRequest) -> str:
    """Where every way to sign in is, and back from there to what was asked for."""
    return reverse("access:sign_in") + _following(safe_next(request))


def _single_logout(request: HttpRequest, source: SignInSource) -> HttpResponse:
    if source.kind != Kind.CAS:
        raise Http404
    try:
        ticket = cas.logout_ticket(request.POST.get("logoutRequest", "").encode())
    except SignInError as error:
        log.warning("Logout by sign-in source %s refused: %s", source.id, error)
        return HttpResponse(status=400)
    actions.end_sessions(source, name=ticket)
    return HttpResponse(status=204)


def _oidc(source: SignInSource) -> oidc.OidcSettings:
    try:
        return source.oidc
    except SecretUnreadableError as error:
        raise SignInError("secret") from error


def _service(request: HttpRequest, source: SignInSource, state: str) -> str:
    """The address that CAS gives a ticket for: the state in it ties the ticket to this browser."""
    return f"{_address(request, 'federation:back', source.id)}?{urlencode({'state': state})}"


def _address(request: HttpRequest, name: str, *args: int) -> str:
    return request.build_absolute_uri(reverse(name, args=args))


def _may_edit(request: HttpRequest, source: SignInSource) -> bool:
    principal = getattr(request, "principal", None)
    return bool(principal and SignInSource.objects.editable_by(principal).filter(id=source.id).exists())


def _editable(request: SignedInRequest, source_id: int) -> SignInSource:
    return get_or_404(request.principal, "source:edit", SignInSource, id=source_id)


def _form(request: SignedInRequest, kind: str, source: SignInSource | None) -> SourceForm:
    return SourceForm(
        request.POST or None,
        request.FILES or None,
        principal=request.principal,
        institution=request.profile.institution,
        kind=kind,
        instance=source,
    )


def _form_page(request: SignedInRequest, form: SourceForm, kind: str, source: SignInSource | None) -> HttpResponse:
    context = {
        "form": form,
        "source": source,
        "kind": Kind(kind).label,
        "attributes": [one.name for one in KNOWN if not one.is_personal],
    }
    return render(request, "federation/form.html", context, status=422 if form.is_bound else 200)


def _is_named(source: SignInSource, query: str) -> bool:
    institution = source.institution
    words = fold(f"{source.name} {institution.name} {institution.short_name} {institution.city}")
    return all(word in words for word in fold(query).split())


def _following(target: str) -> str:
    return "" if target == "/" else "?" + urlencode({REDIRECT_FIELD_NAME: target})
