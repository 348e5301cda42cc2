"""Every address of the console, by package."""

from __future__ import annotations

from django.urls import include, path

from parvis.access.doors import public
from parvis.web import views as web

urlpatterns = [
    path("preferences/", public(web.preferences), name="preferences"),
    path("sante/", public(web.health), name="health"),
    path("administration/", include("parvis.console.urls")),
    path("", include("parvis.access.urls")),
    path("", include("parvis.federation.urls")),
    path("", include("parvis.federation.saml.urls")),
    path("", include("parvis.federation.provisioning.urls")),
    path("regles/", include("parvis.access.rules.urls")),
    path("cles/", include("parvis.access.keys.urls")),
    path("budgets/", include("parvis.ledger.budgets.urls")),
    path("api/", include("parvis.assistants.api.urls")),
    path("releves/", include("parvis.assistants.statements.urls")),
    path("", include("parvis.evidence.urls")),
    path("consultations/", include("parvis.assistants.consultations.urls")),
    path("", include("parvis.corpora.urls")),
    path("", include("parvis.needs.urls")),
    path("", include("parvis.offers.urls")),
    path("", include("parvis.privacy.urls")),
    path("depenses/", include("parvis.ledger.urls")),
    path("modeles/", include("parvis.inference.urls")),
    path("", include("parvis.assistants.urls")),
]

handler400 = web.bad_request
handler403 = web.forbidden
handler404 = web.not_found
handler500 = web.server_error
