"""Members watch each other's logs: what is rewritten is contradicted by who watched."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.audit import actions as audit
from parvis.audit.models import Entry, Log, record
from parvis.audit.signing import Signer
from parvis.audit.tests.logs import signer, tree_of
from parvis.audit.verifier import Head, Key, Note
from parvis.evidence import actions, jobs
from parvis.evidence.exchange import digest_of
from parvis.evidence.models import Watch, Witness
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
ELSEWHERE = "parvis.ailleurs.example/journal/0f"


@dataclass
class Elsewhere:
    """Another installation, that signs what it is told to."""

    signer: Signer = field(default_factory=lambda: signer(9))
    data: list[bytes] = field(default_factory=lambda: [Random(1).randbytes(32) for _ in range(20)])
    keys: list[dict[str, str]] = field(default_factory=list)
    testimonies: dict[str, str] = field(default_factory=dict)
    is_down: bool = False

    async def get(self, path: str) -> bytes | None:
        answer = self.answer(path)
        return answer.encode() if answer is not None else None

    def answer(self, path: str) -> str | None:
        if self.is_down:
            raise OSError("down")
        tree = tree_of(self.data)
        name, _, query = path.partition("?")
        if name == "tete":
            return self.signer.head(ELSEWHERE, tree.size, tree.root(), at="2026-11-23T08:00:00Z")
        if name == "cles":
            return json.dumps({"keys": self.keys or [{"key": str(self.signer.key), "endorsed": ""}]})
        if name == "coherence":
            size, new_size = (int(part.split("=")[1]) for part in query.split("&"))
            return json.dumps({"path": [one.hex() for one in tree.consistency(size, new_size)]})
        return self.testimonies.get(name.removeprefix("temoignages/"))


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def witness(house: House, elsewhere: Elsewhere) -> Witness:
    record(institution_id=house.institution.id, actor="person:1", action="corpus.create", subject="corpus:1")
    audit.integrate(house.institution.id)
    principal = house.principal(house.administrator)
    address, key = "https://parvis.ailleurs.example/journal/0f/", str(elsewhere.signer.key)
    return actions.add_witness(principal, actions.log_for(principal), name="Ailleurs", address=address, key=key)


def look(witness: Witness, elsewhere: Elsewhere) -> str:
    actions.look_at(witness, now=timezone.now(), get=elsewhere.get)
    witness.refresh_from_db()
    return witness.state


def test_a_log_that_grows_is_countersigned(witness: Witness, elsewhere: Elsewhere, client: Client) -> None:
    assert look(witness, elsewhere) == Watch.HOLDS
    elsewhere.data.append(b"more")
    assert look(witness, elsewhere) == Watch.HOLDS
    assert witness.size == 21
    address = reverse("evidence:testimony", args=[witness.log.name, digest_of(ELSEWHERE)])
    note = Note.read(client.get(address).content.decode())
    assert note.seen_at(audit.current_key())
    assert Head.read(note.text).size == 21
    assert client.get(reverse("evidence:testimony", args=[witness.log.name, digest_of("x")])).status_code == 404


def test_a_log_that_was_rewritten_is_a_fork_and_stays_one(witness: Witness, elsewhere: Elsewhere) -> None:
    look(witness, elsewhere)
    kept = list(elsewhere.data)
    elsewhere.data[3] = b"something else"
    elsewhere.data.append(b"more")
    assert look(witness, elsewhere) == Watch.FORKED
    assert Head.read(Note.read(witness.contrary).text).size == 21
    assert Head.read(Note.read(witness.head).text).size == 20
    elsewhere.data = kept
    assert look(witness, elsewhere) == Watch.FORKED
    [alarm] = Entry.objects.filter(action="witness.alarm")
    assert alarm.details["state"] == "forked"


def test_the_same_size_with_another_root_is_a_fork(witness: Witness, elsewhere: Elsewhere) -> None:
    look(witness, elsewhere)
    elsewhere.data[3] = b"something else"
    assert look(witness, elsewhere) == Watch.FORKED


def test_a_log_that_lost_entries_is_said_to_be_shorter(witness: Witness, elsewhere: Elsewhere) -> None:
    look(witness, elsewhere)
    gone = elsewhere.data.pop()
    assert look(witness, elsewhere) == Watch.SHRUNK
    elsewhere.data += [gone, b"more"]
    assert look(witness, elsewhere) == Watch.HOLDS


def test_a_head_signed_by_another_key_is_not_believed(witness: Witness, elsewhere: Elsewhere) -> None:
    elsewhere.signer = Signer(elsewhere.signer.name, signer(4).private)
    assert look(witness, elsewhere) == Watch.UNSIGNED
    assert witness.countersigned == ""


def test_a_key_that_the_pinned_one_names_is_followed(witness: Witness, elsewhere: Elsewhere) -> None:
    former = elsewhere.signer
    elsewhere.signer = Signer(former.name, signer(4).private)
    rows = [(former, ""), (elsewhere.signer, former.endorse(elsewhere.signer.key))]
    elsewhere.keys = [{"key": str(one.key), "endorsed": endorsed} for one, endorsed in rows]
    assert look(witness, elsewhere) == Watch.HOLDS
    assert witness.key == str(elsewhere.signer.key)


def test_a_witness_that_does_not_answer_is_said_to_be_silent(witness: Witness, elsewhere: Elsewhere) -> None:
    elsewhere.is_down = True
    with pytest.raises(OSError, match="down"):
        look(witness, elsewhere)
    actions.look_at(witness, now=timezone.now())  # through the real door out: the name is reserved and never resolves
    assert witness.state == Watch.SILENT


def test_its_word_on_our_log_goes_with_our_exports(house: House, witness: Witness, elsewhere: Elsewhere) -> None:
    head = audit.latest_head(witness.log)
    assert head
    seen = elsewhere.signer.countersign(head.note, seconds=1_793_000_000)
    elsewhere.testimonies[digest_of(witness.log.origin)] = seen
    assert look(witness, elsewhere) == Watch.HOLDS
    assert witness.our_size == head.size
    principal = house.principal(house.administrator)
    header = json.loads(next(iter(actions.export(principal, witness.log))))
    assert header["witnesses"] == [{"key": str(elsewhere.signer.key), "note": seen}]


def test_its_word_that_we_signed_another_history_is_an_alarm(witness: Witness, elsewhere: Elsewhere) -> None:
    other = audit.current_signer().head(witness.log.origin, 1, b"\x05" * 32, at="2026-11-23T08:00:00Z")
    elsewhere.testimonies[digest_of(witness.log.origin)] = elsewhere.signer.countersign(other, seconds=1_793_000_000)
    assert look(witness, elsewhere) == Watch.OURS_FORKED
    assert witness.contrary


def test_a_word_that_we_never_signed_is_nothing(witness: Witness, elsewhere: Elsewhere) -> None:
    other = signer(7).head(witness.log.origin, 1, b"\x05" * 32, at="2026-11-23T08:00:00Z")
    elsewhere.testimonies[digest_of(witness.log.origin)] = elsewhere.signer.countersign(other, seconds=1_793_000_000)
    assert look(witness, elsewhere) == Watch.HOLDS
    assert witness.our_note == ""


def test_two_installations_exchange_over_the_network(witness: Witness, elsewhere: Elsewhere) -> None:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = elsewhere.answer(self.path.removeprefix("/journal/0f/"))
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write((answer or "").encode())

        def log_message(self, *_arguments: object) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        witness.address = f"http://127.0.0.1:{server.server_port}/journal/0f/"
        witness.save()
        now = timezone.now()
        assert actions.exchange_due(now, every=timedelta(minutes=10)) == 1
        assert actions.exchange_due(now, every=timedelta(minutes=10)) == 0
        server.shutdown()
    witness.refresh_from_db()
    assert (witness.state, witness.size) == (Watch.HOLDS, 20)


def test_what_an_installation_publishes_is_what_another_verifies(house: House, witness: Witness, client: Client) -> None:
    """Our own addresses, read as a witness reads them."""
    log = witness.log

    async def get(path: str) -> bytes | None:
        answer = answers[path.partition("?")[0]]
        return answer.content if answer.status_code == 200 else None

    def read() -> dict[str, object]:
        base = reverse("evidence:log", args=[log.name])
        latest = audit.latest_head(log)
        sizes = f"?de=1&a={latest.size if latest else 0}"
        return {
            name: client.get(base + name + (sizes if name == "coherence" else "")) for name in ("tete", "cles", "coherence")
        }

    from asgiref.sync import async_to_sync

    from parvis.evidence.exchange import look as ask

    answers: dict = read()  # type: ignore[type-arg]
    first = async_to_sync(ask)(get, pinned=audit.current_key())
    record(institution_id=log.institution_id, actor="person:1", action="corpus.edit", subject="corpus:1")
    jobs.tick()
    answers = read()
    second = async_to_sync(ask)(get, pinned=audit.current_key(), before=first.note)
    assert second.head.size > first.head.size


def test_what_is_published_shows_no_entry_and_no_other_log(witness: Witness, client: Client) -> None:
    log = witness.log
    page = client.get(reverse("evidence:log", args=[log.name]))
    assert page.status_code == 200
    assert "corpus" not in page.content.decode().split("<main")[1].split("</main>")[0]
    assert client.get(reverse("evidence:head", args=["0000000000000000"])).status_code == 404
    for sizes in ("", "?de=1", "?de=a&a=b", "?de=5&a=2", "?de=1&a=999999999"):
        assert client.get(reverse("evidence:consistency", args=[log.name]) + sizes).status_code == 404


def test_a_witness_is_added_and_removed_on_its_page(house: House, elsewhere: Elsewhere, sign_in: SignIn) -> None:
    page, client = reverse("evidence:witnesses"), sign_in(house.administrator)
    values = {"name": "Ailleurs", "address": "https://parvis.ailleurs.invalid/journal/0f", "key": str(elsewhere.signer.key)}
    for wrong in (
        {"key": "no key"},
        {"address": "http://parvis.ailleurs.invalid/journal/0f"},
        {"address": "https://10.0.0.1/journal/0f/"},
        {"address": "https://parvis.ailleurs.invalid/"},
        {"name": ""},
    ):
        assert client.post(page, values | wrong).status_code == 422
    assert not Witness.unscoped.exists()
    assert client.post(page, values).status_code == 302
    witness = Witness.unscoped.get()
    assert "Ailleurs" in client.get(page).content.decode()
    assert client.post(page, values).status_code == 422
    for stranger in (house.teacher, house.student, house.neighbour_teacher):
        assert sign_in(stranger).post(reverse("evidence:removal", args=[witness.id])).status_code == 404
        assert sign_in(stranger).get(page).status_code == 404
    assert client.post(reverse("evidence:removal", args=[witness.id])).status_code == 302
    assert not Witness.unscoped.exists()
    kept = Entry.objects.filter(action__startswith="witness.").values_list("action", flat=True)
    assert list(kept) == ["witness.add", "witness.remove"]


def test_our_own_key_makes_no_witness(house: House, sign_in: SignIn) -> None:
    values = {"name": "Nous", "address": "https://parvis.ici.invalid/journal/0f", "key": str(audit.current_key())}
    assert sign_in(house.administrator).post(reverse("evidence:witnesses"), values).status_code == 422
    assert Key.read(values["key"]) == audit.current_key()
    assert Log.objects.count() <= 1
