"""What is held about one person: which rows of which tables, by the declarations of all packages."""

# ruff: noqa: SLF001 - Django's documented names

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet

from parvis.access.principal import Principal
from parvis.federation.actions import institutions_of
from parvis.identity.models import Person
from parvis.identity.personal import nameless
from parvis.institutions.models import Institution, Profile
from parvis.isolation.scope import everywhere
from parvis.personal import Erased, Kept, Subject
from parvis.privacy.declarations import about_people

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Holding:
    """The rows of one table about a person."""

    table: str
    label: StrOrPromise
    count: int
    why: StrOrPromise = ""  # it stays; "" when it is erased with the person


@everywhere("personal data")
def subjects_of(person_id: int, *, with_shared: bool = False) -> list[Subject]:
    """The person as each institution that knows them does; erased in this order, the last knows that it is."""
    profiles = Profile.objects.filter(person=person_id).values_list("institution", "id")
    known = sorted({institution for institution, _ in profiles} | institutions_of(person_id))
    return [
        Subject(
            person_id,
            institution_id,
            frozenset(number for institution, number in profiles if institution == institution_id),
            is_last=institution_id == known[-1],
            with_shared=with_shared,
        )
        for institution_id in known
    ]


def own_subjects(principal: Principal, *, with_shared: bool = False) -> list[Subject]:
    """The person who asks, as the institutions know them whose sign-in their session went through: that of one opens nothing
    of another."""
    every = subjects_of(principal.person_id, with_shared=with_shared)
    shown = [one for one in every if principal.stands_before(one.institution_id)]
    return every if len(shown) == len(every) else [replace(one, is_last=False) for one in shown]


def known_elsewhere(principal: Principal) -> list[Institution]:
    """The others."""
    every = {one.institution_id for one in subjects_of(principal.person_id)}
    hidden = [one for one in every if not principal.stands_before(one)]
    return list(Institution.objects.filter(id__in=hidden).order_by("name"))


@everywhere("personal data")
def subject_in(person_id: int, institution_id: int) -> Subject | None:
    """As one institution knows them, None if it does not. It is the last when no other has a profile of them still open, nor
    an account by which they would come back."""
    every = subjects_of(person_id)
    found = next((one for one in every if one.institution_id == institution_id), None)
    if found is None:
        return None
    elsewhere = Profile.objects.filter(person=person_id, ended_at=None).exclude(institution=institution_id).exists()
    is_last = not elsewhere and not institutions_of(person_id) - {institution_id}
    return Subject(person_id, institution_id, found.profile_ids, is_last=is_last)


@everywhere("personal data")
def holdings(subject: Subject) -> list[Holding]:
    found = []
    for table, fate in about_people():
        if count := rows(table, fate, subject).count():
            found.append(Holding(table, fate.label, count, fate.why if isinstance(fate, Kept) else ""))
    return found


def rows(table: str, fate: Erased | Kept, subject: Subject) -> QuerySet[Any]:
    """Of this person, as this institution knows them."""
    model = models_by_table()[table]
    if fate.find is not None:
        return fate.find(subject)  # type: ignore[no-any-return]
    theirs = Q(pk__in=())
    for chain in fate.person:
        theirs |= _at(model, chain, subject)
    return model._base_manager.filter(theirs)


def clear(table: str, fate: Erased | Kept, subject: Subject) -> None:
    """Takes their name off the rows of others."""
    model = models_by_table()[table]
    for column in fate.cleared:
        model._base_manager.filter(_at(model, column, subject)).update(**{column: None})


def renumber(subject: Subject) -> int:
    """What stays here of somebody whom another institution knows is of a nameless person from now on: nothing leads from it to
    the name that is kept there. The number of that person."""
    nobody = nameless()
    Profile.objects.filter(id__in=subject.profile_ids).update(person=nobody)
    for table, fate in about_people():
        if not isinstance(fate, Kept):
            continue
        model = models_by_table()[table]
        for chain in fate.person:
            if chain != "pk" and "__" not in chain and _end_of(model, chain) is Person:
                model._base_manager.filter(_at(model, chain, subject)).update(**{chain: nobody})
    return nobody.id


def _at(model: type[Model], chain: str, subject: Subject) -> Q:
    target = _end_of(model, chain)
    if target is Profile:
        return Q(**{f"{chain}__in": subject.profile_ids})
    if target is not Person:
        raise TypeError(f"{model._meta.db_table}: {chain} leads to no person")
    own = Q(**{chain: subject.person_id})
    return own & Q(institution=subject.institution_id) if _has_institution(model) else own


def _end_of(model: type[Model], chain: str) -> type[Model]:
    current = model
    for name in chain.split("__"):
        current = current if name == "pk" else current._meta.get_field(name).related_model  # type: ignore[assignment]
    return current


def _has_institution(model: type[Model]) -> bool:
    try:
        return model._meta.get_field("institution").related_model is Institution
    except FieldDoesNotExist:
        return False


def models_by_table() -> dict[str, type[Model]]:
    return {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}


def columns(row: Model, omitted: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """What a row says, column by column, bytes left out."""
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.name not in omitted and not isinstance(value, bytes | memoryview):
            yield field.attname, value
