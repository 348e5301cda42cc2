"""Who acts in the demonstration, found by the slug of their institution and their role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from parvis.access.middleware import principal_of
from parvis.access.principal import Principal
from parvis.institutions.models import Institution, Nature, Profile, Role


@dataclass(frozen=True)
class Cast:
    profiles: Sequence[Profile]
    _principals: dict[int, Principal] = field(default_factory=dict)

    def profile(self, slug: str, role: Role) -> Profile:
        return next(one for one in self.profiles if (one.institution.slug, one.role) == (slug, role))

    def principal(self, slug: str, role: Role) -> Principal:
        profile = self.profile(slug, role)
        return self._principals.setdefault(profile.id, principal_of(profile))

    def referent(self, slug: str) -> Principal:
        return self.principal(slug, Role.REFERENT)

    def signatory(self, slug: str) -> Principal:
        return self.principal(slug, Role.SIGNATORY)

    @cached_property
    def coordinator(self) -> Principal:
        return self.principal("coordination", Role.COORDINATOR)

    @cached_property
    def members(self) -> list[str]:
        rows = Institution.objects.filter(nature=Nature.MEMBER).order_by("id")
        return list(rows.values_list("slug", flat=True))
