"""What a worker knows: followed within seconds, trusted as long as the console is heard of."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import openai
import pytest

from parvis.gateway.knowledge import Follower, Settings
from parvis.gateway.tests.house import MASTER, House, open_house
from parvis.inference.snapshots import PULSE, SNAPSHOT, BadSnapshotError, Institution, Key, read_pulse, read_snapshot

QUESTION: Any = [{"role": "user", "content": "Quel est le délai ?"}]
FORBID_MODELS = 'permit (principal, action, resource); forbid (principal, action == Action::"use", resource is Model);'


def client_of(house: House, key: str = "") -> openai.OpenAI:
    return openai.OpenAI(base_url=house.url, api_key=key or house.key, max_retries=0)


def test_a_key_taken_back_opens_nothing_and_its_streams_end(house: House) -> None:
    """Told in the pulse first, then absent from the snapshot: the worker reads by itself."""
    given = house.add_key(10)
    house.publish()
    house.look()
    client = client_of(house, given)
    slow = {"script": {"tokens": 500, "gap_ms": 20}}
    stream = client.chat.completions.create(model="petit", messages=QUESTION, stream=True, extra_body=slow)
    next(stream)
    house.publish(revoked=(house.keys[-1].id,))
    begun = time.monotonic()
    with pytest.raises(openai.APIError, match="retirée"):
        for _ in stream:
            pass
    assert time.monotonic() - begun < 5
    with pytest.raises(openai.AuthenticationError):
        client.models.list()
    assert client_of(house).models.list().data  # another's goes on
    house.publish()
    house.look()
    assert client.models.list().data
    house.keys.pop()
    house.publish()
    house.look()
    with pytest.raises(openai.AuthenticationError):
        client.models.list()
    client.close()


def test_an_answer_that_comes_at_once_ends_too(house: House) -> None:
    given = house.add_key(10)
    house.publish()
    house.look()
    threading.Timer(0.3, lambda: house.publish(revoked=(house.keys[-1].id,))).start()
    slow = {"script": {"first_ms": 1_400}}
    with client_of(house, given) as client, pytest.raises(openai.AuthenticationError, match="retirée"):
        client.chat.completions.create(model="petit", messages=QUESTION, extra_body=slow)
    [settled] = house.settled_by(1)
    assert not settled.counted  # it may have worked in silence: as much as was held is owed
    assert (settled.tokens_in < settled.held.tokens_in, settled.tokens_out == settled.held.tokens_out) == (True, True)


def test_a_model_withdrawn_or_refused_by_new_rules_ends_its_streams(house: House) -> None:
    slow = {"script": {"tokens": 500, "gap_ms": 20}}
    with client_of(house) as client:
        stream = client.chat.completions.create(model="petit", messages=QUESTION, stream=True, extra_body=slow)
        next(stream)
        house.institutions[0] = Institution(1, "ici", "key", FORBID_MODELS)
        house.publish()
        with pytest.raises(openai.APIError, match="retiré"):
            for _ in stream:
                pass
        assert client.models.list().data == []
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="petit", messages=QUESTION)


def test_rules_that_look_at_the_request_are_decided_at_it(house: House) -> None:
    rules = """
        permit (principal, action, resource);
        forbid (principal, action == Action::"use", resource is Model) when { context.data_class == DataClass::"personal" };
    """
    house.institutions[0] = Institution(1, "ici", "key", rules)
    personal = house.add_key(10, data_class="personal")
    house.publish()
    house.look()
    with client_of(house) as client, client_of(house, personal) as other:
        assert client.chat.completions.create(model="petit", messages=QUESTION)
        with pytest.raises(openai.NotFoundError):
            other.chat.completions.create(model="petit", messages=QUESTION)


def test_data_do_not_go_further_than_their_class_may(house: House) -> None:
    """The provider is told to be outside the Union: the address is the same, and it is not asked."""
    house.add_provider("2", house.provider.url, zone="world", institution=None)
    house.add_model("lointain", provider="2")
    personal = house.add_key(10, data_class="personal")
    public = house.add_key(10, data_class="public")
    house.publish()
    house.look()
    with client_of(house, personal) as client:
        assert "lointain" not in [one.id for one in client.models.list()]
        with pytest.raises(openai.PermissionDeniedError) as refused:
            client.chat.completions.create(model="lointain", messages=QUESTION)
        assert refused.value.code == "class_refused"
    assert house.provider.received == []
    with client_of(house, public) as client:
        raw = client.chat.completions.with_raw_response.create(model="lointain", messages=QUESTION)
        assert raw.headers["x-parvis-zone"] == "world"


def test_expired_keys_and_narrow_ones(house: House) -> None:
    over, listing = house.add_key(10, seconds=-1), house.add_key(10, scopes=("list",))
    house.publish()
    house.look()
    with client_of(house, over) as client, pytest.raises(openai.AuthenticationError):
        client.models.list()
    with client_of(house, listing) as client:
        assert client.models.list().data
        with pytest.raises(openai.PermissionDeniedError) as refused:
            client.chat.completions.create(model="petit", messages=QUESTION)
        assert refused.value.code == "insufficient_scope"


def test_when_the_console_is_gone_nothing_is_served_any_more(tmp_path: Path) -> None:
    with open_house(tmp_path, oldest=1.0) as house, client_of(house) as client:
        assert client.models.list().data
        time.sleep(1.2)
        with pytest.raises(openai.InternalServerError) as stale:
            client.models.list()
        assert stale.value.code == "snapshot_too_old"
        house.publish(at=time.time() - 100)  # an old pulse brought back
        house.look()
        with pytest.raises(openai.InternalServerError):
            client.models.list()
        house.publish()
        house.look()
        assert client.models.list().data


def test_what_this_installation_did_not_write_is_not_read(house: House) -> None:
    for name, read in ((SNAPSHOT, read_snapshot), (PULSE, read_pulse)):
        path = house.folder / name
        kept = path.read_bytes()
        assert read(house.folder, master=MASTER)
        for place in (3, 20, len(kept) - 2):
            path.write_bytes(kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :])
            with pytest.raises(BadSnapshotError):
                read(house.folder, master=MASTER)
        path.write_bytes(kept)
        with pytest.raises(BadSnapshotError):
            read(house.folder, master="another secret")
    (house.folder / PULSE).write_bytes((house.folder / SNAPSHOT).read_bytes())
    with pytest.raises(BadSnapshotError):
        read_pulse(house.folder, master=MASTER)


def test_a_worker_that_starts_first_waits(tmp_path: Path) -> None:
    follower = Follower(Settings(tmp_path, tmp_path / "keys", MASTER, tmp_path))
    follower.look()
    assert follower.knowledge() is None


def test_a_snapshot_of_many_keys_is_read_quickly() -> None:
    from zoneinfo import ZoneInfo

    from parvis.gateway.knowledge import Knowledge
    from parvis.inference.snapshots import Holder, Snapshot

    keys = tuple(Key(f"{number:064x}", number, number, ("models",), 30, 2e9) for number in range(20_000))
    holders = tuple(Holder(number, number, 1, "teacher") for number in range(20_000))
    begun = time.thread_time()
    knowledge = Knowledge("v", Snapshot((Institution(1, "ici"),), holders, keys), zone=ZoneInfo("Europe/Paris"))
    assert time.thread_time() - begun < 0.5
    assert knowledge.caller(f"{7:064x}")
