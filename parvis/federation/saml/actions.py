"""Federations kept up to date, the way to a provider and back, and our own keys."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO
from urllib.parse import quote

from asgiref.sync import async_to_sync
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.access.secrets import SecretUnreadableError, seal, unseal
from parvis.audit.models import record
from parvis.federation.actions import end_sessions, outbound
from parvis.federation.failure import SignInError
from parvis.federation.models import Kind, SignInSource
from parvis.federation.saml import metadata, requests, responses
from parvis.federation.saml.description import Description, write
from parvis.federation.saml.markup import Element, parse
from parvis.federation.saml.models import Entity, Federation, SamlResponse, ServiceKey, hash_of, words_of
from parvis.federation.saml.responses import Name, Service
from parvis.federation.saml.signatures import fingerprint, key_of_pem, pem

log = logging.getLogger("parvis.federations")
LARGEST_AGGREGATE = 300_000_000
DOWNLOAD_SECONDS = 180.0
EVERY = timedelta(hours=1)
AGAIN = timedelta(minutes=10)  # after a failure
WAITS = timedelta(minutes=5)  # a verified response, for the browser that asked for it
LONGEST_VALIDITY = timedelta(days=40)  # beyond, an old aggregate could be served for years
KEY_BITS = 3_072
KEY_YEARS = 10
DESCRIBED = timedelta(days=30)
BATCH = 500
_LEAVING = "|saml_logout|"
_REFUSAL = "parvis.federation.saml"


@dataclass(frozen=True, slots=True)
class FederationValues:
    name: str
    kind: str
    address: str
    keys: list[str]  # PEM


@dataclass(frozen=True, slots=True)
class Taken:
    """What came back, opened by the browser that asked for it. `elsewhere`: where to close the provider's session."""

    attributes: dict[str, tuple[str, ...]]
    outside: tuple[str, ...]
    session: str
    subject: str
    elsewhere: str


# The way there and back


def service() -> Service:
    """Of the whole installation: one name in every federation, whatever the institution."""
    keys = tuple(row.private_key for row in ServiceKey.unscoped.all())
    return Service(_site("saml:metadata"), _site("saml:landing"), keys)


def provider_of(source: SignInSource) -> metadata.Provider:
    """The only one that a request reads. Raises SignInError("metadata") when nobody vouches for it any more."""
    rows = Entity.unscoped.filter(institution=source.institution_id, entity_id=source.settings.get("entity_id", ""))
    entity = rows.filter(federation=source.settings.get("federation")).select_related("federation").first()
    if entity is None:
        raise SignInError("metadata", "gone")
    provider = entity.provider
    if entity.federation is None:
        return replace(provider, scopes=tuple(source.settings.get("domains", "").split()))
    limits = [entity.valid_until, entity.federation.valid_until if entity.federation.is_aggregate else None]
    if any(limit is not None and limit <= timezone.now() for limit in limits):
        raise SignInError("metadata", "expired")
    return provider


def sign_in_address(source: SignInSource, *, nonce: str, state: str) -> str:
    """Raises SignInError."""
    key = key_in_use().private_key
    relayed = f"{source.id}.{state}"
    return requests.sign_in_address(
        provider_of(source), service(), key, request=request_id(nonce), state=relayed, now=timezone.now()
    )


def request_id(nonce: str) -> str:
    return f"_{nonce}"


def relayed(state: str) -> tuple[int, str]:
    """(number of the source, state of the browser) of a RelayState. Raises SignInError("state")."""
    number, _, state = state.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 19 and state) or len(state) > requests.LONGEST_STATE:
        raise SignInError("state")
    return int(number), state


