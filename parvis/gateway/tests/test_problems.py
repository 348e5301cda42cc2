"""What is answered instead of an answer, in the words of who reads it: no word of a program's in a French sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parvis.gateway.asking import CHAT, EMBEDDINGS, read
from parvis.gateway.problems import Problem

ASKED: dict[str, Any] = {"model": "petit", "messages": [{"role": "user", "content": "oui"}]}


def said(problem: Problem, language: str = "fr") -> str:
    message = json.loads(problem.body(language))["error"]["message"]
    return str(message).replace("\u00a0", " ").replace("\u202f", " ")


def refused(body: bytes, operation: str = CHAT) -> Problem:
    with pytest.raises(Problem) as problem:
        read(operation, body)
    return problem.value


def test_the_largest_number_accepted_is_said() -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        problem = refused(json.dumps({**ASKED, name: 10_000_001}).encode())
        assert (problem.status, problem.code, problem.param) == (400, "integer_above_max_value", name)
        assert said(problem) == f"« {name} » vaut au plus 10 000 000."
        assert said(problem, "en") == f"“{name}” is 10,000,000 at most."
    assert said(refused(json.dumps({**ASKED, "max_tokens": 0}).encode())) == "« max_tokens » vaut au moins 1."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "il s’arrête avant sa fin"),
        (b'{"model": "petit"', "il s’arrête avant sa fin"),
        (b'{"model": petit}', "il ne se lit plus à partir de l’octet 10"),
        (b"[]", "il commence par autre chose que {"),
        (b'{"model": "\xff"}', "ce n’est plus de l’UTF-8 à partir de l’octet 11"),
        (b'{"model":' + b"[" * 100_000, "ne peut pas être lu"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_in_french(body: bytes, words: str) -> None:
    sentence = said(refused(body, EMBEDDINGS))
    assert words in sentence
    assert "malformed" not in sentence


def test_a_class_and_a_capability_are_said_in_words() -> None:
    assert "des données personnelles aller" in said(Problem("class_refused", {"data_class": "personal"}))
    assert "personal" in said(Problem("class_refused", {"data_class": "personal"}), "en")
    for capability, words in {"chat": "répondre à une conversation", "json_schema": "suivre un schéma JSON"}.items():
        problem = Problem("unsupported_capability", {"model": "petit", "capability": capability})
        assert words in said(problem)
