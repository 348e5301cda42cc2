from __future__ import annotations

from django.urls import path

from parvis.assistants.api import views

app_name = "api"
urlpatterns = [
    path("moi", views.me, name="me"),
    path("openai/models", views.models, name="models"),
    path("openai/chat/completions", views.completion, name="completion"),
    path("assistants", views.assistants, name="assistants"),
    path("assistants/<int:assistant_id>/questions", views.question, name="question"),
    path("questions/<int:turn_id>", views.answer, name="answer"),
]
