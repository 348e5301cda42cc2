"""What an institution's administrators look after: one section a page, each with what it says at this instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from parvis.access.models import ApiKey, RuleSet
from parvis.access.principal import Principal
from parvis.access.rights import permits
from parvis.console.streams import count_of
from parvis.federation.models import SignInSource
from parvis.inference.models import LanguageModel
from parvis.inference.pseudonymisation.models import Pseudonymisation
from parvis.institutions.models import Profile, Role
from parvis.ledger.budgets.models import Budget

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Section:
    """A page of the console, for whoever may do `action`."""

    title: StrOrPromise
    line: StrOrPromise
    page: str  # the name of its address
    action: str
    state: Callable[[Principal], str]  # "" where there is nothing to say

    @property
    def url(self) -> str:
        return reverse(self.page)


def _sources(principal: Principal) -> str:
    count = SignInSource.objects.visible_to(principal).filter(is_active=True).count()
    if not count:
        return _("no source is switched on")
    return ngettext("%(count)s source switched on", "%(count)s sources switched on", count) % {"count": count}


def _people(principal: Principal) -> str:
    here = Profile.objects.filter(institution=principal.institution_id, ended_at=None).exclude(role=Role.APP)
    count = here.values("person").distinct().count()
    return ngettext("%(count)s person", "%(count)s people", count) % {"count": number_format(count)}


def _keys(principal: Principal) -> str:
    count = ApiKey.objects.visible_to(principal).active(timezone.now()).count()
    if not count:
        return _("no key is valid")
    return ngettext("%(count)s valid key", "%(count)s valid keys", count) % {"count": count}


def _rules(principal: Principal) -> str:
    version = RuleSet.objects.visible_to(principal).filter(key=principal.rules_key).first() if principal.rules_key else None
    if version is None:
        return _("no rule was written: everybody may use every tool")
    return _("version %(number)s, of %(date)s") % {"number": version.number, "date": date_format(version.created_at)}


def _models(principal: Principal) -> str:
    count = LanguageModel.objects.visible_to(principal).filter(enabled=True).count()
    if not count:
        return _("no model: answers are quotations")
    return ngettext("%(count)s model switched on", "%(count)s models switched on", count) % {"count": count}


def _streams(principal: Principal) -> str:
    count = count_of(principal, timezone.now())
    if not count:
        return _("nothing at this instant")
    return ngettext("%(count)s at this instant", "%(count)s at this instant", count) % {"count": number_format(count)}


def _budgets(principal: Principal) -> str:
    count = Budget.objects.visible_to(principal).in_force().count()
    if not count:
        return _("no budget: nothing limits what is spent")
    return ngettext("%(count)s budget", "%(count)s budgets", count) % {"count": count}


def _pseudonyms(principal: Principal) -> str:
    row = Pseudonymisation.objects.visible_to(principal).first()
    if row is None or not row.cases:
        return _("asked for nowhere")
    return ngettext("%(count)s case", "%(count)s cases", len(row.cases)) % {"count": len(row.cases)}


SECTIONS = (
    Section(
        gettext_lazy("Sign-in"),
        gettext_lazy("Through which servers people come in, and what each gives them here."),
        "federation:list",
        "source:view",
        _sources,
    ),
    Section(
        gettext_lazy("People and groups"),
        gettext_lazy("Who is here, in which roles and groups, and where they come from."),
        "provisioning:people",
        "person:view",
        _people,
    ),
    Section(
        gettext_lazy("Access rules"),
        gettext_lazy("Who may use which tool, why, and what must hold."),
        "rules:matrix",
        "rule:view",
        _rules,
    ),
    Section(
        gettext_lazy("Keys and applications"),
        gettext_lazy("Programs that ask, in somebody’s name or in their own."),
        "keys:institution",
        "key:oversee",
        _keys,
    ),
    Section(
        gettext_lazy("Models"),
        gettext_lazy("Which models may answer, and where they compute."),
        "inference:list",
        "model:view",
        _models,
    ),
    Section(
        gettext_lazy("Answers under way"),
        gettext_lazy("What models and assistants are writing now, for whom, and a way to stop it."),
        "console:streams",
        "stream:view",
        _streams,
    ),
    Section(
        gettext_lazy("Budgets"),
        gettext_lazy("What questions to models may cost: in euros, tokens or carbon, for whom and for how long."),
        "budgets:tree",
        "budget:view",
        _budgets,
    ),
    Section(
        gettext_lazy("Pseudonyms"),
        gettext_lazy("Which data are sent to a model without the names and numbers of people, and a box to try it."),
        "inference:pseudonyms",
        "model:edit",
        _pseudonyms,
    ),
    Section(
        gettext_lazy("Expenses"),
        gettext_lazy("What models cost and emit, price books, statements, invoices."),
        "ledger:usage",
        "expense:view",
        lambda _principal: "",
    ),
    Section(
        gettext_lazy("Evidence"),
        gettext_lazy("Who did what, kept so that nothing can be changed or removed without it being seen."),
        "evidence:entries",
        "evidence:view",
        lambda _principal: "",
    ),
    Section(
        gettext_lazy("Signalled conversations"),
        gettext_lazy("Open one, with a reason its author reads."),
        "consultations:list",
        "content:consult",
        lambda _principal: "",
    ),
    Section(
        gettext_lazy("Data protection"),
        gettext_lazy("Register of uses, impact assessment, how long things are kept, requests of people about their data."),
        "privacy:register",
        "register:view",
        lambda _principal: "",
    ),
)


def sections_of(principal: Principal) -> list[tuple[Section, str]]:
    """Those this person may open, each with its state."""
    return [(section, section.state(principal)) for section in SECTIONS if permits(principal, section.action)]
