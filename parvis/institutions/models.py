"""Members of the alliance and those who deal with it, their people and their groups."""

from __future__ import annotations

from functools import cached_property

from django.conf import settings
from django.db import connection, models
from django.utils.translation import gettext_lazy as _


class Nature(models.TextChoices):
    """What an organisation is to the alliance. Each is a tenant: a vendor's answer belongs to the vendor alone."""

    MEMBER = "member", _("member")
    COORDINATION = "coordination", _("coordination of the alliance")
    OBSERVER = "observer", _("observer")
    VENDOR = "vendor", _("vendor")


class DataClass(models.TextChoices):
    """How sensitive data are, from the least to the most: `access.sensitivity.DATA_CLASSES`, with words for people."""

    PUBLIC = "public", _("public: anybody may read them")
    INTERNAL = "internal", _("internal: for the people of the institution")
    PERSONAL = "personal", _("personal: they speak of identified people")
    SENSITIVE = "sensitive", _("sensitive: health, opinions, secrets")


class Institution(models.Model):
    nature = models.CharField(max_length=20, choices=Nature.choices, default=Nature.MEMBER)
    slug = models.SlugField(unique=True)
    name = models.CharField(_("name"), max_length=200)
    short_name = models.CharField(max_length=60)
    kind = models.CharField(max_length=60, blank=True)
    city = models.CharField(max_length=80, blank=True)
    joined_date = models.DateField(null=True, blank=True)
    left_date = models.DateField(null=True, blank=True)
    rules_key = models.CharField(max_length=22, blank=True)  # the version of its access rules in force; "": none was written
    data_class = models.CharField(max_length=10, choices=DataClass.choices, default=DataClass.INTERNAL)  # of what says nothing
    is_invented = models.BooleanField(default=False)  # of the demonstration: every page that names it says so

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class WorkingGroup(models.Model):
    """A group of the alliance, across institutions. The list is data: it has already changed once."""

    slug = models.SlugField(unique=True)
    name = models.CharField(_("name"), max_length=200)
    is_active = models.BooleanField(_("active"), default=True)
    profiles: models.ManyToManyField[Profile, models.Model] = models.ManyToManyField(
        "Profile", related_name="working_groups", blank=True
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    STUDENT = "student", _("student")
    TEACHER = "teacher", _("teacher")
    STAFF = "staff", _("staff")
    ADMINISTRATOR = "administrator", _("institution administrator")
    REFERENT = "referent", _("need referent")
    SIGNATORY = "signatory", _("signatory")
    COORDINATOR = "coordinator", _("alliance coordinator")
    OBSERVER = "observer", _("observer")
    VENDOR = "vendor", _("vendor")
    APP = "app", _("application")  # a program of the institution, with keys and no session
    DPO = "dpo", _("data protection officer")


# Which roles an organisation's people may hold; a program's own is given with it.
ROLES_OF = {
    Nature.MEMBER: (Role.STUDENT, Role.TEACHER, Role.STAFF, Role.ADMINISTRATOR, Role.REFERENT, Role.SIGNATORY, Role.DPO),
    Nature.COORDINATION: (Role.COORDINATOR,),
    Nature.OBSERVER: (Role.OBSERVER,),
    Nature.VENDOR: (Role.VENDOR,),
}


class Mailing(models.TextChoices):
    NONE = "none", _("no e-mail")
    EACH = "each", _("an e-mail for each notice")
    DAILY = "daily", _("one e-mail a day")


class Profile(models.Model):
    """A person in an institution, in one role. One person may hold several: staff here, student there."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="profiles")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profiles")
    role = models.CharField(max_length=20, choices=Role.choices)
    detail = models.CharField(max_length=120, blank=True)  # "L1 Droit", "Thermodynamique"
    ended_at = models.DateTimeField(null=True)  # nobody acts in it any more; what was done in it stays
    notices_by_mail = models.CharField(max_length=6, choices=Mailing.choices, default=Mailing.DAILY)
    calendar_key = models.CharField(max_length=43, blank=True)  # of the address of one's deadlines; "" until asked for

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "person", "role"], name="one_profile_per_role")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.person} · {self.get_role_display()} · {self.institution.short_name}"

    @cached_property
    def others(self) -> list[Profile]:
        """Those that the same person may go on as."""
        siblings = Profile.objects.filter(person=self.person_id, ended_at=None)
        return list(siblings.exclude(id=self.id).select_related("institution"))

    @property
    def unread_notices(self) -> int:
        """Of every page: the query costs far less than its composition would."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM institutions_notice WHERE profile_id = %s AND read_at IS NULL", [self.pk])
            return int(cursor.fetchone()[0])


class Group(models.Model):
    """People of one institution who share something: a year, a course, a service."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(_("name"), max_length=120)
    profiles = models.ManyToManyField(Profile, related_name="groups", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "name"], name="group_name_once_per_institution")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """Something that waits for a person, in the words of their language when it is read."""

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="notices")
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    address = models.CharField(max_length=200)  # within this site
    sent_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["profile", "read_at"], name="notices_unread")]

    def __str__(self) -> str:
        return self.code
