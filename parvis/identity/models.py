"""People, and how they are recognised."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class Source(models.TextChoices):
    """Where a person's identifier comes from."""

    LOCAL = "local", _("this installation")
    DEMO = "demo", _("demonstration")
    FEDERATED = "federated", _("an institution’s account")
    APP = "app", _("an application, which signs in nowhere")
    ERASED = "erased", _("nobody any more")  # erased at their request, or once departed


class PersonManager(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(key=username)

    def hold(self, person_id: int) -> Person | None:
        """As they are now, until this transaction ends: signing in and erasing each begin so, and wait for one another. What
        else is read of them is read after this."""
        return self.select_for_update().filter(id=person_id).first()


class Person(AbstractBaseUser):
    """A human being, known by one stable key of one source. An e-mail address is never a key: it changes and is reassigned."""

    key = models.CharField(
        max_length=200, unique=True
    )  # "<source>:<identifier given by the source>"; a sign-in source is its number
    source = models.CharField(max_length=20, choices=Source.choices)
    display_name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("e-mail"), blank=True)  # where notices go; never a key
    is_active = models.BooleanField(default=True)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "key"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    def __str__(self) -> str:
        return self.display_name

    @property
    def is_invented(self) -> bool:
        """Demonstration people do not exist, and every page says so."""
        return self.source == Source.DEMO

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.display_name.split()[:2]).upper()
