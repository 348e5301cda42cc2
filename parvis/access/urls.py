from __future__ import annotations

from django.urls import path

from parvis.access import views

app_name = "access"
urlpatterns = [
    path("connexion/", views.sign_in, name="sign_in"),
    path("connexion/persona/<int:profile_id>/", views.sign_in_as, name="sign_in_as"),
    path("connexion/lien/<str:token>/", views.sign_in_link, name="sign_in_link"),
    path("deconnexion/", views.sign_out, name="sign_out"),
    path("deconnexion/faite/", views.signed_out, name="signed_out"),
    path("avis/", views.notices, name="notices"),
    path("avis/lus/", views.notices_read, name="notices_read"),
    path("avis/courriels/", views.mailing, name="mailing"),
    path("avis/calendrier/", views.calendar_key, name="calendar_key"),
    path("avis/<int:notice_id>/", views.notice, name="notice"),
    path("calendrier/<str:key>.ics", views.calendar_file, name="calendar"),
    path("profil/", views.switch_profile, name="switch_profile"),
]