def receive(source: SignInSource, encoded: str) -> str:
    """Verifies a response and keeps it for the browser that brings the handle given back. Raises SignInError; a response that
    was presented before is refused."""
    now = timezone.now()
    arrival = responses.read(encoded, provider_of(source), service(), now=now)
    handle = secrets.token_urlsafe(32)
    body = json.dumps(
        {
            "request": arrival.request,
            "attributes": arrival.attributes,
            "outside": arrival.outside,
            "session": arrival.session,
            "name": asdict(arrival.name) if arrival.name else None,
            "until": (now + WAITS).isoformat(),
        }
    )
    with transaction.atomic():
        SamlResponse.unscoped.filter(expires_at__lt=now).delete()
    try:
        with transaction.atomic():
            SamlResponse.unscoped.create(
                institution_id=source.institution_id,
                source=source,
                assertion=hash_of(arrival.assertion),
                handle=hash_of(handle),
                sealed_body=seal(body, place=_place(source, handle)),
                expires_at=max(arrival.until + responses.LEEWAY, now + WAITS),
            )
    except IntegrityError:
        raise SignInError("state", "replayed") from None
    return handle


@transaction.atomic
def take(source: SignInSource, handle: str, *, nonce: str) -> Taken:
    """Once. Raises SignInError("state") for what this browser did not ask for."""
    rows = SamlResponse.unscoped.select_for_update().filter(source=source, handle=hash_of(handle)).exclude(sealed_body="")
    row = rows.first()
    if row is None:
        raise SignInError("state")
    sealed, row.sealed_body = row.sealed_body, ""
    row.save(update_fields=["sealed_body"])
    try:
        body = json.loads(unseal(sealed, place=_place(source, handle)))
    except SecretUnreadableError:
        raise SignInError("state") from None
    if body["request"] != request_id(nonce) or datetime.fromisoformat(body["until"]) < timezone.now():
        raise SignInError("state", "InResponseTo")
    name = Name(**body["name"]) if body["name"] else None
    return Taken(
        attributes={key: tuple(values) for key, values in body["attributes"].items()},
        outside=tuple(body["outside"]),
        session=body["session"],
        subject=name.text if name else "",
        elsewhere=_leaving_address(source, name, body["session"]) if name and provider_of(source).logout else "",
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A source's provider as it is known now. `provider` None: nobody vouches for it, for the reason `problem`."""

    provider: metadata.Provider | None
    problem: SignInError | None
    federation: Federation | None
    fingerprints: list[str]
    addresses: dict[str, str]


def standing_of(source: SignInSource) -> Standing:
    provider: metadata.Provider | None = None
    problem: SignInError | None = None
    try:
        provider = provider_of(source)
    except SignInError as error:
        problem = error
    number = source.settings.get("federation")
    return Standing(
        provider=provider,
        problem=problem,
        federation=Federation.unscoped.filter(institution=source.institution_id, id=number).first() if number else None,
        fingerprints=[fingerprint(key) for key in provider.keys] if provider else [],
        addresses={
            "own": _site("saml:metadata_of_source", source.id),
            **{name: _site(f"saml:{name}") for name in ("metadata", "landing", "logout")},
        },
    )


def refusal(error: SignInError) -> str:
    """What went wrong where the provider posted, for the page that the browser is sent to: nobody else can write it."""
    return signing.dumps([error.code, error.detail], salt=_REFUSAL)


def refusal_of(text: str) -> SignInError:
    try:
        code, detail = signing.loads(text, salt=_REFUSAL, max_age=WAITS)
    except signing.BadSignature:
        return SignInError("state")
    return SignInError(code, detail)


def leave_address(token: str) -> str:
    """To the provider, with the signed request to end what a sign-in there began. Raises SignInError("state")."""
    try:
        source_id, name, session = json.loads(unseal(token, place=_LEAVING))
    except SecretUnreadableError:
        raise SignInError("state") from None
    source = SignInSource.unscoped.filter(id=source_id, kind=Kind.SAML).first()
    if source is None:
        raise SignInError("state")
    return requests.logout_address(
        provider_of(source),
        service(),
        key_in_use().private_key,
        request=f"_{secrets.token_urlsafe(24)}",
        name=Name(**name),
        session=session,
        now=timezone.now(),
    )


def logged_out(query: str, form: str) -> str:
    """Obeys a provider's LogoutRequest, of a query or a form, and gives the address at which to tell it so; "" where it has
    none. Raises SignInError for what no provider of ours signed.

    Several institutions may recognise the same provider, each by its own federation: the order counts for those only who hold
    a key that signed it."""
    message = _message(query, form, "SAMLRequest")
    now, failure, answer = timezone.now(), SignInError("signature", "key"), ""
    obeyed = False
    for source, provider in _sources_of(requests.issuer_of(message)):
        try:
            signed = _signed_message(query, form, "SAMLRequest", provider)
            order = requests.read_logout(signed, provider, service(), at=_site("saml:logout"), now=now)
        except SignInError as error:
            failure = error
            continue
        for session in order.sessions or ("",):
            end_sessions(source, name=session, subject=order.name.text)
        answer = answer or _logout_answer(provider, order, "" if form else requests.state_of(query), now=now)
        obeyed = True
    if not obeyed:
        raise failure
    return answer


def is_left(query: str, form: str) -> bool:
    """Whether the LogoutResponse of a provider says that its session is ended. Raises SignInError."""
    message = _message(query, form, "SAMLResponse")
    for _source, provider in _sources_of(requests.issuer_of(message)):
        try:
            signed = _signed_message(query, form, "SAMLResponse", provider)
        except SignInError:
            continue
        return requests.read_logout_answer(signed, provider, at=_site("saml:logout"), now=timezone.now())
    raise SignInError("signature", "key")


def _message(query: str, form: str, kind: requests.Kind) -> Element:
    """Unverified: it only says by whom to verify it."""
    return parse(responses.decoded(form)) if form else requests.unpacked(query, kind)


def _signed_message(query: str, form: str, kind: requests.Kind, provider: metadata.Provider) -> Element:
    return requests.from_post(form, provider) if form else requests.from_redirect(query, kind, provider)


def _sources_of(entity_id: str) -> Iterator[tuple[SignInSource, metadata.Provider]]:
    for source in SignInSource.unscoped.filter(kind=Kind.SAML, settings__entity_id=entity_id).defer("logo").order_by("id"):
        try:
            yield source, provider_of(source)
        except SignInError as error:
            log.warning("Sign-in source %s: %s", source.id, error)


def _logout_answer(provider: metadata.Provider, order: requests.Logout, state: str, *, now: datetime) -> str:
    if not provider.logout_answer:
        return ""
    key, identifier = key_in_use().private_key, f"_{secrets.token_urlsafe(24)}"
    return requests.logout_answer(provider, service(), key, identifier=identifier, to=order.identifier, state=state, now=now)


def _leaving_address(source: SignInSource, name: Name, session: str) -> str:
    token = seal(json.dumps([source.id, asdict(name), session]), place=_LEAVING)
    return f"{reverse('saml:leave')}?jeton={quote(token, safe='')}"


def _place(source: SignInSource, handle: str) -> str:
    return f"{source.institution_id}|saml_response|{source.id}|{handle}"


def _site(name: str, *args: int) -> str:
    return f"{settings.SITE_URL.rstrip('/')}{reverse(name, args=args)}"


# Federations


@transaction.atomic
def add_federation(principal: Principal, values: FederationValues) -> Federation:
    federation = Federation(institution_id=principal.institution_id)
    _write(federation, values)
    ensure_key()
    _record(principal, "federation.add", federation)
    return federation


@transaction.atomic
def edit_federation(principal: Principal, federation: Federation, values: FederationValues) -> None:
    """What was read with other keys, or elsewhere, is forgotten: nobody vouches for it any more."""
    is_other = (values.address, values.kind) != (federation.address, federation.kind)
    is_trusted_otherwise = not {pem(key_of_pem(key)) for key in values.keys} & set(federation.keys)
    if is_other or is_trusted_otherwise:
        federation.entities.all().delete()
        federation.read_at = federation.valid_until = None
    _write(federation, values)
    _record(principal, "federation.edit", federation)


def sources_of_federation(federation: Federation) -> list[SignInSource]:
    rows = SignInSource.unscoped.filter(institution=federation.institution_id, kind=Kind.SAML)
    return [row for row in rows.defer("logo") if row.settings.get("federation") == federation.id]


@transaction.atomic
def delete_federation(principal: Principal, federation: Federation) -> bool:
    """False where a source needs it: the source is removed first."""
    if sources_of_federation(federation):
        return False
    _record(principal, "federation.delete", federation)
    federation.delete()
    return True


def ask_to_read(federation: Federation) -> None:
    """By the worker, as soon as it has nothing else to do."""
    Federation.unscoped.filter(id=federation.id).update(tried_at=None)


def due(now: datetime) -> Federation | None:
    """One that is to be read now, claimed: no other worker takes it."""
    late = Q(tried_at=None) | Q(tried_at__lt=now - EVERY) | (Q(tried_at__lt=now - AGAIN) & ~Q(problem=""))
    for federation in Federation.unscoped.filter(late).order_by("id"):
        claimed = Federation.unscoped.filter(late, id=federation.id, tried_at=federation.tried_at).update(tried_at=now)
        if claimed:
            return federation
    return None


def refresh(federation: Federation, *, now: datetime) -> str:
    """Reads it anew; what went wrong, "" when nothing did: what was known before then stays, until it expires."""
    problem = ""
    try:
        if federation.is_aggregate:
            _read_aggregate(federation, now=now)
        else:
            _read_each(federation, now=now)
    except SignInError as error:
        problem = str(error)[:120]
        log.warning("Federation %s: %s", federation.id, error)
    Federation.unscoped.filter(id=federation.id).update(problem=problem, tried_at=now)
    return problem


def entity_of(federation: Federation, entity_id: str) -> Entity:
    """One provider of a federation that is asked entity by entity, fetched and verified now. Raises SignInError."""
    provider, body = _ask(federation, entity_id)
    return _keep(federation.institution_id, federation, provider, body)


def entity_by_hand(principal: Principal, body: bytes) -> Entity:
    """Of metadata that an administrator has, and answers for: no signature is asked. Raises SignInError."""
    provider, own = metadata.read_alone(body)
    entity = _keep(principal.institution_id, None, replace(provider, valid_until=None), own)
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="provider.read",
        subject=f"provider:{entity.id}",
        entity=provider.entity_id,
    )
    return entity


