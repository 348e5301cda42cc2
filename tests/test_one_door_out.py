"""One module speaks to models, one other to identity providers, and nothing else to another machine."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent / "parvis"
NETWORK = {
    "aiohttp",
    "curl_cffi",
    "ftplib",
    "http.client",
    "httpcore",
    "httptools",
    "httpx",
    "httpx2",
    "imaplib",
    "niquests",
    "openai",
    "poplib",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "telnetlib",
    "urllib.request",
    "urllib3",
    "websockets",
    "xmlrpc",
}
HARMLESS = {"socket.inet_aton"}  # it reads a notation, and asks nobody
# Ways to one of them that no import statement names.
CALLS = {"open_connection", "create_connection", "open_unix_connection", "start_tls"}
# Each with why: the client of models, which `door` alone calls; that of the data plane, which its admission calls; `parvis
# demo` and `gateway`, which ask whether their own port is free; tickets, codes and keys of sign-in sources, asked through one
# module that guards every address; what a worker asks of the settler of its own machine, over a socket that is a file; what is
# asked of the data plane, read with the parser that reads answers.
ALLOWED = {
    "inference/upstream.py",
    "inference/pool.py",
    "gateway/front.py",
    "cli/serve.py",
    "federation/outbound.py",
    "ledger/budgets/client.py",
}
CLIENT = "parvis.inference.upstream"
DOOR = "inference/door.py"


def network_imports(nodes: Iterable[ast.AST]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= named if named <= HARMLESS else {node.module, *named}
        elif isinstance(node, ast.Attribute) and node.attr in CALLS:
            found.add("socket")
        elif isinstance(node, ast.Call) and _name(node.func) in {"__import__", "import_module", "import_string"}:
            found |= {one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return {name for name in found - HARMLESS if any(name == barred or name.startswith(f"{barred}.") for barred in NETWORK)}


@cache
def modules() -> dict[str, list[ast.AST]]:
    """Every statement and expression that could matter here, read once."""
    kinds = (ast.Import, ast.ImportFrom, ast.Attribute, ast.Call)
    paths = [path for path in ROOT.rglob("*.py") if "tests" not in path.parts]
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    words = NETWORK | CALLS | {"Admitted", "upstream", "import_"}  # a file without any is not parsed
    trees = {path: ast.parse(source) for path, source in sources.items() if any(word in source for word in words)}
    return {path: [node for node in ast.walk(tree) if isinstance(node, kinds)] for path, tree in trees.items()}


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""


def test_nothing_else_opens_a_connection() -> None:
    found = {path: names for path, nodes in modules().items() if (names := network_imports(nodes))}
    assert set(found) == ALLOWED, found


def test_the_rule_sees_every_way_in() -> None:
    for line in (
        "import aiohttp",
        "from urllib import request",
        "import http.client",
        "asyncio.open_connection('x', 1)",
        "from socket import inet_aton, socket",
        "importlib.import_module('httpx')",
        "__import__('requests')",
    ):
        assert network_imports(ast.walk(ast.parse(line))), line
    for line in ("from urllib.parse import urlsplit", "from socket import inet_aton"):
        assert not network_imports(ast.walk(ast.parse(line)))


def test_only_the_door_calls_the_client_of_models() -> None:
    package, _dot, name = CLIENT.rpartition(".")

    def reaches(node: ast.AST) -> bool:
        if isinstance(node, ast.Import):
            return any(alias.name == CLIENT for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            return node.module == CLIENT or (node.module == package and any(alias.name == name for alias in node.names))
        return isinstance(node, ast.Call) and any(isinstance(one, ast.Constant) and one.value == CLIENT for one in node.args)

    assert {path for path, nodes in modules().items() if any(map(reaches, nodes))} == {DOOR}


def test_only_the_door_makes_what_may_be_sent() -> None:
    def makes(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        changed = _name(node.func) == "replace" and any(_name(one) == "admitted" for one in node.args)
        return changed or _name(node.func) == "Admitted"

    assert {path for path, nodes in modules().items() if any(map(makes, nodes))} == {DOOR}
