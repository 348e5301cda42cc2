"""Nothing but `inference`, and the one door to identity providers, speaks to another machine."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent / "parvis"
NETWORK = {
    "aiohttp",
    "ftplib",
    "http.client",
    "httptools",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "telnetlib",
    "urllib.request",
    "urllib3",
    "xmlrpc",
}
# `parvis demo` asks its own port on the loopback whether it already serves. Tickets, codes and keys of sign-in sources are
# asked of the servers that administrators named, through one module that guards every address.
ALLOWED = {"cli/serve.py", "federation/outbound.py"}


def network_imports(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Attribute) and node.attr in {"open_connection", "create_connection"}:
            found.add("socket")
    return {name for name in found if any(name == barred or name.startswith(f"{barred}.") for barred in NETWORK)}


def test_only_inference_opens_a_connection() -> None:
    offences = {
        str(path.relative_to(ROOT)): names
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] != "inference" and "tests" not in path.parts
        if (names := network_imports(path.read_text(encoding="utf-8")))
    }
    assert {path: names for path, names in offences.items() if path not in ALLOWED} == {}


def test_the_rule_sees_every_way_in() -> None:
    for line in ("import aiohttp", "from urllib import request", "import http.client", "asyncio.open_connection('x', 1)"):
        assert network_imports(line), line
    assert not network_imports("from urllib.parse import urlsplit")
