from __future__ import annotations

from django.urls import path

from parvis.needs.views import cosignatures, dashboards, expressions, harmonised, imports

app_name = "needs"
urlpatterns = [
    path("besoins/accueil/", dashboards.dashboard, name="dashboard"),
    path("besoins/", expressions.needs, name="list"),
    path("besoins/nouveau/", expressions.new, name="new"),
    path("besoins/export/", expressions.export, name="export"),
    path("besoins/import/", imports.upload, name="import"),
    path("besoins/import/modele/", imports.model, name="import_model"),
    path("besoins/import/<int:file_id>/", imports.preview, name="import_preview"),
    path("besoins/proches/", expressions.close, name="close"),
    path("besoins/<int:need_id>/", expressions.need, name="detail"),
    path("besoins/<int:need_id>/modifier/", expressions.edit, name="edit"),
    path("besoins/<int:need_id>/versions/<int:number>/", expressions.version, name="version"),
    path("besoins/<int:need_id>/validation/", expressions.validation, name="validation"),
    path("besoins/<int:need_id>/publication/", expressions.publication, name="publication"),
    path("besoins/<int:need_id>/archivage/", expressions.archiving, name="archiving"),
    path("besoins/<int:need_id>/suppression/", expressions.deletion, name="deletion"),
    path("besoins/<int:need_id>/proximites/", expressions.judgement, name="judgement"),
    path("besoins/<int:need_id>/rattachement/", harmonised.attach, name="attach"),
    path("besoins-harmonises/", harmonised.harmonised_needs, name="harmonised_list"),
    path("besoins-harmonises/nouveau/", harmonised.new, name="harmonised_new"),
    path("besoins-harmonises/<int:need_id>/", harmonised.harmonised, name="harmonised"),
    path("besoins-harmonises/<int:need_id>/versions/<int:number>/", harmonised.version, name="harmonised_version"),
    path("besoins-harmonises/<int:need_id>/modifier/", harmonised.edit, name="harmonised_edit"),
    path("besoins-harmonises/<int:need_id>/exigences/", harmonised.new_requirement, name="requirement_new"),
    path("besoins-harmonises/<int:need_id>/exigences/<int:number>/", harmonised.requirement, name="requirement"),
    path(
        "besoins-harmonises/<int:need_id>/exigences/<int:number>/retrait/",
        harmonised.requirement_removal,
        name="requirement_removal",
    ),
    path("besoins-harmonises/<int:need_id>/discussion/", harmonised.discussion, name="discussion"),
    path("besoins-harmonises/<int:need_id>/vote/", harmonised.ballot, name="ballot"),
    path("besoins-harmonises/<int:need_id>/stabilisation/", harmonised.stabilisation, name="stabilisation"),
    path("besoins-harmonises/<int:need_id>/ouverture/", harmonised.opening, name="opening"),
    path("besoins-harmonises/<int:need_id>/fusion/", harmonised.merger, name="merger"),
    path("besoins-harmonises/<int:need_id>/scission/", harmonised.division, name="division"),
    path("besoins-harmonises/<int:need_id>/co-signature/", cosignatures.cosignature, name="cosignature"),
    path("besoins-harmonises/<int:need_id>/co-signature/retrait/", cosignatures.withdrawal, name="withdrawal"),
    path("rattachements/<int:attachment_id>/acceptation/", harmonised.acceptance, name="acceptance"),
    path("rattachements/<int:attachment_id>/refus/", harmonised.refusal, name="refusal"),
    path("rattachements/<int:attachment_id>/annulation/", harmonised.cancellation, name="cancellation"),
    path("operations/<int:operation_id>/annulation/", harmonised.undoing, name="undoing"),
]
