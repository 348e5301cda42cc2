from __future__ import annotations

from django.urls import path

from parvis.assistants.consultations import views

app_name = "consultations"
urlpatterns = [
    path("", views.list_signalled, name="list"),
    path("conversations/<int:conversation_id>/", views.conversation, name="conversation"),
]