def fetched(address: str) -> bytes:
    """Metadata at an address. Raises SignInError."""
    answer = async_to_sync(outbound().get)(address, accept="application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1")
    if answer.status != 200:
        raise SignInError("provider_status", str(answer.status))
    return answer.body


def logo_bytes(provider: metadata.Provider) -> bytes:
    """The image that a provider shows of itself, fetched by this server once; b"" when there is none or it does not come."""
    if not provider.logo:
        return b""
    try:
        return metadata.embedded_logo(provider.logo) or fetched(provider.logo)
    except SignInError as error:
        log.info("Logo of %s: %s", provider.entity_id, error)
        return b""


def _read_aggregate(federation: Federation, *, now: datetime) -> None:
    with tempfile.TemporaryFile() as received, tempfile.TemporaryFile() as verified:
        answer = async_to_sync(outbound().download)(
            federation.address, received, most=LARGEST_AGGREGATE, seconds=DOWNLOAD_SECONDS, etag=federation.etag
        )
        if answer.status == 304 and federation.valid_until and federation.valid_until > now:
            Federation.unscoped.filter(id=federation.id).update(read_at=now)
            return
        if answer.status != 200:
            raise SignInError("provider_status", str(answer.status))
        received.seek(0)
        metadata.verify(received, verified, federation.public_keys)
        verified.seek(0)
        until = _limit(metadata.valid_until(verified), now)
        verified.seek(0)
        with transaction.atomic():
            _replace_all(federation, verified)
            Federation.unscoped.filter(id=federation.id).update(read_at=now, valid_until=until, etag=answer.etag)


