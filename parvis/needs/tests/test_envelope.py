"""A shared envelope from real co-signatures: columns add up to the cent, and who is only interested does not pay."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from parvis.audit.models import Entry
from parvis.institutions.models import Profile
from parvis.needs.actions import harmonised
from parvis.needs.envelope import candidates, share
from parvis.needs.equal_shares import Completion
from parvis.needs.models import CoSignature
from parvis.needs.tests.conftest import Commons

SignIn = Callable[[Profile], Client]


def test_each_column_adds_up_and_the_interested_do_not_pay(commons: Commons, sign_in: SignIn) -> None:
    ours, both = commons.need("À nous"), commons.need("À tous")
    for need, signing in ((ours, (commons.referent,)), (both, (commons.referent, commons.neighbour))):
        version = commons.stable(need)
        harmonised.open_cosignature(commons.coordinator, need)
        for principal in signing:
            commons.signed(version, principal)
    interested = commons.signed(ours.versions.get(), commons.neighbour)
    CoSignature.unscoped.filter(id=interested.id).update(engagement="interested")
    needs, payers = candidates(commons.coordinator)
    costs = {ours.id: 30, both.id: 33}
    sharing = share(needs, payers, euros=101, costs=costs, by_students=False, completion=Completion.NONE)
    assert [(need.id, cost) for need, cost, _by in sharing.bought] == [(both.id, 33.0), (ours.id, 30.0)]
    assert [(row.name, row.share, row.paid, row.left) for row in sharing.rows] == [
        ("Ici", 50.5, (16.5, 30.0), 4.0),
        ("Là-bas", 50.5, (16.5, 0.0), 34.0),
    ]
    query: dict[str, str | int] = {
        "euros": 101,
        "weight": "equal",
        "completion": "NONE",
        f"cost_{ours.id}": 30,
        f"cost_{both.id}": 33,
    }
    client = sign_in(commons.representing)
    file = client.get(reverse("needs:envelope_csv"), query).content.decode("utf-8-sig")
    assert file.splitlines()[1:] == [
        "Ici;50,50;16,50;30,00;4,00",
        "Là-bas;50,50;16,50;0,00;34,00",
        "Total;101,00;33,00;30,00;38,00",
    ]
    (taken,) = Entry.objects.filter(action="file.export")
    assert (taken.actor, taken.details["what"]) == (commons.house.principal(commons.representing).actor, "envelope")
    assert client.get(reverse("needs:envelope"), query | {"euros": "-1"}).status_code == 422
    assert sign_in(commons.house.student).get(reverse("needs:envelope")).status_code == 404
