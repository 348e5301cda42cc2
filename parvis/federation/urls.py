from __future__ import annotations

from django.urls import path

from parvis.federation import views

app_name = "federation"
urlpatterns = [
    path("connexion/etablissement/", views.choice, name="choice"),
    path("connexion/source/<int:source_id>/", views.start, name="start"),
    path("connexion/source/<int:source_id>/retour/", views.back, name="back"),
    path("connexion/source/<int:source_id>/deconnexion/", views.back_channel, name="back_channel"),
    path("connexion/source/<int:source_id>/logo.png", views.logo, name="logo"),
    path("connexion/source/<int:source_id>/rattachement/", views.link, name="link"),
    path("comptes/", views.accounts, name="accounts"),
    path("comptes/rattachement/", views.linking, name="linking"),
    path("sources/", views.list_sources, name="list"),
    path("sources/nouvelle/<str:kind>/", views.add, name="add"),
    path("sources/<int:source_id>/", views.source, name="source"),
    path("sources/<int:source_id>/reglages/", views.edit, name="edit"),
    path("sources/<int:source_id>/essai/", views.trial, name="trial"),
    path("sources/<int:source_id>/activation/", views.activation, name="activation"),
    path("sources/<int:source_id>/suppression/", views.deletion, name="deletion"),
    path("sources/comptes/<int:account_id>/suspension/", views.suspension, name="suspension"),
]
