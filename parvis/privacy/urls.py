from __future__ import annotations

from django.urls import path

from parvis.privacy.views import me, people, register

app_name = "privacy"
urlpatterns = [
    path("mon-profil/", me.me, name="me"),
    path("mon-profil/sessions/", me.other_sessions, name="other_sessions"),
    path("mon-profil/copie/", me.copy, name="copy"),
    path("mon-profil/effacement/", me.erasure, name="erasure"),
    path("mon-profil/efface/", me.erased, name="erased"),
    path("administration/donnees/", register.register, name="register"),
    path("administration/donnees/registre.<slug:extension>", register.register_file, name="register_file"),
    path("administration/donnees/aipd.<slug:extension>", register.assessment_file, name="assessment_file"),
    path("administration/donnees/durees/", register.retention, name="retention"),
    path("administration/donnees/traitements/ajout/", register.line, name="add_line"),
    path("administration/donnees/traitements/<str:code>/", register.line, name="line"),
    path("administration/donnees/traitements/<str:code>/oubli/", register.forget_line, name="forget_line"),
    path("administration/donnees/personnes/", people.people, name="people"),
    path("administration/donnees/personnes/<int:person_id>/", people.person, name="person"),
    path("administration/donnees/personnes/<int:person_id>/copie/", people.copy, name="person_copy"),
    path("administration/donnees/personnes/<int:person_id>/effacement/", people.erasure, name="person_erasure"),
]
