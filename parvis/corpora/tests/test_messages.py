"""A sentence for whatever goes wrong, in both languages."""

from __future__ import annotations

import pytest
from django.utils import translation

from parvis.corpora.messages import failure_sentence
from parvis.corpora.parsing.refusals import CODES

PARAMS = {"limit": "3000", "claimed": "application/pdf", "found": "image/png", "name": "cours.pdf"}


def sentence(language: str, code: str, params: dict[str, str]) -> str:
    with translation.override(language):
        return failure_sentence(code, params)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_refusal_has_its_sentence_in_both_languages(code: str) -> None:
    french, english = sentence("fr", code, PARAMS), sentence("en", code, PARAMS)
    assert french != english
    assert english != sentence("en", "a code nobody knows", {})
    for said in (french, english):
        assert said.endswith(".")
        assert "%(" not in said


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_sentence_needs_no_parameter(code: str) -> None:
    assert sentence("fr", code, {}).endswith(".")


def test_a_sentence_names_what_was_found() -> None:
    assert "PDF" in sentence("fr", "mislabelled", PARAMS)
    assert "une image PNG" in sentence("fr", "mislabelled", PARAMS)
    assert "un programme" in sentence("fr", "unsupported", {"found": "application/x-executable"})
    assert "octet-stream" not in sentence("fr", "mislabelled", PARAMS | {"found": "application/octet-stream"})
    assert "3000" in sentence("en", "too_many_pages", PARAMS)


def test_a_sentence_says_what_is_true_of_this_file() -> None:
    assert "images" in sentence("fr", "no_text", {"found": "application/pdf"})
    assert "blancs" in sentence("fr", "no_text", {"found": "text/plain"})
    assert "carnet" in sentence("fr", "no_text", {"found": "application/x-ipynb+json"})
    for code in ("unsupported", "mislabelled"):
        assert "ancien format Word (.doc)" in sentence("fr", code, {"found": "application/msword"})
        assert "OPENXML" not in sentence("fr", code, {"found": "application/vnd.openxmlformats-officedocument"})
