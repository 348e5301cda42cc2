"""XML that comes from elsewhere, and the one form of it that is signed: exclusive canonical XML 1.0, without comments.

Names are written in Clark's notation, `{namespace}name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from parvis.federation.failure import SignInError

Element = etree._Element  # noqa: SLF001 - the only name lxml gives to its class

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE11 = "http://www.w3.org/2009/xmldsig11#"
ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#"
ENCRYPTION11 = "http://www.w3.org/2009/xmlenc11#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SCOPE = "urn:mace:shibboleth:metadata:1.0"
INTERFACE = "urn:oasis:names:tc:SAML:metadata:ui"
ATTRIBUTE = "urn:oasis:names:tc:SAML:metadata:attribute"
REGISTRATION = "urn:oasis:names:tc:SAML:metadata:rpi"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"

PREFIXES = {
    "saml": ASSERTION,
    "samlp": PROTOCOL,
    "md": METADATA,
    "ds": SIGNATURE,
    "xenc": ENCRYPTION,
    "mdui": INTERFACE,
    "mdattr": ATTRIBUTE,
    "shibmd": SCOPE,
}
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,255}\Z")


def parse(body: bytes) -> Element:
    """No document type, so no entity; nothing fetched; comments, which no signature covers, gone before anything is read, so
    that none can cut a value in two; instructions, which one would cover, refused. Raises SignInError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise SignInError("garbage") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise SignInError("garbage", "DOCTYPE")
    if next(root.iter(etree.ProcessingInstruction), None) is not None:
        raise SignInError("garbage", "instruction")
    return root


def canonical(element: Element, prefixes: Sequence[str] = ()) -> bytes:
    """What is signed of an element. Raises SignInError rather than give nothing: a name space that cannot be canonicalised
    has made others check a signature of the empty text."""
    try:
        made = etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=list(prefixes) or None,
            with_tail=False,
        )
    except (etree.LxmlError, ValueError, AssertionError):
        raise SignInError("garbage", "canonical form") from None
    if not made.startswith(b"<"):
        raise SignInError("garbage", "canonical form")
    return made


def alone(element: Element) -> Element:
    """The same element as the root of its own document, with the name spaces in scope where it stood."""
    return parse(etree.tostring(element, with_tail=False))


def tag(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"


def children(element: Element, namespace: str, name: str) -> list[Element]:
    return element.findall(tag(namespace, name))


def only_child(element: Element, namespace: str, name: str) -> Element:
    """Raises SignInError unless there is exactly one."""
    found = children(element, namespace, name)
    if len(found) != 1:
        raise SignInError("garbage", f"{name}: {len(found)}")
    return found[0]


def has_words(element: Element) -> bool:
    """Whether text stands between its children, where only elements belong."""
    return any(text and text.strip() for text in (element.text, *(child.tail for child in element)))


def text_of(element: Element) -> str:
    """The text of an element that holds nothing else. Raises SignInError."""
    if len(element):
        raise SignInError("garbage", etree.QName(element).localname)
    return (element.text or "").strip()


def identifier_of(element: Element) -> str:
    """Its `ID`, which nothing else in its document has under any name of an identifier. Raises SignInError."""
    identifier = element.get("ID", "")
    if not _IDENTIFIER.match(identifier):
        raise SignInError("signature", "ID")
    root = element.getroottree().getroot()
    if sum(one == identifier for one in _identifiers(root)) != 1:
        raise SignInError("signature", "ID twice")
    return identifier


def _identifiers(root: Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if str(name).rpartition("}")[2].lower() == "id":
                yield str(value)
