from __future__ import annotations

from django.urls import path

from parvis.offers.views import answers, offers, registers, requests

app_name = "offers"
urlpatterns = [
    path("sondages/", requests.requests_list, name="requests"),
    path("sondages/nouveau/<int:need_id>/", requests.new, name="request_new"),
    path("sondages/<int:request_id>/", requests.detail, name="request"),
    path("sondages/<int:request_id>/modifier/", requests.edit, name="request_edit"),
    path("sondages/<int:request_id>/cle/", requests.key, name="key"),
    path("sondages/<int:request_id>/publication/", requests.publication, name="publication"),
    path("sondages/<int:request_id>/documents/", requests.documents, name="documents"),
    path("sondages/<int:request_id>/documents/<int:document_id>/", requests.document, name="document"),
    path("sondages/<int:request_id>/questions/", requests.questions, name="questions"),
    path("sondages/<int:request_id>/questions/<int:question_id>/", requests.answer, name="question"),
    path("sondages/<int:request_id>/ouverture/", requests.opening, name="opening"),
    path("sondages/<int:request_id>/cloture/", requests.closing, name="closing"),
    path("sondages/<int:request_id>/offres/", offers.compare, name="compare"),
    path("sondages/<int:request_id>/offres/csv/", offers.compare_file, {"kind": "csv"}, name="compare_csv"),
    path("sondages/<int:request_id>/offres/xlsx/", offers.compare_file, {"kind": "xlsx"}, name="compare_xlsx"),
    path("sondages/<int:request_id>/registre/", registers.register, name="register"),
    path("sondages/<int:request_id>/registre/csv/", registers.register_file, {"kind": "csv"}, name="register_csv"),
    path("sondages/<int:request_id>/registre/pdf/", registers.register_file, {"kind": "pdf"}, name="register_pdf"),
    path("sondages/<int:request_id>/registre/echanges/", registers.exchanges, name="exchanges"),
    path("besoins-harmonises/<int:need_id>/dossier/", registers.dossier, name="dossier"),
    path("besoins-harmonises/<int:need_id>/dossier/zip/", registers.dossier_file, name="dossier_zip"),
    path("editeur/", answers.space, name="space"),
    path("editeur/sondages/<int:request_id>/", answers.answer, name="answer"),
    path("editeur/sondages/<int:request_id>/exigences/", answers.requirements, name="answer_requirements"),
    path("editeur/sondages/<int:request_id>/prix/", answers.prices, name="answer_prices"),
    path("editeur/sondages/<int:request_id>/societe/", answers.company, name="answer_company"),
    path("editeur/sondages/<int:request_id>/classeur/", answers.workbook, name="workbook"),
    path("editeur/sondages/<int:request_id>/classeur/envoi/", answers.upload, name="upload"),
    path("editeur/sondages/<int:request_id>/envoi/", answers.sending, name="sending"),
    path("editeur/sondages/<int:request_id>/envois/<int:revision>/", answers.sent, name="sent"),
    path("editeur/sondages/<int:request_id>/verrou/", answers.locking, name="locking"),
    path("editeur/sondages/<int:request_id>/recommencer/", answers.restarting, name="restarting"),
]
