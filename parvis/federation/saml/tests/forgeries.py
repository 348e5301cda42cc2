"""What somebody may do to a genuine response whose signature they cannot make: signature wrapping in its eight forms and their
variants, tricks of comments, duplicates and name spaces, signatures of another kind; and random changes by the thousand.

Each forgery says that its bearer is `admin@ici.example`; the genuine one says Léa. None may be read as anything.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from random import Random

from lxml import etree

from parvis.federation.saml.markup import ASSERTION, PROTOCOL, SIGNATURE, canonical, parse, tag
from parvis.federation.saml.tests import made
from parvis.federation.saml.tests.made import Pair, assertion, encrypted, pair, response, signed

EVIL = {made.EPPN: ["admin@ici.example"], made.AFFILIATION: ["faculty"]}
_ASSERTION, _SIGNATURE = tag(ASSERTION, "Assertion"), tag(SIGNATURE, "Signature")
_DS = f'xmlns:ds="{SIGNATURE}"'


def encode(document: str | bytes) -> str:
    return base64.b64encode(document.encode() if isinstance(document, str) else document).decode()


def genuine() -> dict[str, str]:
    """As providers make them: the assertion signed, the response, both, and encrypted."""
    reader = pair("parvis").public
    return {
        "assertion": response(signed(assertion())),
        "response": signed(response(assertion())),
        "both": signed(response(signed(assertion()))),
        "encrypted": response(encrypted(signed(assertion()), reader)),
        "encrypted, response signed": signed(response(encrypted(assertion(), reader))),
    }


def wrappings() -> Iterator[tuple[str, str]]:
    """(name, document): the genuine signed element is kept somewhere, and another put where a careless reader looks."""
    for identifier in ("_assertion", "_evil", ""):
        evil = assertion(EVIL, identifier=identifier)
        for name, build in _BUILDERS.items():
            yield f"{name}, ID {identifier or 'empty'}", build(evil)
    for identifier in ("_response", "_evil", ""):
        evil = response(assertion(EVIL, identifier="_other"), identifier=identifier)
        yield f"XSW1, ID {identifier or 'empty'}", _whole(evil, inside_signature=True)
        yield f"XSW2, ID {identifier or 'empty'}", _whole(evil, inside_signature=False)


def tricks() -> Iterator[tuple[str, str]]:
    """(name, document): everything else that has worked somewhere."""
    whole, part = signed(response(assertion())), response(signed(assertion()))
    evil, other = assertion(EVIL), pair("attacker")
    lea = "Lea@Ici.example"
    yield "no signature", response(evil)
    yield "signed by another key", response(signed(evil, other))
    yield "response signed by another key", signed(response(evil), other)
    yield "signature cut", re.sub("<ds:Signature .*?</ds:Signature>", "", whole, flags=re.DOTALL)
    yield "value changed", part.replace(lea, "admin@ici.example")
    yield "value changed, response", whole.replace(lea, "admin@ici.example")
    yield "comment in a value that changes it", part.replace(lea, "admin@ici.example<!---->.Ici.example")
    yield "instruction in a value", part.replace(lea, "admin@ici.example<?x?>")
    yield "entity", f'<!DOCTYPE r [<!ENTITY e "admin@ici.example">]>{part.replace(lea, "&e;")}'
    yield "external entity", f'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]>{part.replace(lea, "&e;")}'
    yield "document type that declares IDs", f"<!DOCTYPE r [<!ATTLIST x ID ID #IMPLIED>]>{part}"
    yield "document type, nothing else", f"<!DOCTYPE r>{whole}"
    yield "encrypted by anybody, unsigned", response(encrypted(evil, pair("parvis").public))
    yield "encrypted by anybody, signed by another", response(encrypted(signed(evil, other), pair("parvis").public))
    yield "plain beside encrypted", response(encrypted(signed(assertion()), pair("parvis").public) + evil)
    yield "encrypted evil beside plain", response(signed(assertion()) + encrypted(evil, pair("parvis").public))
    yield (
        "encrypted with AES-CBC, nothing signed outside",
        response(
            encrypted(signed(assertion()), pair("parvis").public, algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc")
        ),
    )
    yield "two assertions signed", response(signed(assertion()) + signed(assertion(identifier="_second")))
    yield (
        "an assertion in another's advice",
        part.replace("<saml:AttributeStatement>", f"<saml:Advice>{evil}</saml:Advice><saml:AttributeStatement>", 1),
    )
    yield (
        "two attribute statements",
        part.replace(
            "</saml:Assertion>",
            f"{re.findall('<saml:AttributeStatement>.*</saml:AttributeStatement>', evil)[0]}</saml:Assertion>",
        ),
    )
    yield "two subjects", part.replace("<saml:Subject>", "<saml:Subject/><saml:Subject>")
    yield "two conditions", part.replace("<saml:Conditions ", "<saml:Conditions/><saml:Conditions ", 1)
    yield "two issuers", part.replace("<saml:Issuer>", "<saml:Issuer>https://evil.example</saml:Issuer><saml:Issuer>")
    yield (
        "prefix of the assertion bound to another name space",
        part.replace(f'xmlns:saml="{ASSERTION}"', 'xmlns:saml="urn:evil"'),
    )
    yield "name space almost the same", response(signed(assertion(name_space=f"{ASSERTION}/")))
    yield (
        "relative name space, which cannot be canonicalised",
        part.replace("<saml:Assertion ", '<saml:Assertion xmlns:void="1" void:a="1" ', 1),
    )
    yield (
        "relative name space and the digest of nothing",
        _digest(part.replace("<saml:Assertion ", '<saml:Assertion xmlns:void="1" void:a="1" ', 1), b""),
    )
    yield "default name space around", f'<r xmlns="{ASSERTION}">{part}</r>'
    for name in ("Id", "id", "xml:id", "wsu:Id"):
        space = ' xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"'
        yield f"the ID again as {name}", part.replace("<samlp:Status>", f'<samlp:Status {name}="_assertion"{space}>')
    for name, change in _signature_changes().items():
        yield name, change(part)
        yield f"{name}, response", change(whole)
    yield "SAML 1.1", part.replace('Version="2.0"', 'Version="1.1"')
    yield "another document", f'<x xmlns:samlp="{PROTOCOL}">{part}</x>'
    yield "LogoutResponse", whole.replace("samlp:Response", "samlp:LogoutResponse")
    yield "status of failure", part.replace("status:Success", "status:Responder")
    yield "to another address", part.replace('Destination="https', 'Destination="https://evil.example/')


def mutations(random: Random, count: int) -> Iterator[str]:
    """Documents that differ from a genuine one in what is signed, or in its signature."""
    whole, hidden = signed(response(assertion())), signed(response(encrypted(assertion(), pair("parvis").public)))
    envelopes = [("{}", whole), ("{}", hidden), (response("{}"), signed(assertion()))]
    meanings = [_meaning(envelope.replace("{}", text)) for envelope, text in envelopes]
    found = 0
    while found < count:
        number = random.randrange(len(envelopes))
        envelope, text = envelopes[number]
        for _change in range(1 + (random.random() < 0.2)):
            text = random.choice(_CHANGES)(text, random)
        document = envelope.replace("{}", text)
        if _meaning(document) != meanings[number]:
            found += 1
            yield encode(document.encode("utf-8", "surrogatepass"))


def _meaning(text: str) -> bytes | None:
    """What of it counts: of a response that is not signed only the assertion that is; neither comments, nor the key that it
    says was its own, nor line breaks within base64."""
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
        root = etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)
        has_type = bool(root.getroottree().docinfo.doctype)  # type: ignore[union-attr]
        inside = root.findall(_ASSERTION)
        if root.find(_SIGNATURE) is None and len(inside) == 1:
            root = inside[0]
        for info in root.iterfind(f"{{*}}Signature/{tag(SIGNATURE, 'KeyInfo')}"):
            info.getparent().remove(info)  # type: ignore[union-attr]
        for name in ("SignatureValue", "DigestValue"):
            for one in root.iter(tag(SIGNATURE, name)):
                one.text = "".join((one.text or "").split())
        return etree.tostring(root, method="c14n", exclusive=True, with_tail=False) + b"!" * has_type
    except (etree.LxmlError, ValueError):
        return None


def _text(random: Random) -> str:
    return random.choice(
        ["admin@ici.example", "", "_evil", "0", "urn:evil", "2.0", made.ENTITY_ID, "é\u202e", "A" * 400, "&#0;", "\ud800"]
    )


def _byte(text: str, random: Random) -> str:
    at = random.randrange(len(text))
    return text[:at] + chr(random.randrange(1, 256)) + text[at + 1 :]


def _cut(text: str, random: Random) -> str:
    at = random.randrange(len(text))
    return text[:at] + text[at + random.randrange(1, 200) :]


def _repeat(text: str, random: Random) -> str:
    at = random.randrange(len(text))
    return text[: at + random.randrange(1, 300)] + text[at:]


def _attribute(text: str, random: Random) -> str:
    found = list(re.finditer('="[^"]*"', text))
    chosen = random.choice(found)
    return f'{text[: chosen.start()]}="{_text(random)}"{text[chosen.end() :]}'


def _value(text: str, random: Random) -> str:
    found = list(re.finditer(">[^<>]+<", text))
    chosen = random.choice(found)
    return f"{text[: chosen.start()]}>{_text(random)}<{text[chosen.end() :]}"


def _insert(text: str, random: Random) -> str:
    at = random.choice([found.end() for found in re.finditer(">", text)])
    inserted = random.choice(
        [assertion(EVIL), "<saml:Issuer/>", "<x/>", f"<ds:Object {_DS}/>", "<?x?>", "<![CDATA[x]]>", "&amp;", "&x;"]
    )
    return text[:at] + inserted + text[at:]


def _tree(text: str, random: Random) -> str:
    """An element removed, moved, copied or renamed."""
    try:
        root = parse(text.encode("utf-8", "surrogatepass"))
    except Exception:  # noqa: BLE001 - already broken by the change before
        return _byte(text, random)
    elements = [one for one in root.iter(etree.Element) if one.getparent() is not None]
    if not elements:
        return _byte(text, random)
    one, place = random.choice(elements), random.choice([root, *elements])
    act = random.randrange(4)
    if act == 0:
        one.getparent().remove(one)  # type: ignore[union-attr]
    elif act == 1 and one not in place.iterancestors() and one is not place:
        place.insert(random.randrange(len(place) + 1), one)
    elif act == 2:
        place.insert(random.randrange(len(place) + 1), copy.deepcopy(one))
    else:
        one.tag = random.choice([_ASSERTION, _SIGNATURE, tag(ASSERTION, "Evil"), tag(PROTOCOL, "Extensions"), "x"])
    return etree.tostring(root, encoding="unicode")


def _resign(text: str, random: Random) -> str:
    """Everything done right, with another key."""
    evil = assertion(EVIL)
    return random.choice(
        [signed(response(evil), pair("attacker")), signed(response(signed(evil, pair("attacker"))), pair("attacker"))]
    )


_CHANGES: list[Callable[[str, Random], str]] = [
    *[_byte, _attribute, _value, _tree] * 3,
    *[_insert] * 2,
    _cut,
    _repeat,
    _resign,
]


def _parts() -> tuple[str, str]:
    """(the genuine assertion without its signature, its signature)."""
    root = parse(signed(assertion()).encode())
    signature = root.find(_SIGNATURE)
    assert signature is not None
    root.remove(signature)
    return canonical(root).decode(), etree.tostring(signature, encoding="unicode", with_tail=False)


def _xsw5(evil: str) -> str:
    bare, signature = _parts()
    return response(_with(evil, signature) + bare)


def _xsw6(evil: str) -> str:
    bare, signature = _parts()
    return response(_with(evil, signature.replace("</ds:Signature>", f"{bare}</ds:Signature>")))


def _xsw8(evil: str) -> str:
    bare, signature = _parts()
    return response(_with(evil, signature.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")))


def _with(evil: str, signature: str) -> str:
    return evil.replace("</saml:Issuer>", f"</saml:Issuer>{signature}", 1)


_BUILDERS: dict[str, Callable[[str], str]] = {
    "XSW3": lambda evil: response(evil + signed(assertion())),
    "XSW3, after": lambda evil: response(signed(assertion()) + evil),
    "XSW4": lambda evil: response(evil.replace("</saml:Assertion>", f"{signed(assertion())}</saml:Assertion>")),
    "XSW5": _xsw5,
    "XSW6": _xsw6,
    "XSW7": lambda evil: response(f"<samlp:Extensions>{evil}</samlp:Extensions>{signed(assertion())}"),
    "XSW7, reversed": lambda evil: response(f"<samlp:Extensions>{signed(assertion())}</samlp:Extensions>{evil}"),
    "XSW8": _xsw8,
    "XSW3, whole": lambda evil: signed(response(assertion())).replace("<saml:Assertion ", f"{evil}<saml:Assertion ", 1),
    "inside the status": lambda evil: response(evil).replace("<samlp:Status>", f"<samlp:Status>{signed(assertion())}"),
    "inside the subject": lambda evil: response(evil.replace("<saml:Subject>", f"<saml:Subject>{signed(assertion())}")),
    "a comment between two": lambda evil: response(f"{evil}<!-- -->{signed(assertion())}<!-- -->"),
    "in another name space": lambda evil: response(f'{evil}<x:y xmlns:x="urn:x">{signed(assertion())}</x:y>'),
    "signature beside": lambda evil: response(_parts()[1] + evil + _parts()[0]),
    "signature of the assertion on the response": lambda evil: response(evil).replace(
        "</saml:Issuer>",
        f"</saml:Issuer>{_parts()[1].replace('</ds:Signature>', f'<ds:Object>{_parts()[0]}</ds:Object></ds:Signature>')}",
        1,
    ),
}


def _whole(evil: str, *, inside_signature: bool) -> str:
    root = parse(signed(response(assertion())).encode())
    signature = root.find(_SIGNATURE)
    assert signature is not None
    root.remove(signature)
    bare, written = canonical(root).decode(), etree.tostring(signature, encoding="unicode", with_tail=False)
    if inside_signature:
        written = written.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")
    else:
        written = bare + written
    return evil.replace("</saml:Issuer>", f"</saml:Issuer>{written}", 1)


def _digest(text: str, content: bytes) -> str:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return re.sub("<ds:DigestValue>[^<]*", f"<ds:DigestValue>{digest}", text)


def _signature_changes() -> dict[str, Callable[[str], str]]:
    """Of the signature itself, on a document whose person is changed wherever the change would allow it."""

    def evil(text: str) -> str:
        return text.replace("Lea@Ici.example", "admin@ici.example")

    def digested(text: str) -> str:
        """With the digest that the changed element has."""
        root = parse(evil(text).encode())
        holder = root if root.find(_SIGNATURE) is not None else root.find(_ASSERTION)
        assert holder is not None
        bare = parse(etree.tostring(holder))
        bare.remove(bare.find(_SIGNATURE))  # type: ignore[arg-type]
        return base64.b64encode(hashlib.sha256(canonical(bare)).digest()).decode()

    def info(text: str) -> str:
        return str(re.findall("<ds:SignedInfo>.*?</ds:SignedInfo>", text, re.DOTALL)[0])

    def with_secret(text: str) -> str:
        changed = _digest_value(evil(text), digested(text)).replace(
            "2001/04/xmldsig-more#rsa-sha256", "2001/04/xmldsig-more#hmac-sha256"
        )
        root = parse(changed.encode())
        signed_info = next(root.iter(tag(SIGNATURE, "SignedInfo")))
        value = hmac.digest(pair().pem.encode(), canonical(parse(etree.tostring(signed_info))), "sha256")
        return re.sub("<ds:SignatureValue>[^<]*", f"<ds:SignatureValue>{base64.b64encode(value).decode()}", changed)

    return {
        "digest made again": lambda text: _digest_value(evil(text), digested(text)),
        "digest beside the genuine one": lambda text: evil(text).replace(
            "<ds:DigestValue>", f"<ds:DigestValue>{digested(text)}</ds:DigestValue><ds:DigestValue>", 1
        ),
        "digest before a comment": lambda text: evil(text).replace(
            "<ds:DigestValue>", f"<ds:DigestValue>{digested(text)}<!-- -->", 1
        ),
        "two SignedInfo, the false one first": lambda text: evil(text).replace(
            "<ds:SignedInfo>", _digest_value(info(text), digested(text)) + "<ds:SignedInfo>", 1
        ),
        "two SignedInfo, the false one last": lambda text: evil(text).replace(
            "</ds:SignedInfo>", "</ds:SignedInfo>" + _digest_value(info(text), digested(text)), 1
        ),
        "two references": lambda text: evil(text).replace("</ds:Reference>", '</ds:Reference><ds:Reference URI=""/>', 1),
        "reference to the whole document": lambda text: re.sub('URI="#[^"]*"', 'URI=""', evil(text), count=1),
        "reference to nothing": lambda text: re.sub(' URI="#[^"]*"', "", evil(text), count=1),
        "reference elsewhere": lambda text: re.sub('URI="#[^"]*"', 'URI="https://evil.example/"', evil(text), count=1),
        "no reference": lambda text: re.sub("<ds:Reference.*?</ds:Reference>", "", evil(text), count=1, flags=re.DOTALL),
        "a transform that keeps nothing": lambda text: evil(text).replace(
            "</ds:Transforms>",
            '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>0</ds:XPath></ds:Transform></ds:Transforms>',
            1,
        ),
        "XSLT": lambda text: evil(text).replace(
            "<ds:Transforms>", '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>', 1
        ),
        "a shared secret that everybody knows": with_secret,
        "SHA-1": lambda text: evil(text).replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1"),
        "no algorithm": lambda text: evil(text).replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", ""),
        "canonicalisation with comments": lambda text: evil(text).replace(
            'CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"',
            'CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#WithComments"',
        ),
        "signature of nothing": lambda text: re.sub("<ds:SignatureValue>[^<]*", "<ds:SignatureValue>", evil(text), count=1),
        "the attacker's certificate": lambda text: _other_key(evil(text), pair("attacker")),
        "signature twice": lambda text: re.sub("(<ds:Signature .*?</ds:Signature>)", r"\1\1", text, count=1, flags=re.DOTALL),
    }


def _digest_value(text: str, digest: str) -> str:
    return re.sub("<ds:DigestValue>[^<]*", f"<ds:DigestValue>{digest}", text, count=1)


def _other_key(text: str, other: Pair) -> str:
    return re.sub("<ds:X509Certificate>[^<]*", f"<ds:X509Certificate>{other.certificate}", text)
