"""Metadata of identity providers: one read, or a whole federation verified and cut up without ever being held in memory.

An aggregate of six thousand providers is tens of megabytes. It is read in a stream: each child of the root is put in canonical
form, hashed and written to a file, then forgotten. Once the signature of that hash is verified, the file holds the verified
bytes, and it alone is cut up into providers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import BinaryIO, Protocol

from lxml import etree

from parvis.federation.failure import SignInError
from parvis.federation.saml.markup import (
    ASSERTION,
    INTERFACE,
    METADATA,
    PROTOCOL,
    REGISTRATION,
    SCOPE,
    SIGNATURE,
    XML_LANG,
    Element,
    alone,
    canonical,
    children,
    identifier_of,
    parse,
    tag,
    text_of,
)
from parvis.federation.saml.signatures import PublicKey, check_signature, key_of_certificate, remove

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
ENTITY = tag(METADATA, "EntityDescriptor")
GROUP = tag(METADATA, "EntitiesDescriptor")
LARGEST_ENTITY = 1 << 20
LARGEST_LOGO = 100_000
LONGEST_ADDRESS = 1_000
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?\Z")
_SCOPE = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9._\-]*[a-z0-9_])?\Z")
_HIDDEN = "http://refeds.org/category/hide-from-discovery"


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider as its metadata describe it. Addresses are of the HTTP-Redirect binding; "" where it has none."""

    entity_id: str
    sign_in: str
    keys: tuple[PublicKey, ...] = field(repr=False)
    logout: str = ""
    logout_answer: str = ""
    scopes: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)  # by language
    logo: str = ""  # an address, or data:
    registrar: str = ""
    valid_until: datetime | None = None
    is_hidden: bool = False  # asks not to be proposed to people

    @property
    def name(self) -> str:
        return self.names.get("fr") or self.names.get("en") or next(iter(self.names.values()), self.entity_id)


def read(entity: Element) -> Provider | None:
    """None for an entity that recognises nobody by SAML 2.0, or whom this side could not ask. Raises SignInError."""
    entity_id = entity.get("entityID", "")
    if entity.tag != ENTITY or not 0 < len(entity_id) <= 1_024 or not entity_id.isascii() or not entity_id.isprintable():
        raise SignInError("metadata", "entityID")
    roles = [
        role
        for role in children(entity, METADATA, "IDPSSODescriptor")
        if PROTOCOL in role.get("protocolSupportEnumeration", "")
    ]
    sign_in = _address(roles[0], "SingleSignOnService") if roles else ("", "")
    keys = tuple(_keys(roles[0])) if roles else ()
    if not sign_in[0] or not keys:
        return None
    logout, answer = _address(roles[0], "SingleLogoutService")
    interface = roles[0].find(f"{tag(METADATA, 'Extensions')}/{tag(INTERFACE, 'UIInfo')}")
    registration = entity.find(f"{tag(METADATA, 'Extensions')}/{tag(REGISTRATION, 'RegistrationInfo')}")
    return Provider(
        entity_id=entity_id,
        sign_in=sign_in[0],
        keys=keys,
        logout=logout,
        logout_answer=answer or logout,
        scopes=_scopes(entity, roles[0]),
        names=_names(entity, interface),
        logo=_logo(interface),
        registrar=registration.get("registrationAuthority", "")[:200] if registration is not None else "",
        valid_until=_earliest(entity, roles[0]),
        is_hidden=any((value.text or "").strip() == _HIDDEN for value in entity.iter(tag(ASSERTION, "AttributeValue"))),
    )


def read_alone(body: bytes) -> tuple[Provider, bytes]:
    """The one provider of a document that an administrator gave, and its own bytes. Raises SignInError."""
    root = parse(body)
    entities = [root] if root.tag == ENTITY else [one for one in root.iter(ENTITY) if _recognises(one)]
    if len(entities) != 1:
        raise SignInError("metadata", "several" if entities else "none")
    provider = read(entities[0])
    if provider is None:
        raise SignInError("metadata", "no_provider")
    return provider, canonical(alone(entities[0]))


def digest_name(entity_id: str) -> str:
    """By which the Metadata Query Protocol and RENATER's files name an entity."""
    return hashlib.sha1(entity_id.encode(), usedforsecurity=False).hexdigest()


class _Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


def verify(document: BinaryIO, verified: _Writable, keys: Sequence[PublicKey]) -> None:
    """Writes to `verified` the canonical form of a document whose root one of these keys signed. What was written counts for
    nothing if this raises SignInError."""
    reading = _Stream(document)
    digests = {name: hashlib.new(name) for name in ("sha256", "sha384", "sha512")}

    def put(content: bytes) -> None:
        verified.write(content)
        for one in digests.values():
            one.update(content)

    try:
        signed, name = reading.copy(put, keys)
    except etree.LxmlError:
        raise SignInError("garbage") from None
    if not hmac.compare_digest(digests[name].digest(), signed):
        raise SignInError("signature", "digest")