def _replace_all(federation: Federation, verified: BinaryIO) -> None:
    """Adds who came, rewrites who changed, forgets who left: rows that did not change are not touched."""
    known = {row[1]: row for row in federation.entities.values_list("id", "entity_id", "digest")}
    seen: set[str] = set()
    waiting: list[Entity] = []
    for provider, body in metadata.split(verified):
        if provider.entity_id in seen:
            continue
        seen.add(provider.entity_id)
        number, _, digest = known.get(provider.entity_id, (None, "", ""))
        if digest != hashlib.sha256(body).hexdigest():
            waiting.append(_entity(federation.institution_id, federation, provider, body, number))
        if len(waiting) >= BATCH:
            _save(waiting)
            waiting = []
    _save(waiting)
    gone = [number for number, entity_id, _ in known.values() if entity_id not in seen]
    for start in range(0, len(gone), BATCH):
        Entity.unscoped.filter(id__in=gone[start : start + BATCH]).delete()


def _save(rows: list[Entity]) -> None:
    Entity.unscoped.bulk_create([row for row in rows if row.id is None])
    fields = ["name", "words", "scopes", "description", "digest", "valid_until", "is_hidden"]
    Entity.unscoped.bulk_update([row for row in rows if row.id is not None], fields, batch_size=50)


