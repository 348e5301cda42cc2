from __future__ import annotations

from django.urls import path

from parvis.assistants.statements import views

app_name = "statements"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("verification/", views.check, name="check"),
]
