"""Three identity providers of SimpleSAMLphp, each with its own key, people and habits, on free ports of the loopback.

Its Debian package is unpacked in var/peers, as .ci/run does, not installed, which would install a web server: PHP serves it by
itself.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from parvis.federation.saml.tests.made import Pair, descriptor, pair

ROOT = Path(__file__).parents[4]
PLACES = (ROOT / "var/peers/simplesamlphp/usr/share/simplesamlphp", Path("/usr/share/simplesamlphp"))
SERVICE_FILE = "service.xml"  # our metadata, which each reads at each request

# Whom each knows, and how it answers. PHP's arrays are written as PHP.
HABITS = (
    "'assertion.encryption' => true, 'sharedkey_algorithm' => 'http://www.w3.org/2009/xmlenc11#aes256-gcm',",
    "'assertion.encryption' => false, 'saml20.sign.response' => false, 'saml20.sign.assertion' => true,",
    "'assertion.encryption' => true, 'sharedkey_algorithm' => 'http://www.w3.org/2001/04/xmlenc#aes128-cbc',"
    " 'saml20.sign.response' => true, 'saml20.sign.assertion' => false, 'nameid.encryption' => true,",
)
PEOPLE = """
    'cdelmas:samledc' => [
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.6' => ['CDelmas@{scope}'],
        'urn:oasis:names:tc:SAML:attribute:subject-id' => ['cd-42@{scope}'],
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.1' => ['faculty', 'employee', 'member'],
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.9' => ['faculty@{scope}', 'member@ailleurs.example'],
        'urn:oid:2.16.840.1.113730.3.1.241' => ['Claire Delmas'],
        'urn:oid:0.9.2342.19200300.100.1.3' => ['claire.delmas@{scope}'],
        'urn:oid:1.3.6.1.4.1.7135.1.2.1.9' => ['0123456789A'],
    ],
    'lmoreau:uaeroml' => [
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.6' => ['lmoreau@{scope}'],
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.1' => ['student'],
        'urn:oid:2.16.840.1.113730.3.1.241' => ['Léo Moreau'],
    ],
    'liar:rail' => [
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.6' => ['cdelmas@voisin.example'],
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.1' => ['faculty'],
    ],
"""


@dataclass(frozen=True)
class Peer:
    """One of them."""

    address: str
    scope: str
    key: Pair

    @property
    def entity_id(self) -> str:
        return f"{self.address}/saml2/idp/metadata.php"


def place() -> Path | None:
    found = next((one for one in PLACES if (one / "www").is_dir()), None)
    return found if found and shutil.which("php") else None


def serve(installed: Path, folder: Path) -> Iterator[list[Peer]]:
    (folder / SERVICE_FILE).write_text(descriptor("https://nobody.example"), encoding="utf-8")
    peers: list[Peer] = []
    servers: list[subprocess.Popen[bytes]] = []
    try:
        for number, habits in enumerate(HABITS):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            peer = Peer(f"http://127.0.0.1:{port}", f"univ{number}.example", pair(f"simplesamlphp {number}"))
            own = folder / str(number)
            _configure(own, folder / SERVICE_FILE, peer, habits)
            command = ["php", "-S", f"127.0.0.1:{port}", "-t", str(installed / "www"), "-d", f"session.save_path={own}"]
            command += ["-d", "error_reporting=0", "-d", "opcache.enable_cli=1"]
            environment = {**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(own)}
            with (own / "log").open("wb") as log:
                servers.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            peers.append(peer)
        for peer in peers:
            _wait(peer)
        yield peers
    finally:
        for server in servers:
            server.send_signal(signal.SIGKILL)
            server.wait(timeout=10)


def _wait(peer: Peer) -> None:
    for _attempt in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(peer.address.rpartition(":")[2]))) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("SimpleSAMLphp did not start")


def _configure(own: Path, service: Path, peer: Peer, habits: str) -> None:
    for name in ("metadata", "cert", "temporary", "data"):
        (own / name).mkdir(parents=True)
    (own / "cert/idp.crt").write_text(peer.key.pem)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (own / "cert/idp.pem").write_bytes(peer.key.private.private_bytes(serialization.Encoding.PEM, form, plain))
    (own / "config.php").write_text(
        f"""<?php $config = [
    'baseurlpath' => '{peer.address}/', 'certdir' => '{own}/cert/', 'loggingdir' => '{own}/', 'datadir' => '{own}/data/',
    'tempdir' => '{own}/temporary', 'metadatadir' => '{own}/metadata/', 'secretsalt' => '{secrets.token_urlsafe()}',
    'auth.adminpassword' => '{secrets.token_urlsafe()}', 'timezone' => 'UTC', 'logging.handler' => 'errorlog',
    'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'session.cookie.name' => 'S{peer.address[-5:]}',
    'session.phpsession.cookiename' => 'P{peer.address[-5:]}', 'session.authtoken.cookiename' => 'A{peer.address[-5:]}',
    'store.type' => 'phpsession', 'language.available' => ['en'], 'showerrors' => true, 'errorreporting' => false,
    'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => '{service}']],
];
""",
        encoding="utf-8",
    )
    (own / "authsources.php").write_text(
        f"<?php $config = ['people' => ['exampleauth:UserPass', {PEOPLE.replace('{scope}', peer.scope)}]];\n", encoding="utf-8"
    )
    (own / "metadata/saml20-idp-hosted.php").write_text(
        f"""<?php $metadata['{peer.entity_id}'] = [
    'host' => '__DEFAULT__', 'privatekey' => 'idp.pem', 'certificate' => 'idp.crt', 'auth' => 'people',
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri', 'scope' => ['{peer.scope}'],
    'validate.authnrequest' => true, 'redirect.validate' => true, 'redirect.sign' => true, 'sign.logout' => true,
    'OrganizationName' => ['fr' => 'Université {peer.scope}'],
    'OrganizationDisplayName' => ['fr' => 'Université {peer.scope}'],
    'OrganizationURL' => ['fr' => 'https://{peer.scope}/'],
    {habits}
];
""",
        encoding="utf-8",
    )
