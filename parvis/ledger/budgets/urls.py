from __future__ import annotations

from django.urls import path

from parvis.ledger.budgets import views

app_name = "budgets"
urlpatterns = [
    path("", views.tree, name="tree"),
    path("moi/", views.own, name="own"),
    path("proches/", views.near, name="near"),
    path("semestres/", views.terms, name="terms"),
    path("personnes/", views.people, name="people"),
    path("places/nouvelle/", views.place_new, name="place_new"),
    path("places/<int:node_id>/", views.place_edit, name="place_edit"),
    path("nouveau/", views.new, name="new"),
    path("<int:budget_id>/", views.edit, name="edit"),
    path("<int:budget_id>/fin/", views.end, name="end"),
]
