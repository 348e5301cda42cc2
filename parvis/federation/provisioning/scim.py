"""SCIM 2.0 (RFC 7643, RFC 7644) as Parvis serves it: the attributes that have a use here, and no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Mutability,
    Pagination,
    Patch,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

MOST_RESULTS = 200
PAGE = 100
MOST_BYTES = 2_500_000  # of a request
MOST_CHANGES = 5_000  # members who come or go in one request: a few seconds
MOST_OPERATIONS = 200  # of one PATCH: each is checked against all that those before it left
MOST_NAMED = 100  # attributes that an answer is asked to hold, or to leave out
LONGEST = 120  # letters, of what is stored as text

# Clients send attributes that nothing here needs (telephones, addresses): they are left out, not refused. The two others are
# how Microsoft Entra writes its operations.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class Name(ComplexAttribute):
    formatted: str | None = None
    """The full name, formatted for display."""

    family_name: str | None = None
    """The family name."""

    given_name: str | None = None
    """The given name."""


class Role(ComplexAttribute):
    value: str | None = None
    """What the rules of the institution read: student, teacher, staff or its own words."""


class Email(ComplexAttribute):
    value: str | None = None
    """Where notices go. Never an identifier."""

    type: str | None = None
    """Its function, for example work."""

    primary: bool | None = None
    """Whether it is the one that is used."""


class Membership(ComplexAttribute):
    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The identifier of the group."""

    ref: Annotated[Reference[Group] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the group."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The name of the group."""


class User(Resource[Any]):
    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """Unique within the institution, whatever its case."""

    name: Name | None = None
    """The parts of the name."""

    display_name: str | None = None
    """The name shown to others."""

    user_type: str | None = None
    """What the rules of the institution may read."""

    active: bool | None = None
    """False closes every session at the next request."""

    roles: list[Role] | None = None
    """What the rules of the institution read."""

    groups: Annotated[list[Membership] | None, Mutability.read_only] = None
    """The groups that have this user as a member."""

    Name: ClassVar[type[ComplexAttribute]] = Name
    Roles: ClassVar[type[ComplexAttribute]] = Role
    Groups: ClassVar[type[ComplexAttribute]] = Membership


class UserWithMail(User):
    """For an institution that chose to keep addresses."""

    emails: list[Email] | None = None
    """Addresses: the primary one, or the first, receives notices."""

    Emails: ClassVar[type[ComplexAttribute]] = Email


UserWithMail.__name__ = "User"  # clients read it: both are what RFC 7643 calls so


class Member(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The identifier of a user."""

    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the user."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """Always User: a group holds no group."""


class Group(Resource[Any]):
    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """Unique within the institution."""

    members: list[Member] | None = None
    """Its users."""

    Members: ClassVar[type[ComplexAttribute]] = Member


for _model in (Membership, User, UserWithMail):  # they name Group: a filter finds no field in what is not built whole
    _model.model_rebuild()


def provider(*, keeps_mail: bool) -> ScimProvider:
    """What an institution's client may discover."""
    return _PROVIDERS[keeps_mail]


def user_class(*, keeps_mail: bool) -> type[User]:
    return UserWithMail if keeps_mail else User


def shown_name(user: User) -> str:
    """What others read: the name meant for it, else its parts, else the user name."""
    name = user.name
    both = " ".join(part for part in (name.given_name, name.family_name) if part) if name else ""
    return (user.display_name or (name and name.formatted) or both or user.user_name or "").strip()[:LONGEST]


def address(user: User) -> str:
    """The primary one, or the first; "" when none is kept."""
    emails: Sequence[Email] = getattr(user, "emails", None) or ()
    chosen = next((one for one in emails if one.primary), emails[0] if emails else None)
    return (chosen.value or "") if chosen else ""


def words(user_name: str, said: Mapping[str, Any], groups: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What rules read, by attribute, of a user as it is stored: clients say in one of two places what somebody is, and rules
    need not know which."""
    roles = (role.get("value") for role in said.get("roles") or ())
    return {
        "userName": (user_name,),
        "roles": tuple(word for word in (*roles, said.get("userType")) if word),
        "groups": tuple(groups),
    }


RULE_ATTRIBUTES = {"roles": "roles, userType", "groups": "groups", "userName": "userName"}  # and how they are shown

_CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=False),
    etag=ETag(supported=True),
    pagination=Pagination(cursor=False, index=True, default_page_size=PAGE, max_page_size=MOST_RESULTS),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="A token of the institution, made on its page of Parvis.",
            primary=True,
        )
    ],
)
_PROVIDERS = {
    keeps: ScimProvider(models=[user_class(keeps_mail=keeps), Group], config=_CONFIG, policy=POLICY) for keeps in (False, True)
}
