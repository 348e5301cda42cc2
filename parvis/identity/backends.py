"""Who a session is of: `settings.AUTHENTICATION_BACKENDS`. Nobody signs in through it; see `access.sign_in`."""

from __future__ import annotations

from django.contrib.auth.backends import BaseBackend

from parvis.identity.models import Person
from parvis.isolation.prepared import Prepared

_persons = Prepared(lambda person_id: Person.objects.filter(id=person_id))


class KnownPerson(BaseBackend):
    def get_user(self, user_id: int) -> Person | None:
        return next((person for person in _persons(user_id) if person.is_active), None)
