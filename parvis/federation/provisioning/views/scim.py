"""SCIM 2.0 over HTTP (RFC 7644). One address for every institution: the token says whose users are meant, and what is foreign
is answered as what does not exist."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from pydantic import ValidationError
from scim2_models import (
    Context,
    ForbiddenException,
    InvalidFilterException,
    InvalidSyntaxException,
    InvalidValueException,
    ListResponse,
    Message,
    NotFoundException,
    PatchOp,
    PayloadTooLargeException,
    PreconditionFailedException,
    Resource,
    ResponseParameters,
    SCIMException,
    SearchRequest,
    TooManyException,
    UnauthorizedException,
    UniquenessException,
)

from parvis.access.doors import public
from parvis.federation.models import DirectoryEntry, DirectoryGroup
from parvis.federation.provisioning import resources, scim
from parvis.federation.provisioning.actions import directory
from parvis.federation.provisioning.actions.directory import Client
from parvis.federation.provisioning.actions.tokens import token_of
from parvis.federation.provisioning.filters import GROUP_COLUMNS, USER_COLUMNS, Conditions
from parvis.federation.provisioning.scim_sentences import detail, invalid, said
from parvis.isolation.scope import everywhere, within

MEDIA_TYPE = "application/scim+json"
LONGEST_FILTER = 10_000  # letters
FARTHEST = 1_000_000_000  # of startIndex: beyond, no database counts
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_BEARER = "bearer "
_NAMING = ("attributes", "excludedattributes")
_ANSWERS = {"PUT": Context.RESOURCE_REPLACEMENT_RESPONSE, "PATCH": Context.RESOURCE_PATCH_RESPONSE}

View = Callable[..., HttpResponse]


class _Method(SCIMException):
    status = 405


class _MediaType(SCIMException):
    status = 415


def _served(*methods: str) -> Callable[[View], View]:
    """A view for who shows a token; whatever they send, the answer is SCIM's."""

    def decorate(view: View) -> View:
        @public  # a program comes with a token, not with a session
        @csrf_exempt
        @never_cache
        @wraps(view)
        def served(request: HttpRequest, **kwargs: str) -> HttpResponse:
            try:
                with everywhere("identification"):
                    client = _client(request)
                if request.method not in methods:
                    raise _Method(detail=said("method", method=request.method or ""))
                with within(client.institution.id), scim.provider(keeps_mail=client.setup.keeps_mail):
                    response = view(request, client, **kwargs)
            except SCIMException as error:
                response = _refusal(error.status, error.scim_type, detail(error))
            except ValidationError as error:
                response = _refusal(*invalid(error))
            except RequestDataTooBig:
                sentence = said("too_large", limit=str(scim.MOST_BYTES / 1_000_000))
                response = _refusal(PayloadTooLargeException.status, "", sentence)
            except IntegrityError:  # two requests at the same instant
                response = _refusal(409, UniquenessException.scim_type, detail(UniquenessException()))
            except RecursionError:  # thousands of brackets in a filter or in JSON
                response = _refusal(400, InvalidSyntaxException.scim_type, said("not_json"))
            if response.status_code == 405:
                response["Allow"] = ", ".join(methods)
            patch_vary_headers(response, ["Authorization"])
            return response

        return served

    return decorate