class _Stream:
    """One pass through a document, child of the root after child of the root.

    Each child is canonicalised inside a copy of the root's start tag, for which name spaces are already written there; the
    tree is emptied behind it. The parser runs ahead of its events, so only what precedes the child that begins is whole."""

    def __init__(self, document: BinaryIO) -> None:
        self._events = etree.iterparse(
            document,
            events=("start", "end"),
            tag=(ENTITY, GROUP),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        self._open = self._close = b""
        self._prefixes: list[str] = []

    def copy(self, put: Callable[[bytes], None], keys: Sequence[PublicKey]) -> tuple[bytes, str]:
        """Gives the digest that was signed, and the name of its hash."""
        root: Element | None = None
        found: tuple[bytes, str] | None = None
        for event, element in self._events:
            if root is None:
                root = _root(element)
                continue
            if element is root:
                ready = list(root)
            elif event == "start" and element.getparent() is root:
                ready = root[: root.index(element)]
            else:
                continue
            if found is None:
                found = self._begin(root, ready, put, keys)
                ready = [one for one in ready if one.getparent() is root]
            for child in ready:
                put(self._inside(child) + _escaped(child.tail))
                root.remove(child)
        if root is None or found is None:
            raise SignInError("metadata", "none")
        put(self._close)
        return found

    def _begin(
        self, root: Element, ready: list[Element], put: Callable[[bytes], None], keys: Sequence[PublicKey]
    ) -> tuple[bytes, str]:
        """The signature comes before what it signs, as the schema of metadata has it: it is verified and taken out."""
        signatures = [one for one in ready if one.tag == tag(SIGNATURE, "Signature")]
        if len(signatures) != 1:
            raise SignInError("signature", "none" if not signatures else "several")
        identifier = root.get("ID", "")
        digest, prefixes, name = check_signature(signatures[0], identifier, keys)
        remove(signatures[0])
        bare = parse(_start_tag(root) + f"</{_qualified(root)}>".encode())
        identifier_of(bare)
        self._prefixes = prefixes
        self._open, slash, self._close = canonical(bare, prefixes).rpartition(b"</")
        self._close = slash + self._close
        put(self._open + _escaped(root.text))
        return digest, name

    def _inside(self, child: Element) -> bytes:
        wrapped = parse(self._open + etree.tostring(child, with_tail=False) + self._close)
        made = canonical(wrapped, self._prefixes)
        if not made.startswith(self._open) or not made.endswith(self._close):
            raise SignInError("garbage", "canonical form")
        return made[len(self._open) : -len(self._close)]


def split(verified: BinaryIO) -> Iterator[tuple[Provider, bytes]]:
    """The providers of a verified document, each with its own bytes. One that cannot be read is left out: it must not hide
    the others. Raises SignInError."""
    root: Element | None = None
    events = etree.iterparse(verified, events=("start", "end"), tag=(ENTITY, GROUP), resolve_entities=False, no_network=True)
    for event, element in events:
        root = _root(element) if root is None else root
        if event == "start" or element.tag != ENTITY:
            continue
        made = etree.tostring(element, method="c14n", exclusive=True, with_tail=False) if _recognises(element) else b""
        if made and len(made) <= LARGEST_ENTITY:
            try:
                provider = read(element)
            except SignInError:
                provider = None
            if provider is not None:
                yield provider, made
        if element is not root:
            element.clear()
            _forget_before(element)


def valid_until(verified: BinaryIO) -> datetime | None:
    """Of the whole document."""
    for _event, root in etree.iterparse(verified, events=("start",), resolve_entities=False, no_network=True):
        return _instant(root.get("validUntil"))
    return None


def _root(element: Element) -> Element:
    if element.getparent() is not None:
        raise SignInError("metadata", "none")
    if element.getroottree().docinfo.doctype:  # type: ignore[attr-defined]
        raise SignInError("garbage", "DOCTYPE")
    return element


def _forget_before(element: Element) -> None:
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _recognises(entity: Element) -> bool:
    return entity.find(tag(METADATA, "IDPSSODescriptor")) is not None


def _start_tag(root: Element) -> bytes:
    """With its attributes and every name space declared there, whatever follows it."""
    spaces = "".join(f' xmlns{f":{prefix}" if prefix else ""}="{escape(uri)}"' for prefix, uri in root.nsmap.items())
    by_uri = {uri: prefix for prefix, uri in root.nsmap.items() if prefix}
    by_uri["http://www.w3.org/XML/1998/namespace"] = "xml"
    attributes = ""
    for name, value in root.attrib.items():
        qualified = etree.QName(str(name))
        prefix = f"{by_uri[qualified.namespace]}:" if qualified.namespace else ""
        attributes += f' {prefix}{qualified.localname}="{_attribute(str(value))}"'
    return f"<{_qualified(root)}{spaces}{attributes}>".encode()


def _qualified(root: Element) -> str:
    name = etree.QName(root).localname
    return f"{root.prefix}:{name}" if root.prefix else name


def _attribute(value: str) -> str:
    written = escape(value)
    for character in "\t\n\r":
        written = written.replace(character, f"&#{ord(character)};")
    return written


def _escaped(text: str | None) -> bytes:
    """Canonical XML 1.0, section 2.3: text nodes."""
    text = (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#xD;").encode()


def _address(role: Element, service: str) -> tuple[str, str]:
    """(where to send, where to answer) by HTTP-Redirect; an address that is no link is none."""
    for one in children(role, METADATA, service):
        if one.get("Binding") == REDIRECT:
            return _link(one.get("Location")), _link(one.get("ResponseLocation"))
    return "", ""


def _link(address: str | None) -> str:
    address = (address or "").strip()
    is_link = address.startswith(("https://", "http://")) and len(address) <= LONGEST_ADDRESS and address.isascii()
    return address if is_link and address.isprintable() and " " not in address else ""


def _keys(role: Element) -> Iterator[PublicKey]:
    """Those it signs with; one of a kind nobody should trust does not hide the others."""
    for one in children(role, METADATA, "KeyDescriptor"):
        if one.get("use", "signing") == "signing":
            for certificate in one.iter(tag(SIGNATURE, "X509Certificate")):
                try:
                    yield key_of_certificate(text_of(certificate))
                except SignInError:
                    continue


def _scopes(*holders: Element) -> tuple[str, ...]:
    """Written out only: a pattern would let whoever writes it claim more than is seen."""
    found = [
        (one.text or "").strip().lower()
        for holder in holders
        for one in holder.iterfind(f"{tag(METADATA, 'Extensions')}/{tag(SCOPE, 'Scope')}")
        if one.get("regexp", "false").strip() not in {"true", "1"}
    ]
    return tuple(dict.fromkeys(scope for scope in found if _SCOPE.match(scope)))


def is_scope(text: str) -> bool:
    return bool(_SCOPE.match(text))


def _names(entity: Element, interface: Element | None) -> dict[str, str]:
    shown = [] if interface is None else children(interface, INTERFACE, "DisplayName")
    organisation = entity.find(tag(METADATA, "Organization"))
    usual = [] if organisation is None else children(organisation, METADATA, "OrganizationDisplayName")
    found: dict[str, str] = {}
    for one in [*shown, *usual]:
        name = " ".join(unicodedata.normalize("NFC", one.text or "").split())[:200]
        if name.isprintable() and name:
            found.setdefault((one.get(XML_LANG) or "").lower()[:2], name)
    return found


def _logo(interface: Element | None) -> str:
    """The one nearest to a square of 128 dots; drawings in vectors are not taken."""
    best: tuple[float, str] | None = None
    for one in [] if interface is None else children(interface, INTERFACE, "Logo"):
        address = "".join((one.text or "").split())
        if address.startswith("data:image/svg") or not (
            _link(address) or (address.startswith("data:image/") and len(address) <= LARGEST_LOGO)
        ):
            continue
        try:
            width, height = int(one.get("width", "0")), int(one.get("height", "0"))
        except ValueError:
            continue
        oddness = abs(width - height) / max(width, height, 1) * 200 + abs(128 - min(width, height, 512))
        if best is None or oddness < best[0]:
            best = (oddness, address)
    return best[1] if best else ""


def embedded_logo(logo: str) -> bytes:
    """Of a data: address; b"" for any other."""
    head, comma, body = logo.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _earliest(*holders: Element) -> datetime | None:
    instants = [instant for holder in holders if (instant := _instant(holder.get("validUntil")))]
    return min(instants, default=None)


def _instant(text: str | None) -> datetime | None:
    """Raises SignInError for what is none: a limit that cannot be read must not be no limit."""
    return None if text is None else instant(text)


def instant(text: str) -> datetime:
    match = _INSTANT.match(text.strip())
    try:
        if match:
            made = datetime.fromisoformat(match[1] + (match[2] or "Z"))
            return made.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise SignInError("garbage", "instant")
