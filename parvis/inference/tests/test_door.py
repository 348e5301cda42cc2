"""The one door out, over real sockets: what is admitted, where it is really sent, and what is never sent at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from conftest import House
from parvis.access.middleware import principal_of
from parvis.inference import door, routing
from parvis.inference.addresses import is_of_the_machine
from parvis.inference.completion import Message, UpstreamError
from parvis.inference.door import Admitted, NoRouteError, Route, admit
from parvis.inference.models import DEFAULT_MATRIX, LanguageModel, Provider, Purpose, RoutingMatrix, Zone
from parvis.inference.paying import waited_for
from parvis.inference.routing import MOST_ATTEMPTS, matrix_up_to
from parvis.inference.tests.conftest import Serve, attest, running
from parvis.inference.tests.model_server import (
    ModelServer,
    Script,
    answering,
    cutting,
    honest,
    refusing,
    sending_vectors,
    stalling,
)
from parvis.inference.vectors import endpoint_that_helps

MESSAGES: list[Message] = [{"role": "user", "content": "Bonjour ?"}]


def row(house: House, server: ModelServer | str, zone: str, **values: Any) -> LanguageModel:
    url = server if isinstance(server, str) else f"{server.url}/v1"
    here = {"institution": house.institution, "name": f"{zone} {url}", "base_url": url, "zone": zone}
    provider = attest(Provider.unscoped.create(**here))
    given = {"name": "m", "display_name": zone, "alias": "petit"} | values
    return LanguageModel.unscoped.create(institution=house.institution, provider=provider, **given)


def reach(house: House, **zones: str) -> None:
    matrix = matrix_up_to({"public": "world", "internal": "eu", "personal": "fr", "sensitive": "on_prem"} | zones)
    cells: dict[str, dict[str, str]] = {}
    for (data_class, zone), said in matrix.items():
        cells.setdefault(data_class, {})[zone] = str(said)
    number = RoutingMatrix.unscoped.count() + 1
    common = {"institution": house.institution, "default_class": "internal", "author": house.administrator}
    RoutingMatrix.unscoped.create(number=number, cells=cells, reason="essai", **common)


def admitted(house: House, *inputs: str, model: LanguageModel | None = None) -> Admitted:
    found = admit(principal_of(house.teacher), inputs=inputs, purpose="course", model=model)
    assert found
    return found


def refused(house: House, *inputs: str, model: LanguageModel | None = None) -> str:
    with pytest.raises(NoRouteError) as caught:
        admitted(house, *inputs, model=model)
    return caught.value.code


async def said(given: Admitted, served: list[str] | None = None) -> str:
    told: Callable[[Route], None] = lambda one: (served if served is not None else []).append(one.zone)  # noqa: E731
    options = {"idle_timeout": 0.3, "total_timeout": 3.0}
    return "".join([delta.text async for delta in door.chat(given, told=told, **options)(MESSAGES)])


def heard(words: Coroutine[Any, Any, str]) -> str:
    """On this thread's connection."""

    async def awaited() -> str:
        return await words

    with waited_for():
        return async_to_sync(awaited)()


def tried_by(house: House, one: Route, matrix: routing.Matrix) -> door.Trial:
    with waited_for():
        return async_to_sync(door.try_route)(one, matrix, door.payer_of(principal_of(house.administrator), "trial"))


@contextmanager
def servers(*scripts: Script) -> Iterator[list[ModelServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running(script)) for script in scripts]


@pytest.mark.parametrize(
    ("data_class", "zones"),
    [("public", ["on_prem", "fr", "eu", "world"]), ("internal", ["on_prem", "fr", "eu"]), ("personal", ["on_prem", "fr"])],
)
def test_an_outage_fails_over_inside_what_is_allowed_and_never_outside(
    house: House, data_class: str, zones: list[str]
) -> None:
    """Everything is out but what is forbidden, which answers and is never asked."""
    reach(house)
    scripts = [refusing(503) if zone in zones else answering("volé") for zone in Zone.values]
    with servers(*scripts) as found:
        for zone, server in zip(Zone.values, found, strict=True):
            row(house, server, zone)
        with pytest.raises(UpstreamError) as failure:
            heard(said(admitted(house, data_class)))
        asked = {zone: len(server.requests) for zone, server in zip(Zone.values, found, strict=True)}
    assert failure.value.code == "overloaded"
    assert {zone for zone, count in asked.items() if count} == set(zones)
    assert sum(asked.values()) == MOST_ATTEMPTS


def test_what_is_sensitive_stays_and_is_refused_when_nothing_is_there(house: House) -> None:
    reach(house)
    with servers(answering("volé")) as [server]:
        model = row(house, server, "fr")
        assert refused(house, "sensitive", model=model) == "class_refused"
        assert refused(house, "public", "sensitive") == "class_refused"  # the highest wins
        assert heard(said(admitted(house, "personal"))) == "volé"
        assert len(server.requests) == 1


def test_the_second_answers_when_the_first_is_broken_and_the_zone_told_is_the_true_one(house: House) -> None:
    with servers(refusing(500), answering("Oui.")) as [broken, well]:
        row(house, broken, "on_prem")
        row(house, well, "eu")
        served: list[str] = []
        assert heard(said(admitted(house, "internal"), served)) == "Oui."
    assert served == ["eu"]


