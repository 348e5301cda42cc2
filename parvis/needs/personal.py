from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.needs.actions.expressions import discard_drafts
from parvis.needs.models import ImportedFile, RawNeed, RawNeedState
from parvis.personal import Erased, Impersonal, Kept, Subject, Tables, Within

_ACT = _("What was done for your institution among the others stays, in its name: a nameless person did it.")

TABLES: Tables = {
    "needs_rawneed": Kept(
        _("Needs"),
        _("A need that your institution validated is its own and stays, without your name. Your drafts are erased."),
        ("author", "validated_by", "published_by", "archived_by"),
    ),
    "needs_rawneedtext": Kept(
        _("Wordings of needs"),
        _("Words that your institution validated stay as they were written: others attached, voted and signed on them."),
        ("written_by",),
    ),
    "needs_judgement": Kept(_("Answers about close needs"), _ACT, ("profile",)),
    "needs_importedfile": Erased(_("Lists of needs being imported"), ("profile",), omit=frozenset({"content"})),
    "needs_harmonisedneed": Kept(_("Harmonised needs you opened"), _ACT, ("created_by",)),
    "needs_needversion": Kept(_("Versions of harmonised needs"), _ACT, ("written_by", "stabilised_by")),
    "needs_requirement": Impersonal("numbers of requirements"),
    "needs_requirementtext": Impersonal("words of the alliance, in a version that says who wrote it"),
    "needs_requirementtext_institutions": Impersonal("to which institutions a requirement applies"),
    "needs_ballot": Kept(_("Votes of your institution"), _ACT, ("profile",)),
    "needs_operation": Kept(_("Merges and splits of needs"), _ACT, ("done_by", "undone_by")),
    "needs_attachment": Kept(_("Attachments of needs"), _ACT, ("proposed_by", "decided_by")),
    "needs_cosignature": Kept(
        _("Co-signatures"),
        _("A co-signature engages your institution, not you: it stays, and the evidence of who signed is a number."),
        ("prepared_by", "signed_by"),
    ),
    "needs_workshop": Kept(_("Workshops you opened"), _ACT, ("opened_by",)),
    "needs_minute": Kept(_("Lines of minutes"), _("The minutes of a workshop stay whole, without your name."), ("profile",)),
    "needs_search_*": Within("needs_rawneedtext"),  # the index
    "needs_textvector": Within("needs_rawneedtext"),
}


def forget(subject: Subject) -> None:
    discard_drafts(RawNeed.unscoped.filter(author__in=subject.profile_ids))


def _drafts(institution_id: int, before: datetime, most: int) -> int:
    """Not touched since; and lists that nobody confirmed."""
    rows = RawNeed.unscoped.filter(institution=institution_id, state=RawNeedState.DRAFT, created_at__lt=before)
    old = rows.filter(Q(current=None) | Q(current__written_at__lt=before)).order_by("id")
    return discard_drafts(RawNeed.unscoped.filter(id__in=list(old.values_list("id", flat=True)[:most])))


def _uploads(institution_id: int, before: datetime, most: int) -> int:
    rows = ImportedFile.unscoped.filter(institution=institution_id, received_at__lt=before).order_by("id")
    return ImportedFile.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"drafts": _drafts, "uploads": _uploads}