@_served("GET")
def config(request: HttpRequest, client: Client) -> HttpResponse:
    _unfiltered(request)
    found = scim.provider(keeps_mail=client.setup.keeps_mail).config
    if found is None:
        raise NotFoundException
    return _answer(found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


@_served("GET")
def resource_types(request: HttpRequest, client: Client, name: str = "") -> HttpResponse:
    _unfiltered(request)
    return _described(scim.provider(keeps_mail=client.setup.keeps_mail).resource_types, name)


@_served("GET")
def schemas(request: HttpRequest, client: Client, name: str = "") -> HttpResponse:
    _unfiltered(request)
    return _described(scim.provider(keeps_mail=client.setup.keeps_mail).schemas, name)


@_served("GET", "POST")
def users(request: HttpRequest, client: Client) -> HttpResponse:
    made = scim.user_class(keeps_mail=client.setup.keeps_mail)
    wanted = _parameters(request, made)
    if request.method == "POST":
        user = made.model_validate(_payload(request, made), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        entry = directory.create_user(client, user, now=timezone.now())
        return _one(_user(request, client, entry), wanted, Context.RESOURCE_CREATION_RESPONSE, status=201)
    return _list(*_found_users(request, client, wanted), wanted)


@_served("GET", "PUT", "PATCH", "DELETE")
def user(request: HttpRequest, client: Client, uid: str) -> HttpResponse:
    if request.method == "DELETE":
        directory.delete_user(client, uid, partial(_must_match, request), now=timezone.now())
        return HttpResponse(status=204)
    made = scim.user_class(keeps_mail=client.setup.keeps_mail)
    wanted = _parameters(request, made)
    if request.method == "GET":
        entry = directory.user_or_404(client, uid)
        if _is_known(request, entry.version):
            return _unchanged(entry.version)
        return _one(_user(request, client, entry), wanted, Context.RESOURCE_QUERY_RESPONSE)

    def change(entry: DirectoryEntry) -> scim.User | None:
        _must_match(request, entry.version)
        changed: scim.User | None = _changed(request, made, _user(request, client, entry))
        return changed

    entry = directory.change_user(client, uid, change, now=timezone.now())
    return _one(_user(request, client, entry), wanted, _ANSWERS[request.method or ""])


@_served("GET", "POST")
def groups(request: HttpRequest, client: Client) -> HttpResponse:
    wanted = _parameters(request, scim.Group)
    if request.method == "POST":
        group = scim.Group.model_validate(_payload(request, scim.Group), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        kept = directory.create_group(client, group, now=timezone.now())
        return _one(_group(request, kept), wanted, Context.RESOURCE_CREATION_RESPONSE, status=201)
    return _list(*_found_groups(request, client, wanted), wanted)


@_served("GET", "PUT", "PATCH", "DELETE")
def group(request: HttpRequest, client: Client, uid: str) -> HttpResponse:
    if request.method == "DELETE":
        directory.delete_group(client, uid, partial(_must_match, request), now=timezone.now())
        return HttpResponse(status=204)
    wanted = _parameters(request, scim.Group)
    if request.method == "GET":
        kept = directory.group_or_404(client, uid)
        if _is_known(request, kept.version):
            return _unchanged(kept.version)
        found = resources.group(kept, _base(request), with_members=_shows(wanted, "members"))
        return _one(found, wanted, Context.RESOURCE_QUERY_RESPONSE)

    def change(kept: DirectoryGroup) -> scim.Group | None:
        _must_match(request, kept.version)
        changed: scim.Group | None = _changed(request, scim.Group, _group(request, kept))
        return changed

    kept = directory.change_group(client, uid, change, now=timezone.now())
    return _one(_group(request, kept), wanted, _ANSWERS[request.method or ""])


@_served("POST")
def search_users(request: HttpRequest, client: Client) -> HttpResponse:
    """What GET does, for questions too long or too private for an address (RFC 7644 §3.4.3)."""
    wanted = _search(request, scim.user_class(keeps_mail=client.setup.keeps_mail))
    return _list(*_found_users(request, client, wanted), wanted)


@_served("POST")
def search_groups(request: HttpRequest, client: Client) -> HttpResponse:
    wanted = _search(request, scim.Group)
    return _list(*_found_groups(request, client, wanted), wanted)


@_served("POST")
def search(request: HttpRequest, client: Client) -> HttpResponse:
    """Users, then groups."""
    both: Any = scim.user_class(keeps_mail=client.setup.keeps_mail) | scim.Group
    wanted = _search(request, both)
    users, people = _found_users(request, client, wanted)
    rest = SearchRequest[both](
        filter=wanted.filter,
        start_index=max(1, (wanted.start_index or 1) - people),
        count=_count(wanted) - len(users),
        attributes=wanted.attributes,
        excluded_attributes=wanted.excluded_attributes,
    )
    groups, others = _found_groups(request, client, rest)
    return _list(users + groups, people + others, wanted)


@_served("GET", "POST", "PUT", "PATCH", "DELETE")
def nothing(request: HttpRequest, client: Client, rest: str = "") -> HttpResponse:
    raise NotFoundException(detail=said("absent"))


# What arrives


def _client(request: HttpRequest) -> Client:
    given = request.headers.get("Authorization", "")
    written = given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""
    token = token_of(written, now=timezone.now()) if written else None
    if token is None:
        raise UnauthorizedException(detail=said("token"))
    return Client(token)


def _payload(request: HttpRequest, made: type[Resource[Any] | Message] | None = None) -> dict[str, Any]:
    if request.content_type not in (MEDIA_TYPE, "application/json"):
        raise _MediaType(detail=said("media_type"))
    try:
        found = json.loads(request.body, parse_constant=_no_number)
    except ValueError:
        raise InvalidSyntaxException(detail=said("not_json")) from None
    if not isinstance(found, dict) or not all(map(_is_storable, _texts(found))):
        raise InvalidSyntaxException(detail=said("not_json"))
    if made and str(made.__schema__).lower() not in [str(one).lower() for one in _listed(found.get("schemas"))]:
        raise InvalidSyntaxException(detail=said("unknown_schema"))
    return found


def _parameters(request: HttpRequest, made: Any) -> SearchRequest[Any]:
    """What a query asks for."""
    return _wanted(request.GET.dict(), made)


def _search(request: HttpRequest, made: Any) -> SearchRequest[Any]:
    return _wanted(_payload(request, SearchRequest), made)


def _wanted(given: Mapping[str, Any], made: Any) -> SearchRequest[Any]:
    """Raises where an order is asked for: answers have none."""
    if not all(map(_is_storable, _texts(dict(given)))):
        raise InvalidFilterException
    if len(str(given.get("filter", ""))) > LONGEST_FILTER:
        raise TooManyException
    if any(_named(value) > scim.MOST_NAMED for name, value in given.items() if name.lower() in _NAMING):
        raise TooManyException
    if any(name.lower() == "sortby" for name in given):
        raise InvalidValueException(detail=said("sorting"))
    known = {name.lower(): name for name in ("filter", "startIndex", "count", "attributes", "excludedAttributes")}
    return SearchRequest[made].model_validate(
        {known[name.lower()]: value for name, value in given.items() if name.lower() in known}
    )


def _named(value: object) -> int:
    """How many attributes a parameter names."""
    return value.count(",") + 1 if isinstance(value, str) else sum(_named(one) for one in _listed(value))


def _changed(request: HttpRequest, made: Any, resource: Any) -> Any:
    """The resource as it is asked to be; None when that changes nothing."""
    if request.method == "PUT":
        replacement = made.model_validate(_payload(request, made), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
        return replacement if replacement.replace(resource) else None
    payload = _payload(request, PatchOp)
    if any(len(_listed(value)) > scim.MOST_OPERATIONS for name, value in payload.items() if name.lower() == "operations"):
        raise TooManyException(detail=said("too_many_operations", limit=scim.MOST_OPERATIONS))
    patch: Any = PatchOp[made].model_validate(payload, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
    return resource if patch.patch(resource) else None


def _must_match(request: HttpRequest, version: int) -> None:
    """What was read is what is changed (RFC 7644 §3.14)."""
    wanted = request.headers.get("If-Match")
    if wanted and wanted != "*" and resources.tag(version) not in [one.strip() for one in wanted.split(",")]:
        raise PreconditionFailedException(detail=said("changed"))


def _is_known(request: HttpRequest, version: int) -> bool:
    held = request.headers.get("If-None-Match", "")
    return resources.tag(version) in [one.strip() for one in held.split(",")]


def _unfiltered(request: HttpRequest) -> None:
    """RFC 7644 §4: what the service is cannot be filtered."""
    if any(name.lower() == "filter" for name in request.GET):
        raise ForbiddenException(detail=said("filter_attribute", attribute="filter"))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _is_storable(text: str) -> bool:
    """No database takes a NUL, nor half of a letter of two."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_number(name: str) -> None:
    raise ValueError(name)  # NaN and the infinities are not JSON


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


# What is answered


def _user(request: HttpRequest, client: Client, entry: DirectoryEntry) -> scim.User:
    return resources.users([entry], _base(request), keeps_mail=client.setup.keeps_mail)[0]


def _group(request: HttpRequest, kept: DirectoryGroup) -> scim.Group:
    return resources.group(kept, _base(request))


def _base(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("provisioning:scim")).rstrip("/")


def _shows(wanted: ResponseParameters[Any], name: str) -> bool:
    """Whether a part that is long to fetch is asked for."""
    if wanted.attributes:
        return any(str(path).lower().rpartition(":")[2].partition(".")[0] == name for path in wanted.attributes)
    return name not in [str(path).lower().rpartition(":")[2] for path in wanted.excluded_attributes or ()]


def _found_users(request: HttpRequest, client: Client, wanted: SearchRequest[Any]) -> tuple[list[Any], int]:
    """(those of the page, how many there are in all)."""
    rows = client.users.filter(Conditions(USER_COLUMNS).visit(wanted.filter.ast)) if wanted.filter else client.users
    found = _part(rows, wanted)
    shows = _shows(wanted, "groups")
    return resources.users(
        found, _base(request), keeps_mail=client.setup.keeps_mail, with_groups=shows
    ), rows.distinct().count()


def _found_groups(request: HttpRequest, client: Client, wanted: SearchRequest[Any]) -> tuple[list[Any], int]:
    rows = client.groups.filter(Conditions(GROUP_COLUMNS).visit(wanted.filter.ast)) if wanted.filter else client.groups
    shows = _shows(wanted, "members")
    found = [resources.group(kept, _base(request), with_members=shows) for kept in _part(rows, wanted)]
    return found, rows.distinct().count()


def _part(rows: Any, wanted: SearchRequest[Any]) -> list[Any]:
    start = min(wanted.start_index or 1, FARTHEST) - 1
    return list(rows.order_by("id").distinct()[start : start + _count(wanted)])


def _count(wanted: SearchRequest[Any]) -> int:
    return scim.PAGE if wanted.count is None else min(wanted.count, scim.MOST_RESULTS)


def _described(rows: Any, name: str) -> HttpResponse:
    found = [row.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE) for row in rows]
    if not name:
        return _listed_answer(found, len(found), 1)
    one = next((row for row in found if row["id"] == name), None)
    if one is None:
        raise NotFoundException(detail=said("absent"))
    return _answer(one)


def _list(found: list[Any], total: int, wanted: SearchRequest[Any]) -> HttpResponse:
    dumped = [_dumped(one, wanted, Context.RESOURCE_QUERY_RESPONSE) for one in found]
    return _listed_answer(dumped, total, min(wanted.start_index or 1, FARTHEST))


def _listed_answer(found: list[Any], total: int, start: int) -> HttpResponse:
    schema = [str(ListResponse.__schema__)]
    named = {"totalResults": total, "startIndex": start, "itemsPerPage": len(found), "Resources": found}
    return _answer({"schemas": schema, **named})


def _one(resource: Any, wanted: ResponseParameters[Any], context: Context, *, status: int = 200) -> HttpResponse:
    response = _answer(_dumped(resource, wanted, context), status=status)
    response["ETag"] = resource.meta.version
    if status == 201:
        response["Location"] = str(resource.meta.location)
    return response


def _dumped(resource: Any, wanted: ResponseParameters[Any], context: Context) -> dict[str, Any]:
    found: dict[str, Any] = resource.model_dump(scim_ctx=context, response_parameters=wanted)
    return found


def _unchanged(version: int) -> HttpResponse:
    response = HttpResponse(status=304)
    response["ETag"] = resources.tag(version)
    return response


def _refusal(status: int, kind: str, sentence: str) -> HttpResponse:
    body = {"schemas": [ERROR], "status": str(status), "detail": sentence}
    response = _answer(body | ({"scimType": kind} if kind else {}), status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="Parvis"'
    return response


def _answer(body: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return HttpResponse(json.dumps(body, ensure_ascii=False), content_type=MEDIA_TYPE, status=status)
