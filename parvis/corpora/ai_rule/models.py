"""What a teacher lets students do with AI in a course, in their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.principal import LEARNING
from parvis.institutions.models import Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class Use(models.TextChoices):
    ALLOWED = "allowed", _("allowed")
    TRACED = "traced", _("allowed with trace")
    FORBIDDEN = "forbidden", _("forbidden")


class CourseRuleQuerySet(models.QuerySet["CourseRule"]):
    def visible_to(self, principal: Principal) -> CourseRuleQuerySet:
        from parvis.corpora.models import Corpus

        return self.filter(corpus__in=Corpus.unscoped.visible_to(principal).order_by())

    def binding(self, principal: Principal) -> CourseRuleQuerySet:
        """Those that hold for this person: a teacher tries what their students may not."""
        here = self.filter(institution_id=principal.institution_id)
        return here if principal.role in LEARNING else here.none()


class CourseRule(models.Model):
    """Of a course whose teacher said nothing, there is no row: its use is allowed."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    corpus = models.OneToOneField("corpora.Corpus", on_delete=models.CASCADE, related_name="ai_rule")
    use = models.CharField(_("use of AI"), max_length=10, choices=Use.choices, default=Use.ALLOWED)
    words = models.TextField(_("in your words"), max_length=1_000, blank=True)
    author = models.ForeignKey(Profile, on_delete=models.SET_NULL, related_name="+", null=True)
    set_at = models.DateTimeField(default=timezone.now)

    unscoped = CourseRuleQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    def __str__(self) -> str:
        return f"{self.corpus_id}: {self.use}"
