"""Two installations, each with its own data folder, watch each other's log over the network.

    python -m bench.witnesses [--quick] [--json FILE]

Each is `parvis serve`; an administrator of each declares the other on its page. Then one of them goes back to a copy of its
database and writes another history: the other one says so, and what it had countersigned convicts it.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path

from bench.report import Report

ROOT = Path(__file__).parent.parent
STARTS_WITHIN = 300.0
WITNESSES = "/preuves/temoins/"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the same: it is short")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("Witnesses")
    with tempfile.TemporaryDirectory(prefix="parvis-witnesses-") as folder:
        _exchange(report, *(Installation(Path(folder) / name, name, _free_port()) for name in ("ici", "ailleurs")))
    return report.finish(arguments.json)


def _exchange(report: Report, here: Installation, there: Installation) -> None:
    for one in (here, there):
        one.make()
    copy = here.data.with_name("copy")
    with there.serving():
        with here.serving():
            begun = time.perf_counter()
            for one, other in ((here, there), (there, here)):
                one.send(WITNESSES, name=other.name, **other.published())
            for one in (here, there, here):  # who looked first had nothing to read of the other's word
                one.check()
            took = time.perf_counter() - begun
            watched = [one.state() for one in (here, there)]
            report.row("installations that see the other's log hold", watched.count("holds"), "== 2")
            report.row("… declared, seen and countersigned on both sides", took, unit="s")
            report.row("words of the other in an export, verified without Parvis", here.words(), ">= 1")
        shutil.copytree(here.data, copy)
        with here.serving():  # a history that the other one sees
            here.act("Histoire vraie")
            there.check()
        report.row("a log that grew, held", int(there.state() == "holds"), "== 1")
        shutil.rmtree(here.data)
        shutil.copytree(copy, here.data)
        with here.serving():  # the same key, another history, as long
            here.act("Autre histoire", times=3)
            there.check()
            here.check()
        report.row("a log that was rewritten, held by its witness", int(there.state() == "holds"), "== 0", note=there.state())
        report.row("… held by itself, once its witness spoke", int(here.state() == "holds"), "== 0", note=here.state())


@dataclass
class Installation:
    data: Path
    name: str
    port: int
    _opener: urllib.request.OpenerDirector = field(init=False)

    def __post_init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PARVIS_")}
        own = {"DATA_DIR": str(self.data), "PRIVATE_HOSTS": "127.0.0.1", "SITE_URL": self.address}
        return kept | {f"PARVIS_{name}": value for name, value in own.items()}

    def make(self) -> None:
        self.data.mkdir(parents=True)
        self._command("institution", "add", self.name, f"Université {self.name}")
        self._link = self._invited()
        with self.serving():
            page = self._open(self._link)
            self._post(self._link, page, {})

    def _invited(self) -> str:
        given = [
            "person",
            "add",
            "Ada Essai",
            "--institution",
            self.name,
            "--role",
            "administrator",
            "--address",
            self.address,
        ]
        [link] = re.findall(rf"{re.escape(self.address)}/\S+", self._command(*given))
        return str(link)

    def _command(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "parvis.cli", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True).stdout

    @contextmanager
    def serving(self) -> Iterator[None]:
        command = [sys.executable, "-m", "parvis.cli", "serve", "--port", str(self.port)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + STARTS_WITHIN
            while not _answers(self.port):
                assert time.monotonic() < deadline, "it did not start"
                assert process.poll() is None, "it stopped"
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)

    def published(self) -> dict[str, str]:
        """What its administrator gives to another's: the address of its log, and its public key."""
        self.words()  # an export numbers what was done, and signs the first head
        found = [html.unescape(one) for one in re.findall(r'evidence-hash">([^<]+)<', self._open(WITNESSES))]
        assert len(found) == 2, found
        return {"address": found[0], "key": found[1]}

    def send(self, path: str, **fields: str) -> None:
        self._post(path, self._open(path), fields)

    def check(self) -> None:
        """One's own log is numbered first, then the other's is looked at."""
        page = self._open(WITNESSES)
        [number] = set(re.findall(rf"{WITNESSES}(\d+)/verification/", page))
        self._post(f"{WITNESSES}{number}/verification/", page, {})

    def state(self) -> str:
        """As its own database says it."""
        code = (
            "import django; django.setup(); from parvis.isolation import scope; scope.begin('command line');"
            "from parvis.evidence.models import Witness; print(Witness.unscoped.get().state)"
        )
        environment = self.environment | {"DJANGO_SETTINGS_MODULE": "parvis.settings"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def act(self, name: str, times: int = 1) -> None:
        """Something that is recorded, then numbered and signed."""
        for number in range(times):
            self.send("/personnes/groupes/", name=f"{name} {number}")
        self.words()

    def words(self) -> int:
        """Countersignatures in an export, once the verifier that it publishes, alone, says that it holds."""
        log = self._post("/preuves/export/", self._open("/preuves/"), {})
        file, verifier = self.data / "export.jsonl", self.data / "verifier.py"
        file.write_text(log, encoding="utf-8")
        verifier.write_text(self._open("/journal/verifier.py"), encoding="utf-8")
        subprocess.run([sys.executable, "-I", str(verifier), str(file)], check=True, capture_output=True)
        return len(json.loads(log.partition("\n")[0])["witnesses"])

    def _open(self, path: str) -> str:
        with self._opener.open(urllib.parse.urljoin(self.address, path), timeout=120) as answer:
            return str(answer.read().decode())

    def _post(self, path: str, page: str, fields: dict[str, str]) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, page[:500]
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        try:
            with self._opener.open(urllib.parse.urljoin(self.address, path), body, timeout=120) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise AssertionError((path, error.code, error.read().decode()[-2_000:])) from None


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/journal/verifier.py", timeout=60):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
