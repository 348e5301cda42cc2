"""What may leave, and what comes back. `bench.pseudonyms` tries the same properties a hundred times more."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.pseudonyms.bodies import Pseudonyms
from parvis.inference.pseudonyms.detection import Detector, PatternError, student_number
from parvis.inference.pseudonyms.names import directory
from parvis.inference.pseudonyms.restoration import Restorer, restored
from parvis.inference.pseudonyms.tests import generated, properties, prose
from parvis.inference.pseudonyms.vault import Vault

DETECTOR = Detector(
    directory(
        [
            "Camille Renaudin",
            "Jean-Pierre Petit",
            "Élodie LE GOFFIC",
            "Berthelin, Lucas",
            "Marie Claire Duboisel",
            "Lucie d’Ormonde",
            "Rose Marchand",
            "Amadou Ba",
        ],
        ["Projet Griffon"],
    ),
    [student_number("p9999999")],
)
NIR = "1 85 05 78 006 084 91"


def masked(text: str) -> list[str]:
    return [text[span.start : span.end] for span in DETECTOR.find(text)]


def pseudonyms(key: bytes = b"conversation 1") -> Pseudonyms:
    return Pseudonyms(DETECTOR, key)


# What is found


def test_a_thousand_valid_identifiers_are_masked_whole() -> None:
    for case in properties.valid(Random(71), 1_000):
        assert generated.is_masked(case.text, case.start, case.end, properties.DETECTOR.find(case.text)), case


def test_a_thousand_mistyped_identifiers_with_their_label_are_masked_whole() -> None:
    missed = [
        case
        for case in properties.mistyped(Random(72), 1_000)
        if not generated.is_masked(case.text, case.start, case.end, properties.DETECTOR.find(case.text))
    ]
    assert len(missed) <= 1, missed


def test_names_of_the_directory_are_masked_however_they_are_written() -> None:
    people = generated.people(Random(3), 2_000)
    detector = Detector(directory(" ".join(one) for one in people))
    missed = [
        case
        for case in properties.named(Random(73), 1_000, people)
        if not generated.is_masked(case.text, case.start, case.end, detector.find(case.text))
    ]
    assert len(missed) <= 10, missed


def test_what_people_write_is_masked_and_the_rest_is_left() -> None:
    detector = Detector(directory(prose.DIRECTORY), [student_number(pattern) for pattern in prose.PATTERNS])
    readable, masked_for_nothing = [], []
    for text, places in prose.marked():
        spans = detector.find(text)
        readable += [text[start:end] for start, end in places if not generated.is_masked(text, start, end, spans)]
        others = [span for span in spans if not any(span.start < end and start < span.end for start, end in places)]
        masked_for_nothing += [text[span.start : span.end] for span in others]
    assert readable == []
    assert masked_for_nothing == ["scolarite@univ-exemple.fr"]  # an address, though of nobody


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("camille renaudin, RENAUDIN Camille, Renaudin", ["camille renaudin", "RENAUDIN Camille", "Renaudin"]),
        ("Elodie Le Goffic ou Mme le goffic", ["Elodie Le Goffic", "le goffic"]),
        ("J.-P. Petit a vu M. Petit", ["J.-P. Petit", "Petit"]),
        ("une petite pierre, un petit pont, Petit à petit", []),
        ("Une rose chez le marchand ; rose marchand", []),
        ("Rose Marchand arrive, Rose est là", ["Rose Marchand", "Rose"]),
        ("Nom : Ba", ["Ba"]),
        ("L\u0301 e\u0301cole. Lucie d'Ormonde, Duboisel Marie-Claire", ["Lucie d'Ormonde", "Duboisel Marie-Claire"]),
        ("Camille Re\u00adnaudin", ["Camille Re\u00adnaudin"]),
        ("le projet griffon", ["projet griffon"]),
        ("p1234567 et p12345678", ["p1234567"]),
        ("il ne vient pas le 12 mars 2001 ; né le 12 mars 2001", ["12 mars 2001"]),
        ("a[1::2], std::dec, 12:30:45, Face::Bad, v1.2.3", []),
        ("entre 2001-2006 et 2010, 65 000 000 d'habitants", []),
        ("Mon téléphone (06 12 34 56 78) ou portable (06 12 34 56 7)", ["06 12 34 56 78", "06 12 34 56 7"]),
        ("numéro étudiant (22104567), matricule 22104567 (L2)", ["22104567", "22104567"]),
        ("tél. (33) 6 12 34 56 78 ou (+33) 6 12 34 56 78", ["(33) 6 12 34 56 78", "(+33) 6 12 34 56 78"]),
        ("tél. +33 (0)6 12 34 56 78 (bureau)", ["+33 (0)6 12 34 56 78"]),
        ("Écrire à etu.demo+x@univ-exemple.fr.", ["etu.demo+x@univ-exemple.fr"]),
    ],
)
def test_what_is_masked(text: str, expected: list[str]) -> None:
    assert masked(text) == expected


def test_a_person_named_in_full_anywhere_is_known_everywhere_in_the_request() -> None:
    alone, together = pseudonyms(), pseudonyms()
    assert alone.texts(["Petit a rendu son travail."]) == ["Petit a rendu son travail."]
    sent = together.texts(["Petit a rendu son travail.", "Il s'agit de Jean-Pierre Petit."])
    assert "Petit" not in "".join(sent)


def test_time_grows_with_length_on_hostile_texts() -> None:
    for pattern in ("1 ", "06 ", "@a.", "::1 ", "⟦NOM_", "Jean Petit ", "carte 1 ", "A.B."):
        times = []
        for length in (4_000, 32_000):
            begun = time.process_time()
            DETECTOR.find(pattern * (length // len(pattern)))
            times.append(time.process_time() - begun)
        assert times[1] < 40 * max(times[0], 0.005), pattern


@pytest.mark.parametrize("pattern", ["", "99", "AAAAAA", "9" * 31, "x"])
def test_a_pattern_that_would_be_found_everywhere_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        student_number(pattern)


def test_a_pattern_is_never_read_as_a_regular_expression() -> None:
    assert student_number("(9+9999").fullmatch("(1+2345")


# What stands for it


def test_the_same_conversation_gives_the_same_placeholders_in_any_order_and_another_gives_others() -> None:
    texts = ["Camille Renaudin", f"NIR {NIR}", "06 12 34 56 78"]
    first = dict(zip(texts, pseudonyms().texts(texts), strict=True))
    again = dict(zip(texts[::-1], pseudonyms().texts(texts[::-1]), strict=True))
    other = dict(zip(texts, pseudonyms(b"conversation 2").texts(texts), strict=True))
    assert first == again
    assert all(first[text] != other[text] for text in texts)


def test_texts_that_compare_have_the_same_placeholders_whatever_stands_beside() -> None:
    texts = ["Camille Renaudin", f"NIR {NIR}", "Rien."]
    alone = [pseudonyms().compared([text])[0] for text in texts]
    crowd = [f"{number:02} 06 12 34 56 {number:02}" for number in range(99)]
    assert pseudonyms().compared([*crowd, *texts])[-3:] == alone
    assert alone[2] == "Rien."
    together = pseudonyms().compared(["Petit a rendu son travail.", "Il s'agit de Jean-Pierre Petit."])
    assert "Petit" not in "".join(together)


def test_two_ways_to_write_one_person_share_a_number() -> None:
    sent = pseudonyms().texts(["Camille Renaudin, puis RENAUDIN Camille, puis Élodie Le Goffic"])[0]
    numbers = [word[5:10] for word in sent.split(", puis ")]
    assert numbers[0] == numbers[1] != numbers[2]
    assert len(set(sent.split(", puis "))) == 3


def test_a_vault_is_neither_shown_nor_stored() -> None:
    vault = Vault(b"k")
    vault.placeholder("NOM", "Camille Renaudin")
    assert "Renaudin" not in repr(vault)
    with pytest.raises(TypeError):
        pickle.dumps(vault)


# What comes back


def test_a_thousand_answers_cut_anywhere_come_back_to_the_letter() -> None:
    assert [seed for seed in range(1_000) if not properties.comes_back(Random(seed))] == []


def test_a_placeholder_that_somebody_typed_stays_what_they_typed() -> None:
    assert [seed for seed in range(200) if not properties.keeps_to_itself(Random(seed))] == []


def test_a_bent_placeholder_is_restored_only_where_it_cannot_be_anything_else() -> None:
    vault = Vault(b"k")
    mark = vault.placeholder("NOM", "Camille")
    inside = mark.strip("⟦⟧")
    for bent in (mark.lower(), f"⟦ {inside} ⟧", f"⟦{inside.replace('_', chr(92) + '_')}⟧", f"⟦{inside.replace('_', ' ')}⟧"):
        assert restored(bent, vault) == "Camille"
    other = "⟦NOM_10000A⟧" if inside != "NOM_10000A" else "⟦NOM_10001A⟧"
    for foreign in (inside, f"[{inside}]", other, mark[:-1], f"⟦{mark}"):
        assert restored(foreign, vault) == foreign.replace(mark, "Camille")


def test_nothing_but_a_possible_placeholder_is_held() -> None:
    restorer = Restorer(Vault(b"k"))
    assert restorer.push("Bonjour ⟦") == "Bonjour "
    assert restorer.push("a + b > c, donc") == "⟦a + b > c, donc"
    assert restorer.push(" fin ⟦NOM_1") == " fin "
    assert restorer.close() == "⟦NOM_1"


# Whole requests


def request() -> dict[str, Any]:
    return {
        "model": "m",
        "user": "camille",
        "temperature": 0.1,
        "tools": [{"type": "function", "function": {"name": "find", "description": "Camille Renaudin", "parameters": {}}}],
        "messages": [
            {"role": "system", "content": "Réponds."},
            {"role": "user", "content": [{"type": "text", "text": f"Je suis Camille Renaudin, NIR {NIR}"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "find", "arguments": '{"nom": "Ren\\u00e9e", "nir": 185057800608412, "n": 3}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"nom": "\\u00c9lodie Le Goffic", "note": 12}'},
        ],
    }


def test_a_whole_request_is_pseudonymised_and_its_schema_left_alone() -> None:
    sent = pseudonyms().body(request())
    told = json.dumps(sent["messages"], ensure_ascii=False)
    assert not any(word in told for word in ("Renaudin", "Goffic", "084 91", "185057800608412"))
    assert sent["tools"] == request()["tools"]
    assert sent["temperature"] == 0.1
    assert "user" not in sent
    assert json.loads(sent["messages"][2]["tool_calls"][0]["function"]["arguments"])["n"] == 3
    assert "marques" in sent["messages"][0]["content"]


def test_the_name_that_signs_a_message_goes_and_that_of_a_tool_stays() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "name": "Camille_Renaudin", "content": "Bonjour"},
        {"role": "tool", "name": "renaudin", "tool_call_id": "1", "content": ""},
        {"role": "user", "name": "anonyme", "content": "Bonjour"},
    ]
    sent = pseudonyms().messages(messages)
    assert [message.get("name") for message in sent if message["role"] != "system"] == [None, "renaudin", "anonyme"]


def test_a_request_that_names_nobody_is_sent_as_it_is() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Qu'est-ce que l'entropie ?"}]}
    assert pseudonyms().body(body) == body


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://univ.example/x.png"}},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "file", "file": {"file_data": ""}},
    ],
)
def test_what_cannot_be_read_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(PseudonymsUnavailableError) as refusal:
        pseudonyms().body({"messages": [{"role": "user", "content": [part]}]})
    assert refusal.value.code == "pseudonyms_unreadable"


def test_tokens_instead_of_words_are_refused() -> None:
    with pytest.raises(PseudonymsUnavailableError):
        pseudonyms().body({"model": "m", "input": [[1, 2, 3]]})


def test_a_fault_refuses_and_says_nothing_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("Camille Renaudin")

    monkeypatch.setattr(Detector, "read", broken)
    with pytest.raises(PseudonymsUnavailableError) as refusal:
        pseudonyms().texts(["Camille Renaudin"])
    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None
    assert "Renaudin" not in repr(refusal.value)


def test_too_long_is_refused() -> None:
    with pytest.raises(PseudonymsUnavailableError) as refusal:
        pseudonyms().texts(["a " * 2_100_000])
    assert refusal.value.code == "pseudonyms_too_long"


def test_a_streamed_answer_with_tools_comes_back() -> None:
    asking = pseudonyms()
    asking.body(request())
    name = asking.vault.placeholder("NOM", 'Camille "Renaudin"')
    arguments = json.dumps({"nom": name}, ensure_ascii=True)
    stream = asking.stream()
    content, called = "", ""
    events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in f"Bonjour {name}"]
    events += [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}}]}
        for piece in arguments
    ]
    events += [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"total_tokens": 3}},
    ]
    for event in events:
        for choice in stream.event(event)["choices"]:
            content += choice["delta"].get("content", "")
            called += "".join(call["function"]["arguments"] for call in choice["delta"].get("tool_calls", []))
    assert content == 'Bonjour Camille "Renaudin"'
    assert json.loads(called) == {"nom": 'Camille "Renaudin"'}


@pytest.mark.parametrize(
    ("delta", "read"),
    [
        (
            lambda text: {"tool_calls": [{"index": 2, "custom": {"input": text}}]},
            lambda one: one["tool_calls"][0]["custom"]["input"],
        ),
        (lambda text: {"function_call": {"arguments": text}}, lambda one: one["function_call"]["arguments"]),
        (lambda text: {"reasoning_content": text}, lambda one: one["reasoning_content"]),
    ],
)
def test_whatever_streams_in_pieces_comes_back(delta: Callable[[str], Any], read: Callable[[Any], str]) -> None:
    asking = pseudonyms()
    mark = asking.vault.placeholder("NOM", "Camille")
    for place in range(len(mark) + 1):
        stream = asking.stream()
        pieces = [delta(mark[:place]), delta(mark[place:]), delta("⟦NOM"), {}]
        events = [{"choices": [{"index": 0, "delta": one}]} for one in pieces]
        events[-1]["choices"][0]["finish_reason"] = "stop"
        deltas = [choice["delta"] for event in events for choice in stream.event(event)["choices"]]
        assert "".join(read(one) for one in deltas if one) == "Camille⟦NOM"


def test_a_field_that_names_somebody_is_replaced_with_its_value() -> None:
    sent = json.dumps(pseudonyms().body({"model": "m", "Camille Renaudin": "Camille Renaudin"}), ensure_ascii=False)
    assert "Renaudin" not in sent


def test_responses_keep_their_schema_and_say_what_placeholders_are() -> None:
    text = {"format": {"type": "json_schema", "name": "Camille Renaudin", "schema": {}}}
    reasoned = {"type": "reasoning", "id": "Renaudin", "encrypted_content": "3Renaudin7"}
    body = {"model": "m", "input": [reasoned, {"role": "user", "content": "Camille Renaudin"}], "text": text}
    sent = pseudonyms().body(body, is_response=True)
    assert (sent["text"], sent["input"][0]) == (text, reasoned)
    assert sent["input"][1]["content"].startswith("⟦NOM_")
    assert "marques" in sent["instructions"]


def test_a_stream_that_is_cut_gives_what_it_held() -> None:
    stream = pseudonyms().stream()
    stream.event({"choices": [{"index": 1, "delta": {"content": "voici ⟦NOM"}}]})
    assert stream.close() == [{"index": 1, "delta": {"content": "⟦NOM"}}]


def test_an_answer_in_one_piece_comes_back() -> None:
    asking = pseudonyms()
    mark = asking.texts(["Camille Renaudin"])[0]
    answer = {"id": "x", "choices": [{"message": {"role": "assistant", "content": f'{{"nom": "{mark}"}}'}}]}
    assert asking.answer(answer, is_json=True)["choices"][0]["message"]["content"] == '{"nom": "Camille Renaudin"}'
