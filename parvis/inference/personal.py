from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from parvis.personal import Erased, Impersonal, Kept, Tables

TABLES: Tables = {
    "inference_provider": Impersonal("endpoints; their secret is sealed"),
    "inference_languagemodel": Impersonal("models of endpoints"),
    "inference_calibration": Impersonal("what an endpoint is worth"),
    "inference_attestation": Kept(
        _("Attestations of providers you recorded"),
        _("What a provider promised is the institution’s own: it stays, recorded by a nameless person."),
        ("added_by",),
        omit=frozenset({"document"}),
    ),
    "inference_routingmatrix": Kept(
        _("Versions of the routing of data you saved"),
        _("Where data may go is the institution’s own: each version stays, saved by a nameless person."),
        ("author",),
    ),
    "inference_stop": Erased(_("Answers you stopped within the hour"), ("stopped_by",)),
    "inference_pseudonymisation": Impersonal("words that an institution hides from models, written by its administration"),
}
