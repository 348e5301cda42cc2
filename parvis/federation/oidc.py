"""OpenID Connect, as a client: authorization code with PKCE (RFC 7636), state, nonce, `iss` (RFC 9207), keys that change,
user information as JSON or as a signed JWT (ProConnect), logout from either side.

Tokens are verified with public keys of the provider only: a secret shared with it signs nothing here, so a token "signed"
with a public key as if it were a secret, or not signed at all, has no way in.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from joserfc.jws import JWSRegistry

from parvis.federation.attributes import arrived
from parvis.federation.failure import AWAY, SignInError
from parvis.federation.outbound import Answer, Outbound

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
LEEWAY = 60  # seconds by which two clocks may differ
KEPT = 3_600  # seconds for which a provider's description and keys are kept
KEPT_WITHOUT_NEWS = 86_400  # those that it does not renew
DISCOVERY = 3.0  # seconds for its description and its keys together: somebody waits, and so does a thread
SILENCE = 15  # seconds during which one that did not answer is not asked again
REFETCH = 10  # seconds between two searches for a key nobody knows
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """`scopes` beside `openid`, separated by spaces."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: str = "profile"


@dataclass(frozen=True, slots=True)
class Provider:
    """What its discovery document says."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    userinfo: str = ""
    end_session: str = ""
    sends_iss: bool = False
    basic: bool = True


@dataclass(frozen=True, slots=True)
class Arrival:
    attributes: dict[str, tuple[str, ...]]
    id_token: str = field(repr=False)
    session: str = ""  # `sid`, by which the provider ends it


@dataclass(slots=True)
class _Kept:
    provider: Provider
    keys: list[Key]
    at: float
    searched_at: float = 0.0


_kept: dict[str, _Kept] = {}
_silent: dict[str, tuple[float, SignInError]] = {}  # when it did not answer, and how


async def login_address(
    settings: OidcSettings, outbound: Outbound, *, redirect_uri: str, state: str, nonce: str, verifier: str
) -> str:
    provider = (await _known(settings.issuer, outbound)).provider
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(dict.fromkeys(["openid", *settings.scopes.split()])),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return _with_query(provider.authorization, query)


async def arrive(
    settings: OidcSettings,
    outbound: Outbound,
    answer: Mapping[str, str],
    *,
    redirect_uri: str,
    nonce: str,
    verifier: str,
    now: float | None = None,
) -> Arrival:
    """Who comes back with this answer, whose `state` the caller has already matched to the browser. Raises SignInError."""
    provider = (await _known(settings.issuer, outbound)).provider
    given = answer.get("iss", "")
    if (given or provider.sends_iss) and given != settings.issuer:
        raise SignInError("issuer")
    if "error" in answer:
        raise SignInError("denied" if answer["error"] == "access_denied" else "provider_error", answer["error"][:60])
    if not answer.get("code"):
        raise SignInError("code")
    tokens = await _tokens(settings, provider, outbound, answer["code"], redirect_uri=redirect_uri, verifier=verifier)
    id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise SignInError("garbage", "token")
    claims = await _verified(settings, outbound, id_token)
    check_id_token(claims, settings, nonce=nonce, now=time.time() if now is None else now)
    if provider.userinfo:
        claims = await _userinfo(settings, provider, outbound, access_token, claims["sub"]) | claims
    private = {"iss", "aud", "azp", "nonce", "exp", "iat", "nbf", "auth_time", "sid", "jti", "acr", "amr", "at_hash", "c_hash"}
    session = claims.get("sid", "")
    return Arrival(
        attributes=arrived((name, value) for name, value in claims.items() if name not in private and name != "user"),
        id_token=id_token,
        session=session if isinstance(session, str) else "",
    )


async def logout_address(settings: OidcSettings, outbound: Outbound, *, id_token: str, back: str) -> str:
    """Where to close the session at the provider; "" when it has no such place."""
    provider = (await _known(settings.issuer, outbound)).provider
    if not provider.end_session:
        return ""
    query = {"id_token_hint": id_token, "client_id": settings.client_id, "post_logout_redirect_uri": back}
    return _with_query(provider.end_session, query)


async def back_channel_logout(settings: OidcSettings, outbound: Outbound, token: str) -> tuple[str, str]:
    """(`sub`, `sid`) of the sessions to end, either may be "". Raises SignInError."""
    claims = await _verified(settings, outbound, token)
    check_logout_token(claims, settings, now=time.time())
    return str(claims.get("sub", "")), str(claims.get("sid", ""))


def check_id_token(claims: Mapping[str, Any], settings: OidcSettings, *, nonce: str, now: float) -> None:
    """OpenID Connect Core 1.0, section 3.1.3.7."""
    _check_common(claims, settings, now=now)
    audience = _audience(claims)
    if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != settings.client_id:
        raise SignInError("token", "azp")
    if not nonce or claims.get("nonce") != nonce:
        raise SignInError("token", "nonce")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise SignInError("token", "sub")
    if not _is_instant(claims.get("exp")):
        raise SignInError("token", "exp")


def check_logout_token(claims: Mapping[str, Any], settings: OidcSettings, *, now: float) -> None:
    """OpenID Connect Back-Channel Logout 1.0, section 2.6."""
    _check_common(claims, settings, now=now)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise SignInError("token", "events")
    if "nonce" in claims:  # an identity token is no order to leave
        raise SignInError("token", "nonce")
    named = [claims.get("sub"), claims.get("sid")]
    if not any(named) or not all(isinstance(one, str) for one in named if one is not None):
        raise SignInError("token", "sub")
    if now - claims["iat"] > 600:
        raise SignInError("token", "iat")


def forget() -> None:
    """Providers are looked up anew: a source has been changed."""
    _kept.clear()
    _silent.clear()


def _check_common(claims: Mapping[str, Any], settings: OidcSettings, *, now: float) -> None:
    if claims.get("iss") != settings.issuer:
        raise SignInError("token", "iss")
    if settings.client_id not in _audience(claims):
        raise SignInError("token", "aud")
    if not _is_instant(claims.get("iat")) or claims["iat"] > now + LEEWAY:
        raise SignInError("token", "iat")
    if "exp" in claims and (not _is_instant(claims["exp"]) or claims["exp"] < now - LEEWAY):
        raise SignInError("token", "exp")
    if "nbf" in claims and (not _is_instant(claims["nbf"]) or claims["nbf"] > now + LEEWAY):
        raise SignInError("token", "nbf")


def _audience(claims: Mapping[str, Any]) -> list[Any]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _is_instant(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


async def _known(issuer: str, outbound: Outbound) -> _Kept:
    """What it says of itself, asked for within a bounded time. While it does not answer, what it said last holds for a day."""
    kept, now = _kept.get(issuer), time.monotonic()
    if kept and now - kept.at <= KEPT:
        return kept
    silent_at, failure = _silent.get(issuer, (now - SILENCE, None))
    if failure is None or now - silent_at >= SILENCE:
        try:
            return await _discovered(issuer, outbound)
        except SignInError as error:
            if error.code not in AWAY:
                raise
            failure = error
            _silent[issuer] = time.monotonic(), error
    if kept and now - kept.at <= KEPT_WITHOUT_NEWS:
        return kept
    raise SignInError(failure.code, failure.detail)


async def _discovered(issuer: str, outbound: Outbound) -> _Kept:
    try:
        async with asyncio.timeout(DISCOVERY):
            answer = await outbound.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", accept="application/json")
            provider = _described(issuer, _ok(answer).json())
            kept = _Kept(provider, await _keys(provider, outbound), time.monotonic())
    except TimeoutError:
        raise SignInError("slow", urlsplit(issuer).hostname or "") from None
    _silent.pop(issuer, None)
    _kept[issuer] = kept
    return kept


def _described(issuer: str, document: Mapping[str, Any]) -> Provider:
    def address(name: str, *, required: bool = True) -> str:
        value = document.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or not value.startswith(("https://", "http://")):  # some are links on our pages
            raise SignInError("discovery", name)
        return value

    if document.get("issuer") != issuer:  # to the letter: section 4.3 of OpenID Connect Discovery
        raise SignInError("discovery", "issuer")
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Provider(
        issuer=issuer,
        authorization=address("authorization_endpoint"),
        token=address("token_endpoint"),
        jwks=address("jwks_uri"),
        userinfo=address("userinfo_endpoint", required=False),
        end_session=address("end_session_endpoint", required=False),
        sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
        basic="client_secret_basic" in methods,
    )


async def _keys(provider: Provider, outbound: Outbound) -> list[Key]:
    """Its public keys. A key of a kind we do not know does not hide the others; a shared secret is not one."""
    rows = _ok(await outbound.get(provider.jwks, accept="application/json")).json().get("keys")
    keys: list[Key] = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and row.get("kty") in {"RSA", "EC", "OKP"} and row.get("use", "sig") == "sig":
            try:
                keys.append(import_key(row))
            except (JoseError, ValueError, KeyError, TypeError):
                continue
    if not keys:
        raise SignInError("keys")
    return keys


async def _verified(settings: OidcSettings, outbound: Outbound, token: str) -> dict[str, Any]:
    """The claims of a token that the provider signed. Its keys are asked for again, once, when it names one we lack."""
    kept = await _known(settings.issuer, outbound)
    kid = _header(token).get("kid")
    is_unknown = kid is not None and kid not in {key.kid for key in kept.keys}
    if is_unknown and time.monotonic() - kept.searched_at > REFETCH:
        kept.searched_at = time.monotonic()
        kept.keys = await _keys(kept.provider, outbound)
    return verified(token, kept.keys)


def verified(token: str, keys: Sequence[Key]) -> dict[str, Any]:
    """The claims of a token signed by one of these keys. Raises SignInError."""
    kid = _header(token).get("kid")
    for key in [key for key in keys if kid is None or key.kid in {kid, None}]:
        try:
            return jwt.decode(token, key, algorithms=ALGORITHMS, registry=_registry()).claims
        except (JoseError, ValueError, TypeError):
            continue
    raise SignInError("token", "signature")


def _registry() -> JWSRegistry:
    return JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


def _header(token: str) -> dict[str, Any]:
    head = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise SignInError("token", "form")
    return header


async def _tokens(
    settings: OidcSettings, provider: Provider, outbound: Outbound, code: str, *, redirect_uri: str, verifier: str
) -> dict[str, Any]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    basic = None
    if not settings.client_secret:
        form["client_id"] = settings.client_id
    elif provider.basic:
        basic = (_encoded(settings.client_id), _encoded(settings.client_secret))
    else:
        form |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
    answer = await outbound.post(provider.token, form, basic=basic)
    if answer.status in {400, 401}:
        said = answer.json().get("error", "") if "json" in answer.content_type else ""
        raise SignInError("client" if said == "invalid_client" or answer.status == 401 else "code", str(said)[:60])
    return _ok(answer).json()


async def _userinfo(
    settings: OidcSettings, provider: Provider, outbound: Outbound, access_token: str, subject: str
) -> dict[str, Any]:
    answer = _ok(await outbound.get(provider.userinfo, bearer=access_token, accept="application/jwt, application/json"))
    if answer.content_type == "application/jwt":
        claims = await _verified(settings, outbound, answer.body.decode("ascii", "replace").strip())
        if claims.get("iss", settings.issuer) != settings.issuer:
            raise SignInError("userinfo", "iss")
        if "aud" in claims and settings.client_id not in _audience(claims):
            raise SignInError("userinfo", "aud")
    else:
        claims = answer.json()
    if claims.get("sub") != subject:  # section 5.3.4: somebody else's, otherwise
        raise SignInError("userinfo", "sub")
    return claims


def _ok(answer: Answer) -> Answer:
    if answer.status != 200:
        raise SignInError("provider_status", str(answer.status))
    return answer


def _encoded(text: str) -> str:
    return urlencode({"": text})[1:]  # RFC 6749, section 2.3.1


def _with_query(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"
