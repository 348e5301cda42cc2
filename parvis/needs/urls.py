from __future__ import annotations

from django.urls import path

from parvis.needs.views import expressions

app_name = "needs"
urlpatterns = [
    path("besoins/accueil/", expressions.dashboard, name="dashboard"),
    path("besoins/", expressions.needs, name="list"),
    path("besoins/nouveau/", expressions.new, name="new"),
    path("besoins/proches/", expressions.close, name="close"),
    path("besoins/<int:need_id>/", expressions.need, name="detail"),
    path("besoins/<int:need_id>/modifier/", expressions.edit, name="edit"),
    path("besoins/<int:need_id>/versions/<int:number>/", expressions.version, name="version"),
    path("besoins/<int:need_id>/validation/", expressions.validation, name="validation"),
    path("besoins/<int:need_id>/publication/", expressions.publication, name="publication"),
    path("besoins/<int:need_id>/archivage/", expressions.archiving, name="archiving"),
    path("besoins/<int:need_id>/suppression/", expressions.deletion, name="deletion"),
    path("besoins/<int:need_id>/proximites/", expressions.judgement, name="judgement"),
]
