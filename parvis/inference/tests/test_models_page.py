"""The administrator's page: models added, tried, changed, switched off and removed; the key written and never shown."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from conftest import House
from parvis.access.middleware import principal_of
from parvis.audit.models import Entry
from parvis.inference.door import Admitted, NoRouteError, admit, embeddings_route
from parvis.inference.models import LanguageModel, Provider
from parvis.inference.tests.conftest import Serve
from parvis.inference.tests.model_server import answering, counting, refusing
from parvis.inference.upstream import Endpoint
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
CANARY = "sk-canari-9d41c7e2"


def filled(**values: Any) -> dict[str, Any]:
    return {
        "provider_name": "Serveur du campus",
        "kind": "openai",
        "base_url": "http://127.0.0.1:9/v1",
        "secret": CANARY,
        "zone": "on_prem",
        "name": "petit-modele",
        "display_name": "Petit modèle",
        "purpose": "chat",
        "is_default": "on",
        "declares": "on",
    } | values


def added(client: Client, **values: Any) -> LanguageModel:
    response = client.post("/modeles/nouveau/", filled(**values))
    assert response.status_code == 302, response.context["form"].errors
    return LanguageModel.unscoped.latest("id")


def route(house: House, model: LanguageModel | None = None) -> Admitted:
    found = asked(house.teacher, model)
    assert found
    return found


def asked(profile: Profile, model: LanguageModel | None = None) -> Admitted | None:
    return admit(principal_of(profile), inputs=(), purpose="course", model=model)


def endpoint(house: House) -> Endpoint:
    found = route(house)
    return found.endpoints[found.first.model_id]


def test_a_model_is_added_with_its_provider_and_answers(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    added(administrator)
    page = administrator.get("/modeles/").content.decode()
    assert "Petit modèle" in page
    assert "Serveur du campus" in page
    assert (endpoint(house).base_url, endpoint(house).api_key) == ("http://127.0.0.1:9/v1", CANARY)
    assert (endpoint(house).model, route(house).zone) == ("petit-modele", "on_prem")


def test_nothing_is_chosen_that_would_send_data_far(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    form = administrator.get("/modeles/nouveau/").context["form"]
    assert (form["zone"].value(), form["is_default"].value(), form["declares"].value()) == (None, None, None)
    refused = administrator.post("/modeles/nouveau/", filled(zone=""))
    assert refused.status_code == 422
    assert refused.context["form"].errors.keys() == {"zone"}
    assert not Provider.unscoped.exists()


def test_the_key_is_seen_nowhere(house: House, sign_in: SignIn, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    administrator = sign_in(house.administrator)
    server = serve(refusing(401, f"bad key {CANARY}"))
    model = added(administrator, base_url=f"{server.url}/v1")
    pages = [
        administrator.post(f"/modeles/{model.id}/essai/", follow=True),
        administrator.get(f"/modeles/{model.id}/"),
        administrator.post(f"/modeles/{model.id}/", filled(name="")),
        administrator.get(f"/modeles/{model.id}/suppression/"),
        administrator.get("/modeles/"),
    ]
    seen = "".join(page.content.decode() for page in pages)
    seen += caplog.text + repr(route(house)) + str(list(Provider.unscoped.values())) + str(list(Entry.objects.values()))
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"  # it was used
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex()):
        assert form not in seen


def test_trying_makes_a_real_request_and_says_what_happened(house: House, sign_in: SignIn, serve: Serve) -> None:
    administrator = sign_in(house.administrator)
    server = serve(answering("bonjour"))
    model = added(administrator, base_url=f"{server.url}/v1", **{"try": "1"})
    assert len(server.requests) == 1
    assert "message-success" in administrator.get("/modeles/").content.decode()

    broken = serve(refusing(404, "model not found"))
    response = administrator.post(
        f"/modeles/{model.id}/",
        filled(base_url=f"{broken.url}/v1", display_name="Renommé", secret="autre", **{"try": "1"}),
        follow=True,
    )
    page = response.content.decode()
    assert "message-error" in page
    model.refresh_from_db()
    assert (model.display_name, model.provider.secret) == ("Renommé", "autre")  # nothing saved is lost


def test_a_model_that_answers_nothing_does_not_pass_its_trial(house: House, sign_in: SignIn, serve: Serve) -> None:
    administrator = sign_in(house.administrator)
    model = added(administrator, base_url=f"{serve(answering('')).url}/v1")
    page = administrator.post(f"/modeles/{model.id}/essai/", follow=True).content.decode()
    assert "message-error" in page
    assert "Le modèle n’a rien répondu." in page


def test_an_address_where_nobody_answers_gets_a_sentence(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    model = added(administrator)
    page = administrator.post(f"/modeles/{model.id}/essai/", follow=True).content.decode()
    assert "message-error" in page


def test_a_key_stays_until_it_is_replaced_and_never_follows_a_new_address(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    model = added(administrator)
    address = f"/modeles/{model.id}/"
    assert administrator.post(address, filled(secret="", display_name="Autre nom")).status_code == 302
    assert endpoint(house).api_key == CANARY
    moved = administrator.post(address, filled(secret="", base_url="http://ailleurs.example/v1"))
    assert moved.status_code == 422
    assert endpoint(house).base_url == "http://127.0.0.1:9/v1"
    assert administrator.post(address, filled(secret="nouvelle", base_url="http://ailleurs.example/v1")).status_code == 302
    assert endpoint(house).api_key == "nouvelle"
    administrator.post(address, filled(secret="", base_url="http://ailleurs.example/v1", forget_secret="on"))
    assert endpoint(house).api_key == ""


@pytest.mark.parametrize(
    "base_url",
    [
        "ftp://x/v1",
        "javascript:alert(1)",
        "http://",
        "https://u:p@x/v1",
        "http://x/v1?a=1",
        "http://x:99999/",
        "x",
        "http://[x/",
        "http://169.254.169.254/v1",
        "http://0xA9FEA9FE/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://metadata.google.internal/v1",
    ],
)
def test_what_is_not_an_address_is_refused(house: House, sign_in: SignIn, base_url: str) -> None:
    response = sign_in(house.administrator).post("/modeles/nouveau/", filled(base_url=base_url))
    assert response.status_code == 422
    assert response.context["form"].errors.keys() == {"base_url"}


def test_one_default_for_each_purpose_and_several_models_on_one_provider(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    first = added(administrator)
    second = added(
        administrator, provider=first.provider_id, name="grand-modele", display_name="Grand", provider_name="", base_url=""
    )
    assert Provider.unscoped.count() == 1
    first.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
    assert route(house).name == "Grand"
    same = filled(provider=first.provider_id, name="grand-modele", provider_name="", base_url="")
    assert administrator.post("/modeles/nouveau/", same).status_code == 422
    administrator.post(f"/modeles/{first.id}/suppression/")
    assert Provider.unscoped.exists()
    administrator.post(f"/modeles/{second.id}/suppression/")
    assert not Provider.unscoped.exists()


def test_a_model_switched_off_is_not_replaced_behind_the_assistants_back(house: House, sign_in: SignIn) -> None:
    administrator = sign_in(house.administrator)
    chosen, other = added(administrator), added(administrator, provider_name="Autre", zone="world")
    assert route(house, chosen).name == "Petit modèle"
    administrator.post(f"/modeles/{chosen.id}/activation/", {"enabled": "0"})
    with pytest.raises(NoRouteError):
        asked(house.teacher, chosen)
    administrator.post(f"/modeles/{other.id}/activation/", {"enabled": "0"})
    assert asked(house.teacher) is None
    administrator.post(f"/modeles/{chosen.id}/activation/", {"enabled": "1"})
    assert route(house, chosen).zone == "on_prem"


def test_a_key_sealed_under_another_installation_key_is_said_to_be_unreadable(
    house: House, sign_in: SignIn, settings: Settings, tmp_path: Path
) -> None:
    model = added(sign_in(house.administrator))
    settings.KEYRING = tmp_path / "another installation’s"
    with pytest.raises(NoRouteError) as refusal:
        asked(house.teacher)
    assert refusal.value.code == "secret_unreadable"
    page = sign_in(house.administrator).post(f"/modeles/{model.id}/essai/", follow=True).content.decode()
    assert "message-error" in page


@pytest.mark.parametrize("verb", ["get", "post"])
@pytest.mark.parametrize("path", ["", "essai/", "activation/", "suppression/"])
def test_only_administrators_of_the_institution_reach_its_models(house: House, sign_in: SignIn, verb: str, path: str) -> None:
    model = added(sign_in(house.administrator))
    neighbour = Profile.objects.create(
        institution=house.neighbour_institution, person=house.neighbour_teacher.person, role="administrator"
    )
    for profile in (neighbour, house.teacher, house.student):
        client = sign_in(profile)
        assert getattr(client, verb)(f"/modeles/{model.id}/{path}").status_code in (404, 405)
        assert "Petit modèle" not in client.get("/modeles/").content.decode()
    assert asked(neighbour) is None
    assert LanguageModel.unscoped.filter(enabled=True).count() == 1
    with pytest.raises(NoRouteError):
        asked(neighbour, model)
    assert sign_in(neighbour).post("/modeles/nouveau/", filled(provider=model.provider_id)).status_code in (302, 422)
    assert not LanguageModel.unscoped.exclude(id=model.id).filter(provider=model.provider).exists()


def test_the_environment_gives_a_model_that_nobody_changes(
    house: House, sign_in: SignIn, settings: Settings, serve: Serve
) -> None:
    server = serve(answering("bonjour"))
    settings.MODEL_URL, settings.MODEL_NAME, settings.MODEL_KEY = server.url, "modele-installe", CANARY
    settings.EMBEDDINGS_URL, settings.EMBEDDINGS_NAME = server.url, "vecteurs"
    administrator = sign_in(house.administrator)
    page = administrator.get("/modeles/").content.decode()
    assert "modele-installe" in page
    assert CANARY not in page
    assert route(house).zone == "on_prem"
    assert embeddings_route(house.institution.id)
    for purpose in ("chat", "embeddings"):
        said = administrator.post(f"/modeles/installation/{purpose}/essai/", follow=True).content.decode()
        assert "message-success" in said
    assert administrator.post("/modeles/installation/zzz/essai/").status_code == 404
    assert sign_in(house.teacher).post("/modeles/installation/chat/essai/").status_code == 404


@pytest.mark.parametrize("counts", [True, False])
def test_a_trial_sees_whether_a_model_counts_as_its_words_come(
    house: House, sign_in: SignIn, serve: Serve, counts: bool
) -> None:
    administrator = sign_in(house.administrator)
    server = serve(counting(["Bon", "jour"], counts=counts))
    model = added(administrator, base_url=f"{server.url}/v1", counts_as_it_goes="" if counts else "on")
    administrator.post(f"/modeles/{model.id}/essai/")
    model.refresh_from_db()
    assert model.counts_as_it_goes is counts
    page = administrator.get(f"/modeles/{model.id}/").content.decode()
    [box] = [tag for tag in page.split("<") if 'name="counts_as_it_goes"' in tag]
    assert ("checked" in box) is counts
    assert administrator.post(f"/modeles/{model.id}/", filled(counts_as_it_goes="on")).status_code == 302
    model.refresh_from_db()
    assert model.counts_as_it_goes, "whoever knows better says so"
