from __future__ import annotations

from django.urls import path

from parvis.corpora import views
from parvis.corpora.ai_rule import views as ai_rule

app_name = "corpora"
urlpatterns = [
    path("cours/", views.corpora, name="list"),
    path("cours/<int:corpus_id>/", views.corpus, name="detail"),
    path("cours/<int:corpus_id>/modifier/", views.edit, name="edit"),
    path("cours/<int:corpus_id>/partage/", views.share, name="share"),
    path("cours/<int:corpus_id>/consultation/", views.consultation, name="consultation"),
    path("cours/<int:corpus_id>/regle-ia/", ai_rule.edit, name="ai_rule"),
    path("cours/<int:corpus_id>/suppression/", views.delete, name="delete"),
    path("cours/<int:corpus_id>/documents/", views.upload, name="upload"),
    path("documents/<int:document_id>/", views.document, name="open"),
    path("documents/<int:document_id>/page/<int:number>/", views.page, name="document"),
    path("documents/<int:document_id>/page/<int:number>/image.png", views.page_image, name="page_image"),
    path("documents/<int:document_id>/original/", views.original, name="original"),
    path("documents/<int:document_id>/remplacement/", views.replace, name="replace"),
    path("documents/<int:document_id>/retrait/", views.remove, name="remove"),
    path("documents/<int:document_id>/nouvel-essai/", views.retry, name="retry"),
    path("documents/<int:document_id>/protection/", views.protection, name="protection"),
]
