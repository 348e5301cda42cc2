from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from parvis.offers.models import AnswerDraft, PortfolioFile
from parvis.personal import Erased, Impersonal, Kept, Tables

_ACT = _("What was decided for your institution stays, in its name: a nameless person did it.")
_EQUALITY = _("What vendors asked, received and answered is kept for their equal information, as procurement law asks.")
_SEALED = frozenset({"salt", "own_salt", "public_key", "sealed_share", "share", "blob", "own_blob"})

TABLES: Tables = {
    "offers_choice": Kept(_("Choices"), _ACT, ("prepared_by", "decided_by")),
    "offers_agreement": Kept(_("Agreements"), _ACT, ("created_by",)),
    "offers_agreementprice": Impersonal("prices"),
    "offers_usagereference": Kept(_("Opinions signed for your institution"), _ACT, ("signed_by", "replied_by")),
    "offers_tool": Kept(_("Tools of the portfolio"), _ACT, ("created_by",)),
    "offers_coverage": Impersonal("which needs a tool covers"),
    "offers_portfoliofile": Erased(_("Portfolios being imported"), ("profile",)),
    "offers_thresholdparameter": Impersonal("amounts of the law"),
    "offers_requestforinformation": Kept(
        _("Requests for information"), _EQUALITY, ("created_by",), omit=frozenset({"public_key", "private_key"})
    ),
    "offers_requestdocument": Impersonal("what every vendor receives"),
    "offers_keyholder": Kept(
        _("Keys you hold"),
        _("Without the part of the key that you hold, the answers of a request might never open."),
        ("profile",),
        omit=_SEALED,
    ),
    "offers_question": Kept(_("Questions of vendors"), _EQUALITY, ("profile", "answered_by")),
    "offers_registerentry": Kept(_("Register of equal information"), _EQUALITY, ("profile",)),
    "offers_sealedanswer": Kept(_("Sealed answers"), _EQUALITY, ("submitted_by",), omit=_SEALED),
    "offers_answerdraft": Impersonal("of a vendor, sealed under its passphrase"),
    "offers_offer": Impersonal("of a vendor"),
    "offers_conformityline": Impersonal("of a vendor"),
    "offers_priceline": Impersonal("of a vendor"),
}


def _uploads(institution_id: int, before: datetime, most: int) -> int:
    rows = PortfolioFile.unscoped.filter(institution=institution_id, received_at__lt=before).order_by("id")
    return PortfolioFile.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


def _drafts(institution_id: int, before: datetime, most: int) -> int:
    rows = AnswerDraft.unscoped.filter(institution=institution_id, updated_at__lt=before).order_by("id")
    return AnswerDraft.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"drafts": _drafts, "uploads": _uploads}
