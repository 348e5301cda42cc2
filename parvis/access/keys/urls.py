from __future__ import annotations

from django.urls import path

from parvis.access.keys import views

app_name = "keys"
urlpatterns = [
    path("", views.own, name="own"),
    path("<int:key_id>/revocation/", views.revocation, name="revocation"),
    path("etablissement/", views.institution, name="institution"),
    path("applications/nouvelle/", views.app_new, name="app_new"),
    path("applications/<int:profile_id>/", views.app, name="app"),
    path("applications/<int:profile_id>/modifier/", views.app_edit, name="app_edit"),
    path("applications/<int:profile_id>/retrait/", views.app_removal, name="app_removal"),
]
