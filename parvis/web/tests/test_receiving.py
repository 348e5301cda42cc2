"""A request that cannot be kept gets a sentence: too large, or for want of room, or while the database is held."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import Callable, Mapping
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from conftest import House
from parvis.web.receiving import Handler

SignIn = Callable[[Any], Client]  # a profile: `institutions` is above this package


def send(pieces: list[bytes]) -> tuple[int, dict[bytes, bytes], str, int]:
    """What the server answers to a body in pieces, and how many of them it read."""
    waiting, sent = list(pieces), list[Mapping[str, Any]]()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def answer(message: Mapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"testserver"), (b"accept-language", b"fr"), (b"content-type", b"text/plain")]
    scope = {"type": "http", "method": "POST", "path": "/connexion/", "query_string": b"", "headers": headers}
    asyncio.run(Handler()(scope, receive, answer))
    body = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return sent[0]["status"], dict(sent[0]["headers"]), body, len(pieces) - len(waiting)


def test_a_body_over_the_limit_is_read_to_its_end_and_refused(settings: Settings) -> None:
    settings.REQUEST_MAX_BYTES = 1_000
    status, headers, body, read = send([b"x" * 600] * 5)
    assert (status, read) == (413, 5)
    assert "Envoyez vos fichiers en plusieurs fois" in body
    assert b"default-src 'none'" in headers[b"Content-Security-Policy"]


@pytest.mark.parametrize("failing", [0, 2])
def test_a_body_for_which_the_disk_has_no_room_is_refused(monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    written: list[bytes] = []

    def write(_file: object, data: bytes) -> int:
        written.append(data)
        if len(written) > failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(data)

    monkeypatch.setattr(SpooledTemporaryFile, "write", write)
    status, _headers, body, read = send([b"x"] * 3)
    assert (status, read) == (507, 3)
    assert "Il n’y a plus de place sur le serveur" in body


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (OSError(errno.ENOSPC, "full"), 507, "plus de place"),
        (OSError(errno.EIO, "broken"), 500, "panne"),
        (OperationalError("database is locked"), 503, "base de données ne répond pas"),
    ],
)
def test_a_failure_while_a_file_is_kept_says_which(
    house: House, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, sentence: str
) -> None:
    client = sign_in(house.teacher)
    client.raise_request_exception = False

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("parvis.assistants.actions.create_course", fail)
    answer = client.post("/cours/nouveau/", {"name": "Droit", "kind": "course"})
    assert answer.status_code == status
    assert sentence in answer.content.decode()


def test_a_database_without_room_is_told_from_one_that_is_held(
    house: House, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(house.teacher)
    client.raise_request_exception = False

    def fail(*_: object, **__: object) -> None:
        cause = sqlite3.OperationalError("database or disk is full")
        cause.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise OperationalError("database or disk is full") from cause

    monkeypatch.setattr("parvis.assistants.actions.create_course", fail)
    assert client.post("/cours/nouveau/", {"name": "Droit", "kind": "course"}).status_code == 507


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [("DATA_UPLOAD_MAX_NUMBER_FIELDS", "Ce formulaire est trop long"), ("DATA_UPLOAD_MAX_MEMORY_SIZE", "en plusieurs fois")],
)
def test_a_form_that_is_too_long_is_said_so_and_fills_no_log(
    settings: Settings, setting: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    setattr(settings, setting, 3)
    for language, words in (("fr", sentence), ("en", "This form is too long")):
        client = Client(headers={"accept-language": language})
        answer = client.post("/preferences/", "a=&b=&c=&d=", content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 413
        assert words in answer.content.decode()
    assert caplog.records == []


def test_no_answer_escapes_the_policy(settings: Settings) -> None:
    assert settings.MIDDLEWARE[0].endswith("content_security_policy")
