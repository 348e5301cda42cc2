"""Who says who represents an institution, and that an ended role opens nothing any more."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from parvis.institutions.models import Profile, Role, WorkingGroup
from parvis.needs.tests.conftest import Commons

SignIn = Callable[[Profile], Client]


def test_the_coordination_makes_and_changes_groups_and_nobody_else(commons: Commons, sign_in: SignIn) -> None:
    name = {"name": "Sobriété numérique"}
    for other in (commons.representing, commons.house.administrator):
        assert sign_in(other).post(reverse("needs:groups"), name).status_code == 403
        assert sign_in(other).post(reverse("needs:group", args=["pedagogie"]), name).status_code == 403
    coordination = sign_in(commons.coordinating)
    coordination.post(reverse("needs:groups"), name)
    assert coordination.post(reverse("needs:groups"), {"name": "sobriété numérique"}).status_code == 422
    group = WorkingGroup.objects.get(slug="sobriete-numerique")
    members = {"profiles": [commons.representing.id], "name": "Sobriété"}
    coordination.post(reverse("needs:group", args=[group.slug]), members)
    group.refresh_from_db()
    assert (group.name, group.is_active, list(group.profiles.all())) == ("Sobriété", False, [commons.representing])
    outsider = {"profiles": [commons.house.student.id], "name": "Sobriété"}
    assert coordination.post(reverse("needs:group", args=[group.slug]), outsider).status_code == 422


def test_an_administrator_names_the_representatives_of_their_institution_only(commons: Commons, sign_in: SignIn) -> None:
    here, there = (reverse("needs:people", args=[slug]) for slug in ("ici", "la-bas"))
    given = {"role": "signatory", "name": "Nouvelle Signataire", "email": "n@exemple.fr"}
    client = sign_in(commons.house.administrator)
    assert "/connexion/lien/" in client.post(here, given).content.decode()
    profile = Profile.objects.get(person__display_name="Nouvelle Signataire")
    assert (profile.role, profile.institution) == (Role.SIGNATORY, commons.house.institution)
    assert client.post(there, given).status_code == 403
    assert sign_in(commons.house.teacher).post(here, given).status_code == 403
    assert sign_in(commons.house.student).post(here, given).status_code == 404
    assert client.post(here, {**given, "role": "administrator"}).status_code == 422
    elsewhere = {"role": "referent", "person": commons.house.neighbour_teacher.person_id}
    assert client.post(here, elsewhere).status_code == 422
    assert sign_in(commons.coordinating).post(there, given).status_code == 200


def test_an_ended_role_opens_nothing_and_may_begin_again(commons: Commons, sign_in: SignIn) -> None:
    commons.text(commons.referent)  # it has acted: its row cannot go
    client, coordination = sign_in(commons.representing), sign_in(commons.coordinating)
    assert client.get(reverse("needs:dashboard")).content.decode().count("Référent·e") > 0
    coordination.post(reverse("needs:role_end", args=["ici", commons.representing.id]))
    assert "Référent·e" not in client.get(reverse("needs:dashboard")).content.decode(), "their other profile is used"
    assert client.post(reverse("access:switch_profile"), {"profile": commons.representing.id}).status_code == 404
    again = {"role": "referent", "person": commons.representing.person_id}
    coordination.post(reverse("needs:people", args=["ici"]), again)
    commons.representing.refresh_from_db()
    assert commons.representing.ended_at is None