def _read_each(federation: Federation, *, now: datetime) -> None:
    """Those that a source uses. One that fails does not keep the others from being read."""
    failure: SignInError | None = None
    used = {str(source.settings.get("entity_id")) for source in sources_of_federation(federation)}
    for entity_id in sorted(used):
        try:
            entity_of(federation, entity_id)
        except SignInError as error:
            failure = failure or error
    federation.entities.exclude(entity_id__in=used).filter(valid_until__lt=now).delete()
    if failure is not None:
        raise failure
    Federation.unscoped.filter(id=federation.id).update(read_at=now)


def _ask(federation: Federation, entity_id: str) -> tuple[metadata.Provider, bytes]:
    with tempfile.SpooledTemporaryFile(metadata.LARGEST_ENTITY) as received, tempfile.TemporaryFile() as verified:
        answer = async_to_sync(outbound().download)(
            entity_address(federation.address, entity_id),
            received,  # type: ignore[arg-type]
            most=metadata.LARGEST_ENTITY,
            seconds=20.0,
        )
        if answer.status == 404:
            raise SignInError("metadata", "unknown")
        if answer.status != 200:
            raise SignInError("provider_status", str(answer.status))
        received.seek(0)
        metadata.verify(received, verified, federation.public_keys)  # type: ignore[arg-type]
        verified.seek(0)
        until = _limit(metadata.valid_until(verified), timezone.now())
        verified.seek(0)
        found = [(provider, body) for provider, body in metadata.split(verified) if provider.entity_id == entity_id]
    if len(found) != 1:
        raise SignInError("metadata", "unknown")
    provider, body = found[0]
    return replace(provider, valid_until=min(provider.valid_until or until, until)), body


def entity_address(address: str, entity_id: str) -> str:
    """Of the Metadata Query Protocol, unless the address says where the name of an entity goes."""
    named = {"{sha1}": metadata.digest_name(entity_id), "{entity}": quote(entity_id, safe="")}
    for mark, name in named.items():
        if mark in address:
            return address.replace(mark, name)
    return f"{address.rstrip('/')}/entities/{quote(entity_id, safe='')}"


def _limit(until: datetime | None, now: datetime) -> datetime:
    """A document without a near end could be shown again long after a provider has left, or lost its key."""
    if until is None or until > now + LONGEST_VALIDITY:
        raise SignInError("metadata", "no_limit")
    if until <= now:
        raise SignInError("metadata", "expired")
    return until


def _keep(institution_id: int, federation: Federation | None, provider: metadata.Provider, body: bytes) -> Entity:
    with transaction.atomic():
        rows = Entity.unscoped.filter(institution=institution_id, federation=federation, entity_id=provider.entity_id)
        number = rows.values_list("id", flat=True).first()
        entity = _entity(institution_id, federation, provider, body, number)
        entity.save()
    return entity


