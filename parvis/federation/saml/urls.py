from __future__ import annotations

from django.urls import path

from parvis.federation.saml import views

app_name = "saml"
urlpatterns = [
    path("connexion/saml/metadata/", views.metadata, name="metadata"),
    path("connexion/saml/retour/", views.landing, name="landing"),
    path("connexion/saml/deconnexion/", views.logout, name="logout"),
    path("connexion/saml/depart/", views.leave, name="leave"),
    path("connexion/source/<int:source_id>/metadata/", views.metadata_of_source, name="metadata_of_source"),
    path("sources/saml/", views.choice, name="choice"),
    path("sources/saml/<int:entity_id>/", views.add, name="add"),
    path("sources/federations/nouvelle/", views.add_federation, name="add_federation"),
    path("sources/federations/<int:federation_id>/", views.federation, name="federation"),
    path("sources/federations/<int:federation_id>/reglages/", views.edit_federation, name="edit_federation"),
    path("sources/federations/<int:federation_id>/lecture/", views.reading, name="reading"),
    path("sources/federations/<int:federation_id>/retrait/", views.federation_removal, name="federation_removal"),
]
