from __future__ import annotations

from django.urls import path

from parvis.evidence import views

app_name = "evidence"
urlpatterns = [
    path("preuves/", views.entries, name="entries"),
    path("preuves/export/", views.export, name="export"),
    path("preuves/tableau/", views.table, name="table"),
    path("preuves/temoins/", views.witnesses, name="witnesses"),
    path("preuves/temoins/<int:witness_id>/verification/", views.check, name="check"),
    path("preuves/temoins/<int:witness_id>/retrait/", views.removal, name="removal"),
    path("preuves/<int:entry_id>/", views.entry, name="entry"),
    path("preuves/<int:entry_id>/preuve/", views.proof, name="proof"),
    path("mes-consultations/", views.consultations, name="consultations"),
    # For other installations and for whoever verifies: no account is needed, and the name of a log is not guessed.
    path("journal/verifier.py", views.verifier_file, name="verifier"),
    path("journal/<slug:name>/", views.public_log, name="log"),
    path("journal/<slug:name>/tete", views.head, name="head"),
    path("journal/<slug:name>/cles", views.keys, name="keys"),
    path("journal/<slug:name>/coherence", views.consistency, name="consistency"),
    path("journal/<slug:name>/temoignages/<slug:digest>", views.testimony, name="testimony"),
]