def _entity(
    institution_id: int, federation: Federation | None, provider: metadata.Provider, body: bytes, number: int | None
) -> Entity:
    return Entity(
        id=number,
        institution_id=institution_id,
        federation=federation,
        entity_id=provider.entity_id,
        name=provider.name[:200],
        words=words_of([*provider.names.values(), provider.entity_id, *provider.scopes]),
        scopes=list(provider.scopes),
        description=body.decode(),
        digest=hashlib.sha256(body).hexdigest(),
        valid_until=provider.valid_until,
        is_hidden=provider.is_hidden,
    )


def _write(federation: Federation, values: FederationValues) -> None:
    federation.name, federation.kind, federation.address = values.name, values.kind, values.address
    federation.keys = [pem(key_of_pem(key)) for key in values.keys]
    federation.tried_at, federation.etag, federation.problem = None, "", ""
    federation.save()


def _record(principal: Principal, action: str, federation: Federation) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"federation:{federation.id}",
        address=federation.address,
        keys=federation.fingerprints,
    )


# Our keys


def key_in_use() -> ServiceKey:
    """Raises SignInError("secret") where none was made."""
    key = ServiceKey.unscoped.filter(is_in_use=True).first()
    if key is None:
        raise SignInError("secret", "no key")
    return key


def ensure_key() -> None:
    if not ServiceKey.unscoped.filter(is_in_use=True).exists():
        announce_key(in_use=True)


def service_keys() -> list[ServiceKey]:
    return list(ServiceKey.unscoped.all())


@transaction.atomic
def announce_key(*, in_use: bool = False) -> ServiceKey:
    """A new one: in the metadata at once, and what is encrypted for it is read; it signs when it is put to use."""
    now = timezone.now()
    private = rsa.generate_private_key(65_537, KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Parvis")])
    until = now + timedelta(days=365 * KEY_YEARS)
    builder = x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number(), now, until)
    certificate = builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    row = ServiceKey(certificate="".join(certificate.splitlines()[1:-1]), made_at=now, is_in_use=in_use)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    row.save()
    row.keep_secret(private.private_bytes(serialization.Encoding.PEM, form, plain).decode())
    _record_key("service_key.announce", row)
    return row


@transaction.atomic
def use_key(number: int) -> bool:
    """It signs from now on; the one before stays announced. False where there is no such key."""
    row = ServiceKey.unscoped.select_for_update().filter(id=number).first()
    if row is None:
        return False
    ServiceKey.unscoped.filter(is_in_use=True).update(is_in_use=False)
    ServiceKey.unscoped.filter(id=number).update(is_in_use=True)
    _record_key("service_key.use", row)
    return True


@transaction.atomic
def retire_key(number: int) -> bool:
    """Nothing written for it is read any more. False for the one in use, or none."""
    row = ServiceKey.unscoped.filter(id=number, is_in_use=False).first()
    if row is None:
        return False
    _record_key("service_key.retire", row)
    row.delete()
    return True


def described(source: SignInSource | None = None) -> bytes:
    """Our metadata, signed; asking for what this source needs, or for what all of them do. Raises SignInError."""
    key = key_in_use()
    rows: Iterable[SignInSource] = SignInSource.unscoped.filter(kind=Kind.SAML).defer("logo") if source is None else [source]
    mappings = [row.correspondence for row in rows]
    description = Description(
        entity_id=_site("saml:metadata"),
        landing=_site("saml:landing"),
        logout=_site("saml:logout"),
        name="Parvis",
        address=settings.SITE_URL,
        certificates=[row.certificate for row in ServiceKey.unscoped.all()],
        attributes={name for mapping in mappings for name in mapping.needed},
        keys={mapping.key for mapping in mappings},
        logo=f"{settings.SITE_URL.rstrip('/')}{static('web/img/parvis-180.png')}",
    )
    return write(description, key.private_key, key.certificate, until=datetime.now(UTC) + DESCRIBED)


def _record_key(action: str, row: ServiceKey) -> None:
    record(institution_id=None, actor="system:operator", action=action, subject=f"service_key:{row.id}")