def test_after_the_first_word_nobody_else_is_asked(house: House) -> None:
    with servers(cutting("Bon"), answering("Oui.")) as [broken, well]:
        row(house, broken, "on_prem")
        row(house, well, "eu")
        with pytest.raises(UpstreamError) as failure:
            heard(said(admitted(house, "internal")))
        assert (failure.value.code, well.requests) == ("cut", [])


def test_a_silent_model_is_hedged_by_another_that_is_allowed(house: House) -> None:
    reach(house)
    with servers(stalling(""), answering("Oui."), answering("volé")) as [silent, well, far]:
        row(house, silent, "on_prem", hedge_seconds=0.05)
        row(house, well, "fr")
        row(house, far, "eu")
        served: list[str] = []
        assert heard(said(admitted(house, "personal"), served)) == "Oui."
        assert (served, len(silent.requests), far.requests) == (["fr"], 1, [])


def test_a_model_that_keeps_failing_is_left_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_watch", lambda *_: None)
    with servers(refusing(503)) as [broken]:
        row(house, broken, "on_prem")
        with pytest.raises(UpstreamError):
            heard(said(admitted(house, "internal")))
        assert len(broken.requests) == 3
        assert refused(house, "internal") == "all_out"


def test_a_health_check_ends_the_rest_and_says_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "FIRST_REST", timedelta(milliseconds=50))
    with servers(refusing(503)) as [broken]:
        model = row(house, broken, "on_prem")
        with pytest.raises(UpstreamError):
            heard(said(admitted(house, "internal")))
        route, until = door.route_to(model), time.monotonic() + 5
        while door.health_of(route).rests_until and time.monotonic() < until:
            time.sleep(0.02)
        assert admitted(house, "internal")
        checks = [one for one in broken.requests if one.path.endswith("/models")]
        assert checks
        assert all((one.method, one.body) == ("GET", {}) for one in checks)


def test_without_an_attestation_in_force_nothing_leaves(house: House) -> None:
    with servers(answering("volé")) as [server]:
        model = row(house, server, "fr")
        provider = model.provider
        provider.attestations.all().delete()
        assert refused(house, "public") == "not_attested"
        assert tried_by(house, door.route_to(model), DEFAULT_MATRIX).code == "not_attested"
        attest(provider, until=timezone.localdate() - timedelta(days=1))
        assert refused(house, "public") == "attestation_over"
        attest(provider)
        assert admitted(house, "public").zone == "fr"
        for changed in ({"zone": "eu"}, {"processor": "Une autre société"}, {"base_url": "http://127.0.0.1:9/v1"}):
            Provider.unscoped.update(**changed)
            assert refused(house, "public") == "not_attested", changed
            attest(Provider.unscoped.get())
        assert server.requests == []


def test_a_trial_is_no_way_around_the_matrix(house: House) -> None:
    reach(house, public="eu")
    with servers(answering("volé")) as [server]:
        tried = tried_by(house, door.route_to(row(house, server, "world")), door.matrix_of(house.institution.id))
        assert (tried.code, server.requests) == ("class_refused", [])


def test_the_class_is_checked_before_embeddings_too(house: House) -> None:
    with servers(honest) as [server]:
        server.embedding = sending_vectors(lambda text: [1.0, float(len(text))])
        model = row(house, server, "eu", purpose=Purpose.EMBEDDINGS)
        route = door.route_to(model)
        door_open = door.admit_background(house.institution.id, inputs=["internal"], only=route, app="documents")
        assert door.embedded(door_open, ["x"], seconds=5).shape == (1, 2)
        server.requests.clear()
        with pytest.raises(NoRouteError):
            door.admit_background(house.institution.id, inputs=["internal", "sensitive"], only=route, app="documents")
        assert door.cleared_classes(house.institution.id, route) == {"public", "internal", "personal"}
        assert endpoint_that_helps(principal_of(house.teacher), ["sensitive"]) is None
        assert server.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::a9fe:a9fe",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "100.100.100.200",
        "metadata.google.internal.",
        "METADATA",
        "224.0.0.1",
    ],
)
def test_addresses_of_the_machine_are_known_however_they_are_written(address: str) -> None:
    assert is_of_the_machine(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "modeles.univ.example", "2001:db8::1", "192.168.169.254"])
def test_other_addresses_are_those_of_models(address: str) -> None:
    assert not is_of_the_machine(address)


@pytest.mark.parametrize("resolved", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1"])
def test_a_name_is_judged_by_what_it_resolves_to_when_it_is_connected_to(
    house: House, monkeypatch: pytest.MonkeyPatch, resolved: str
) -> None:
    """It passed the form; it was changed since, to lead to the machine's own secrets."""
    real = socket.getaddrinfo

    def lying(host: str, *args: Any, **kwargs: Any) -> Any:
        return real(resolved if host == "modeles.univ.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    tried = tried_by(house, door.route_to(row(house, "http://modeles.univ.example:1/v1", "fr")), DEFAULT_MATRIX)
    assert tried.code == "forbidden_address"


def test_the_address_connected_to_is_the_one_that_was_checked(
    house: House, monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    """A name that changes at its second reading is read once."""
    server, real, readings = serve(answering("bonjour")), socket.getaddrinfo, list[str]()

    def turning(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "modeles.univ.example":
            readings.append(host)
            host = "127.0.0.1" if len(readings) == 1 else "169.254.169.254"
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", turning)
    url = server.url.replace("127.0.0.1", "modeles.univ.example")
    tried = tried_by(house, door.route_to(row(house, f"{url}/v1", "fr")), DEFAULT_MATRIX)
    assert (tried.code, len(readings), len(server.requests)) == ("", 1, 1)
