from __future__ import annotations

from django.urls import path

from parvis.access.rules import views

app_name = "rules"
urlpatterns = [
    path("", views.matrix, name="matrix"),
    path("outils/", views.choose_column, name="choose_column"),
    path("outils/<str:column>/", views.column, name="column"),
    path("texte/", views.editor, name="editor"),
    path("versions/", views.versions, name="versions"),
    path("versions/<int:number>/", views.version, name="version"),
    path("pourquoi/", views.why, name="why"),
    path("qui/", views.who, name="who"),
    path("verifications/", views.checks, name="checks"),
    path("verifications/<int:check_id>/retrait/", views.check_removal, name="check_removal"),
    path("semestres/", views.periods, name="periods"),
    path("semestres/<int:period_id>/retrait/", views.period_removal, name="period_removal"),
]
