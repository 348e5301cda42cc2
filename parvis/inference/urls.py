from __future__ import annotations

from django.urls import path

from parvis.inference import views
from parvis.inference.pseudonymisation import views as pseudonymisation

app_name = "inference"
urlpatterns = [
    path("", views.list_models, name="list"),
    path("nouveau/", views.add, name="add"),
    path("donnees/", views.routing, name="routing"),
    path("donnees/versions/", views.routing_versions, name="routing_versions"),
    path("donnees/pourquoi/", views.routing_why, name="routing_why"),
    path("pseudonymes/", pseudonymisation.pseudonyms, name="pseudonyms"),
    path("pseudonymes/essai/", pseudonymisation.pseudonyms_trial, name="pseudonyms_trial"),
    path("<int:model_id>/", views.edit, name="edit"),
    path("<int:model_id>/essai/", views.trial, name="trial"),
    path("<int:model_id>/activation/", views.activation, name="activation"),
    path("<int:model_id>/suppression/", views.deletion, name="deletion"),
    path("<int:model_id>/attestation/", views.attestation, name="attestation"),
    path("attestations/<int:attestation_id>/document/", views.attestation_document, name="attestation_document"),
    path("installation/<str:purpose>/essai/", views.trial_of_environment, name="trial_of_environment"),
]
