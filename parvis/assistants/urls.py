from __future__ import annotations

from django.urls import path

from parvis.assistants import views

app_name = "assistants"
urlpatterns = [
    path("", views.home, name="home"),
    path("cours/nouveau/", views.course_new, name="course_new"),
    path("cours/<int:corpus_id>/essai/", views.try_course, name="try_course"),
    path("assistants/<int:assistant_id>/", views.assistant, name="assistant"),
    path("assistants/<int:assistant_id>/reglages/", views.settings, name="settings"),
    path("conversations/", views.history, name="history"),
    path("conversations/<int:conversation_id>/", views.conversation, name="conversation"),
    path("conversations/<int:conversation_id>/renommer/", views.rename, name="rename"),
    path("conversations/<int:conversation_id>/sensibilite/", views.classification, name="classification"),
    path("conversations/<int:conversation_id>/supprimer/", views.delete, name="delete"),
    path("conversations/<int:conversation_id>/export.md", views.export_markdown, name="export_markdown"),
    path("conversations/<int:conversation_id>/export.pdf", views.export_pdf, name="export_pdf"),
    path("echanges/<int:turn_id>/", views.turn, name="turn"),
    path("echanges/<int:turn_id>/flux/", views.stream, name="stream"),
    path("echanges/<int:turn_id>/annulation/", views.cancellation, name="cancellation"),
    path("echanges/<int:turn_id>/reprise/", views.retry, name="retry"),
    path("echanges/<int:turn_id>/extrait/", views.extract, name="extract"),
    path("echanges/<int:turn_id>/signalement/", views.signal, name="signal"),
    path("cours/<int:corpus_id>/signalements/", views.signals, name="signals"),
    path("signalements/<int:signal_id>/cloture/", views.signal_closing, name="signal_closing"),
]
