"""OpenID Connect, with oidc-provider for what goes right, and tokens of our own for what must not."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse
from joserfc import jwt
from joserfc.jwk import RSAKey

from conftest import House
from parvis.federation import oidc, outbound
from parvis.federation.failure import SignInError
from parvis.federation.models import Account
from parvis.federation.oidc import OidcSettings, check_id_token, check_logout_token, verified
from parvis.federation.tests.conftest import Landing, Person, come_back, go, is_in, oidc_source


def test_two_institutions_each_with_its_provider(
    house: House, landing: Landing, oidc_providers: list[str], someone: Person
) -> None:
    here = oidc_source(house.institution, oidc_providers[0])
    there = oidc_source(house.neighbour_institution, oidc_providers[1])
    client, other = landing.client(), landing.client()

    back = someone.log_in(go(client, here), login="cdelmas", password="x")
    assert come_back(other, back).status_code == 403  # another browser
    assert come_back(client, back.replace("iss=", "iss=https%3A%2F%2Fevil.example")).status_code == 403
    back = someone.log_in(go(client, here))
    assert come_back(client, back).headers["Location"] == "/"
    assert come_back(client, back).status_code == 403  # used
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))["code"]
    spent = someone.log_in(go(client, here))
    own = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(spent).query))["code"]
    assert come_back(client, spent.replace(own, code)).status_code == 403
    assert is_in(client)

    # User information comes as a signed token; a name in the spelling of ProConnect.
    assert come_back(other, Person(landing).log_in(go(other, there), login="lmoreau", password="x")).status_code == 302
    account = Account.unscoped.get(source=there)
    assert (account.person.key, account.person.display_name) == (f"{there.id}:lmoreau", "Léo Moreau")

    # The provider signs with another key from now on: it is looked for, once.
    urllib.request.urlopen(urllib.request.Request(f"{oidc_providers[1]}/rotate", method="POST"), timeout=5).close()
    assert come_back(other, Person(landing).log_in(go(other, there), login="lmoreau", password="x")).status_code == 302

    # Signed out here, one is led to sign out there; the provider then tells every session of its own.
    second = landing.client()
    assert come_back(second, someone.log_in(go(second, here))).status_code == 302
    assert second.post(reverse("access:sign_out")).headers["Location"] == reverse("access:signed_out")
    elsewhere = second.get(reverse("access:signed_out")).context["address"]
    assert elsewhere.startswith(f"{oidc_providers[0]}/session/end?id_token_hint=")
    assert is_in(client)
    assert someone.log_in(elsewhere, logout="yes").startswith(f"{landing.address}{reverse('access:signed_out')}")
    _path, body = landing.next_post()
    for source, status in ((there, 400), (here, 200)):
        address = reverse("federation:back_channel", args=[source.id])
        answer = landing.client().post(address, body.decode(), content_type="application/x-www-form-urlencoded")
        assert answer.status_code == status
    assert not is_in(client)
    assert is_in(other)


@dataclass
class Provider:
    """Answers after some seconds, and counts what it is asked."""

    issuer: str = ""
    seconds: float = 0.0
    asked: int = 0
    nonce: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        time.sleep(self.seconds)
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
        document: dict[str, Any] = {"issuer": self.issuer} | {name: f"{self.issuer}/{name}" for name in names}
        if handler.path == "/jwks_uri":
            document = {"keys": [PUBLIC.as_dict(private=False)]}
        if handler.path == "/token_endpoint":
            claims: dict[str, Any] = {"iss": self.issuer, "aud": "parvis", "sub": "lea", "nonce": self.nonce}
            claims |= {"iat": int(time.time()), "exp": int(time.time()) + 60}
            document = {"access_token": "x", "id_token": jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)}
        if handler.path == "/userinfo_endpoint":
            document = {"sub": "lea", "eduPersonAffiliation": "student"}
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        with suppress(OSError):  # nobody waits any more
            handler.wfile.write(json.dumps(document).encode())


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.answer(self)

        def do_POST(self) -> None:
            made.answer(self)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def test_a_slow_provider_holds_nobody_and_the_other_ways_stay(
    house: House, landing: Landing, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "DISCOVERY", 0.3)
    source = oidc_source(house.institution, provider.issuer)
    address = reverse("federation:start", args=[source.id]) + "?next=/assistants/"
    provider.seconds = 1.0
    began = time.monotonic()
    client = landing.client()
    said = {language: client.get(address, headers={"accept-language": language}).content.decode() for language in ("fr", "en")}
    assert time.monotonic() - began < 1.0
    assert "met trop de temps à répondre" in said["fr"]
    assert "takes too long to answer" in said["en"]
    assert f'href="{address}"' in said["en"]
    assert f'href="{reverse("access:sign_in")}?next=%2Fassistants%2F"' in said["en"]
    assert provider.asked == 1, "it is not asked again at once"

    oidc.forget()
    provider.seconds = 0.0
    assert go(client, source).startswith(f"{provider.issuer}/authorization_endpoint?")
    asked = provider.asked
    assert go(client, source)
    assert provider.asked == asked, "what it said is kept"
    monkeypatch.setattr(oidc, "KEPT", -1)
    provider.seconds = 1.0
    assert go(client, source), "and holds while it is slow"
    assert go(client, source)
    assert provider.asked == asked + 1
    monkeypatch.setattr(oidc, "KEPT_WITHOUT_NEWS", -1)
    assert client.get(address).status_code == 403


def test_a_sign_in_takes_a_bounded_time_whatever_each_call_takes(
    house: House, landing: Landing, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, client = oidc_source(house.institution, provider.issuer), landing.client()

    def back() -> HttpResponse:
        provider.seconds = 0.0
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(go(client, source)).query))
        provider.nonce, provider.seconds = asked["nonce"], 0.2
        return come_back(client, f"{asked['redirect_uri']}?{urllib.parse.urlencode({'state': asked['state'], 'code': 'x'})}")

    assert back().status_code == 302
    monkeypatch.setattr(outbound, "WAITING_SECONDS", 0.3)
    began = time.monotonic()
    slow = back()
    assert time.monotonic() - began < 0.6
    assert slow.status_code == 403
    assert b"takes too long to answer" in slow.content


@pytest.mark.parametrize(
    "wrong", [{"issuer": "https://op.example/"}, {"end_session_endpoint": "javascript:alert(1)"}], ids=str
)
def test_a_provider_describes_itself_and_nobody_else(wrong: dict[str, str]) -> None:
    document = {"issuer": "https://op.example"}
    document |= {name: "https://op.example/x" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    assert oidc._described("https://op.example", document).end_session == ""
    with pytest.raises(SignInError):
        oidc._described("https://op.example", document | wrong)


SETTINGS = OidcSettings("https://op.example", "parvis")
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
PUBLIC = RSAKey.import_key(KEY.as_dict(private=False))
NOW = 1_800_000_000.0
GOOD: dict[str, Any] = {
    "iss": "https://op.example",
    "aud": "parvis",
    "sub": "lea",
    "nonce": "n",
    "iat": NOW - 5,
    "exp": NOW + 300,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://op.example/"},
        {"iss": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": ["parvis", "other"]},
        {"aud": ["parvis", "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": "m"},
        {"nonce": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": True},
        {"exp": str(NOW + 300)},
        {"iat": NOW + 120},
        {"iat": None},
        {"nbf": NOW + 120},
        {"sub": ""},
        {"sub": ["lea"]},
    ],
    ids=str,
)
def test_a_token_for_somebody_else_or_another_time_is_refused(wrong: dict[str, Any]) -> None:
    check_id_token(GOOD, SETTINGS, nonce="n", now=NOW)
    check_id_token(GOOD | {"aud": ["parvis", "other"], "azp": "parvis"}, SETTINGS, nonce="n", now=NOW)
    with pytest.raises(SignInError):
        check_id_token(GOOD | wrong, SETTINGS, nonce="n", now=NOW)


def test_only_the_provider_signs() -> None:
    good = jwt.encode({"alg": "RS256", "kid": "one"}, GOOD, KEY)
    assert verified(good, [PUBLIC]) == GOOD
    head, body, signature = good.split(".")
    other = RSAKey.generate_key(2048, {"kid": "one"})
    as_secret = _base64(b'{"alg":"HS256","kid":"one"}') + f".{body}"
    none = _base64(b'{"alg":"none"}') + f".{body}"
    forged = [
        f"{none}.",
        f"{none}.{signature}",
        f"{as_secret}.{_base64(hmac.digest(PUBLIC.as_pem(private=False), as_secret.encode(), 'sha256'))}",
        jwt.encode({"alg": "RS256", "kid": "one"}, GOOD, other),
        jwt.encode({"alg": "RS256", "kid": "two"}, GOOD, KEY),
        jwt.encode({"alg": "RS256", "jwk": other.as_dict(private=False)}, GOOD, other),
        f"{head}.{body[:-4]}AAAA.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        "",
        "é.é.é",
    ]
    for token in forged:
        with pytest.raises(SignInError):
            verified(token, [PUBLIC])


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_an_identity_token_orders_nobody_out() -> None:
    good = {"iss": "https://op.example", "aud": "parvis", "iat": NOW, "sid": "s", "events": {oidc.LOGOUT_EVENT: {}}}
    check_logout_token(good, SETTINGS, now=NOW)
    refused: list[dict[str, Any]] = [{"events": {}}, {"nonce": "n"}, {"sid": None}, {"aud": "x"}, {"iat": NOW - 700}]
    for wrong in [*refused, {"iss": "x"}]:
        with pytest.raises(SignInError):
            check_logout_token(good | wrong, SETTINGS, now=NOW)
    with pytest.raises(SignInError):
        check_logout_token(GOOD, SETTINGS, now=time.time())
