"""CAS 3.0: a ticket comes back through the browser, and is validated with the server that gave it.

Apereo CAS protocol specification 3.0.3: sections 2.1 (login), 2.5 (validation with attributes), 2.3.3 (single logout).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from lxml import etree

from parvis.federation.attributes import arrived
from parvis.federation.failure import SignInError
from parvis.federation.outbound import Outbound

_CAS = "{http://www.yale.edu/tp/cas}"
_PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_TICKET = re.compile(r"ST-[\x21-\x7e]{1,256}\Z")
LONGEST_LOGOUT_REQUEST = 20_000


@dataclass(frozen=True, slots=True)
class CasSettings:
    """`server` is the address of the server, to which /login is added."""

    server: str

    @property
    def logout(self) -> str:
        return f"{self.server}/logout"


def login_address(settings: CasSettings, *, service: str) -> str:
    return f"{settings.server}/login?{urlencode({'service': service})}"


async def validate(settings: CasSettings, outbound: Outbound, *, ticket: str, service: str) -> dict[str, tuple[str, ...]]:
    """Who this ticket is for: `user` and the attributes released. Raises SignInError; a ticket is good once, for the service
    it was given for: the server judges."""
    if not _TICKET.match(ticket):
        raise SignInError("ticket", "form")
    answer = await outbound.get(f"{settings.server}/p3/serviceValidate", query={"service": service, "ticket": ticket})
    if answer.status != 200:
        raise SignInError("provider_status", str(answer.status))
    return read_validation(answer.body)


def read_validation(body: bytes) -> dict[str, tuple[str, ...]]:
    root = parse(body)
    if root.tag != f"{_CAS}serviceResponse":
        raise SignInError("garbage")
    children = [child for child in root if isinstance(child.tag, str)]
    if len(children) != 1:
        raise SignInError("garbage")
    verdict = children[0]
    if verdict.tag == f"{_CAS}authenticationFailure":
        raise SignInError("ticket", re.sub(r"[^A-Z_]", "", verdict.get("code", ""))[:40])
    if verdict.tag != f"{_CAS}authenticationSuccess":
        raise SignInError("garbage")
    if verdict.find(f"{_CAS}proxies") is not None:  # a ticket that another service obtained in somebody's name
        raise SignInError("ticket", "PROXY")
    users = verdict.findall(f"{_CAS}user")
    if len(users) != 1 or len(users[0]) or not (users[0].text or "").strip():
        raise SignInError("garbage")
    return arrived([*_attributes(verdict), ("user", users[0].text)])


def logout_ticket(body: bytes) -> str:
    """The ticket whose session a LogoutRequest ends. Raises SignInError."""
    if len(body) > LONGEST_LOGOUT_REQUEST:
        raise SignInError("too_large")
    root = parse(body)
    indexes = root.findall(f"{_PROTOCOL}SessionIndex")
    if root.tag != f"{_PROTOCOL}LogoutRequest" or len(indexes) != 1 or len(indexes[0]):
        raise SignInError("garbage")
    return (indexes[0].text or "").strip()


def parse(body: bytes) -> etree._Element:
    """XML from elsewhere: no document type, so no entity; nothing fetched; comments and instructions gone before reading,
    so that none can cut a value in two."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise SignInError("garbage") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise SignInError("garbage", "DOCTYPE")
    return root


def _attributes(verdict: etree._Element) -> Iterator[tuple[str, str]]:
    """Each attribute is an element of its name, or, from some servers, `<attribute name value>`. One called `user` is not
    the user: an attribute is chosen by who administers a directory, the user by the server."""
    for block in verdict.findall(f"{_CAS}attributes"):
        for element in block:
            if not isinstance(element.tag, str) or len(element):
                continue
            name = etree.QName(element).localname
            if name == "attribute" and element.get("name"):
                name, text = element.get("name", ""), element.get("value") or element.text or ""
            else:
                text = element.text or ""
            if name not in {"user", "sub"}:
                yield name, text
