from __future__ import annotations

from django.urls import path

from parvis.console import views

app_name = "console"
urlpatterns = [
    path("", views.home, name="home"),
    path("en-cours/", views.streams, name="streams"),
    path("en-cours/arret/", views.stream_stop, name="stream_stop"),
    path("en-cours/reponses/<int:turn_id>/arret/", views.answer_stop, name="answer_stop"),
]
