"""Price books, what was called, what it was charged, and what was stated of it.

Calls and transfers are only added: the database refuses the rest (migration 0002), but for one thing it allows once, that who
made a call is forgotten. A transfer moves an amount from one account to another: the sum of all accounts is always zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution
from parvis.ledger.usage import Outcome

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class PriceBookQuerySet(models.QuerySet["PriceBook"]):
    def visible_to(self, principal: Principal) -> PriceBookQuerySet:
        if not principal.may("price:view"):
            return self.none()
        return self.filter(Q(institution=principal.institution_id) | Q(institution=None))

    def editable_by(self, principal: Principal) -> PriceBookQuerySet:
        """A book that is in force is never changed: another takes its place. The alliance's is no institution's to change."""
        if not principal.may("price:edit"):
            return self.none()
        return self.filter(institution=principal.institution_id, published_at=None)


class PriceBook(models.Model):
    """*Barème*: prices from a day on, and where they come from. A later one takes the place of an earlier as a whole."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    name = models.CharField(_("name"), max_length=120)
    agreement_id = models.BigIntegerField(_("agreement"), null=True, blank=True)  # of a package above; outlives it
    starts_date = models.DateField(_("in force from"))
    ends_date = models.DateField(_("over from"), null=True, blank=True)
    source = models.CharField(_("where these prices come from"), max_length=300)
    source_date = models.DateField(_("date of the source"))
    created_by = models.CharField(max_length=80)  # as evidence names people
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True)  # nothing of it changes any more

    unscoped = PriceBookQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-starts_date", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_date=None) | Q(ends_date__gt=F("starts_date")), name="book_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> str:
        """How calls name it."""
        return f"book:{self.id}"


class RateQuerySet(models.QuerySet["Rate"]):
    def visible_to(self, principal: Principal) -> RateQuerySet:
        return self.filter(book__in=PriceBook.unscoped.all().visible_to(principal))


class Rate(models.Model):
    """The price of one unit of one model: `pricing.PER` says of how much."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    book = models.ForeignKey(PriceBook, on_delete=models.CASCADE, related_name="rates")
    model_id = models.BigIntegerField(null=True)  # of a package above; None: the model that the environment gives
    model_name = models.CharField(max_length=120)  # as it was called then
    unit = models.CharField(max_length=10)
    amount_nano = models.BigIntegerField()

    unscoped = RateQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["model_name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["book", "model_id", "unit"], name="one_rate_per_unit_and_model"),
            models.UniqueConstraint(
                fields=["book", "unit"], condition=Q(model_id=None), name="one_rate_per_unit_of_the_environment"
            ),
            models.CheckConstraint(condition=Q(amount_nano__gte=0), name="rate_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.model_name} {self.unit}"


class CallQuerySet(models.QuerySet["Call"]):
    def visible_to(self, principal: Principal) -> CallQuerySet:
        """One's own. What others used is told by `actions.figures`, of five people at least."""
        return self.filter(institution=principal.institution_id, person_id=principal.person_id)


class Call(models.Model):
    """One call to a model, as `usage.Usage` says it. `person_id` and `key_id` become None when they are forgotten."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    epoch = models.BigIntegerField()
    sequence = models.BigIntegerField()
    fingerprint = models.BinaryField(max_length=16)  # of what was told, without the person: a replay says the same
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    component = models.CharField(max_length=120, blank=True)
    app = models.CharField(max_length=120, blank=True)
    person_id = models.BigIntegerField(null=True)
    key_id = models.BigIntegerField(null=True)
    model_id = models.BigIntegerField(null=True)
    model_name = models.CharField(max_length=120)
    agreement_id = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Outcome])
    input_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    embedding_tokens = models.BigIntegerField(default=0)
    images = models.BigIntegerField(default=0)
    milliseconds = models.BigIntegerField(default=0)
    is_estimated = models.BooleanField(default=False)  # nobody counted its tokens to the end
    price_version = models.CharField(max_length=60, blank=True)
    carbon_low_ug = models.BigIntegerField(null=True)
    carbon_high_ug = models.BigIntegerField(null=True)
    carbon_method = models.CharField(max_length=60, blank=True)

    unscoped = CallQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["institution", "occurred_at"], name="calls_of_a_time"),
            models.Index(fields=["person_id", "occurred_at"], name="calls_of_a_person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["epoch", "sequence"], name="a_call_is_counted_once"),
            models.CheckConstraint(
                condition=Q(carbon_low_ug=None) | Q(carbon_high_ug__gte=F("carbon_low_ug")), name="carbon_is_a_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.epoch}.{self.sequence}"


class Kind(models.TextChoices):
    CHARGE = "charge", _("charge")
    REVERSAL = "reversal", _("reversal")
    CORRECTION = "correction", _("correction")


class TransferQuerySet(models.QuerySet["Transfer"]):
    def visible_to(self, principal: Principal) -> TransferQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("expense:view") else self.none()


class Transfer(models.Model):
    """An amount that one account is charged and another is owed. Nothing is ever taken back: a reversal is the same transfer
    the other way round, once; a correction comes in the place of what was reversed, once."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="transfers")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    debit = models.CharField(max_length=300)  # the account that is charged
    credit = models.CharField(max_length=300)  # the account that is owed
    amount_nano = models.BigIntegerField()
    price_version = models.CharField(max_length=60)
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    reason = models.CharField(max_length=300, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)

    unscoped = TransferQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["call"], condition=Q(kind=Kind.CHARGE), name="a_call_is_charged_once"),
            models.CheckConstraint(condition=Q(amount_nano__gte=0), name="a_transfer_has_one_way"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="a_transfer_joins_two_accounts"),
            models.CheckConstraint(
                condition=Q(kind=Kind.CHARGE, reverses=None, replaces=None)
                | Q(kind=Kind.REVERSAL, reverses__isnull=False, replaces=None)
                | Q(kind=Kind.CORRECTION, reverses=None, replaces__isnull=False),
                name="a_transfer_says_what_it_mends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_nano}"


class Nature(models.TextChoices):
    STATEMENT = "statement", _("statement")
    SUPPLEMENT = "supplement", _("supplementary statement")
    CREDIT = "credit", _("credit note")


class ExpenseStatementQuerySet(models.QuerySet["ExpenseStatement"]):
    def visible_to(self, principal: Principal) -> ExpenseStatementQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("expense:view") else self.none()

    def editable_by(self, principal: Principal) -> ExpenseStatementQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("expense:state") else self.none()


class ExpenseStatement(models.Model):
    """*Relevé de consommation* of one month, of the institution, of a component or of an app: the ledger, less what was stated
    before. What is stated never changes; all that was stated of a month adds up to the ledger."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()  # from 1, without a gap, of the institution
    nature = models.CharField(max_length=12, choices=Nature.choices)
    month_date = models.DateField()  # its first day, in Paris
    component = models.CharField(max_length=120, blank=True)
    app = models.CharField(max_length=120, blank=True)
    completes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="completed_by")
    lines: models.JSONField[Any, Any] = models.JSONField(default=list)  # as `statement.Line.plain`
    total_nano = models.BigIntegerField()
    unvalued = models.PositiveBigIntegerField(default=0)  # calls without a price
    digest = models.CharField(max_length=64)
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField(default=timezone.now)

    unscoped = ExpenseStatementQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-month_date", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["institution", "number"], name="expense_statement_number_once"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        return f"{self.month_date:%Y-%m}-{self.number:04d}"


class ReconciliationQuerySet(models.QuerySet["Reconciliation"]):
    def visible_to(self, principal: Principal) -> ReconciliationQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("expense:view") else self.none()


class Reconciliation(models.Model):
    """A vendor's invoice beside the ledger. The file is not kept: its hash is, and what it said."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    month_date = models.DateField()
    agreement_id = models.BigIntegerField(null=True)
    file_name = models.CharField(max_length=200)
    file_digest = models.CharField(max_length=64)
    lines: models.JSONField[Any, Any] = models.JSONField(default=list)  # as `reconciliation.Gap.plain`
    invoiced_nano = models.BigIntegerField()
    counted_nano = models.BigIntegerField()
    unvalued = models.PositiveBigIntegerField(default=0)
    is_flagged = models.BooleanField()
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField(default=timezone.now)

    unscoped = ReconciliationQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.month_date:%Y-%m} {self.file_name}"


class PartyQuerySet(models.QuerySet["Party"]):
    def visible_to(self, principal: Principal) -> PartyQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("expense:view") else self.none()

    def editable_by(self, principal: Principal) -> PartyQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("expense:state") else self.none()


class Party(models.Model):
    """Who writes or receives an internal invoice: the institution itself (`component` ""), or one of its components."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    component = models.CharField(_("component"), max_length=120, blank=True)
    legal_name = models.CharField(_("legal name"), max_length=160)
    siret = models.CharField(_("SIRET"), max_length=14)
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    street = models.CharField(_("street"), max_length=160)
    postcode = models.CharField(_("postcode"), max_length=10)
    city = models.CharField(_("town"), max_length=80)

    unscoped = PartyQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["component"]
        constraints = [models.UniqueConstraint(fields=["institution", "component"], name="party_once_per_component")]

    def __str__(self) -> str:
        return self.legal_name
