from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from parvis.retrieval.evaluation import BadDataset, Hiding, Library, Question, auroc, drawn, evaluate, load

CORPUS = [
    {"id": "c1", "title": "Bourses", "text": "La bourse sur critères sociaux est versée le cinq de chaque mois."},
    {"id": "c2", "title": "Bourses", "text": "La bourse de mobilité compte neuf mensualités au plus."},
    {"id": "c3", "title": "Jurys", "text": "Le jury délibère sous la présidence d'une professeure. Il compte trois membres."},
    {"id": "c4", "title": "Sport", "text": "La carte sportive ouvre l'accès à la piscine et au gymnase du campus."},
    {"id": "c5", "title": "Bibliothèque", "text": "Le prêt d'un livre dure trois semaines, renouvelables une fois."},
]
QUERIES = [
    {"id": "q1", "text": "Quand la bourse sur critères sociaux est-elle versée ?"},
    {"id": "q2", "text": "Combien de membres compte le jury ?"},
    {"id": "q3", "text": "Combien de temps dure le prêt d'un livre ?"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\tc1\t1\nq2\tc3\t1\nq3\tc5\t2\nq3\tc4\t0\n"
ANSWERS = [
    {"id": "q1", "answers": [{"text": "le cinq de chaque mois", "start": 44}]},
    {"id": "q2", "answers": [{"text": "trois", "start": 59}]},
    {"id": "q3", "answers": [{"text": "trois semaines", "start": 25}]},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in (("corpus", CORPUS), ("queries", QUERIES), ("answers", ANSWERS)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    (tmp_path / "qrels.tsv").write_text(QRELS)
    return tmp_path


def test_a_set_is_measured(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    result = evaluate(load(folder), on_progress=lambda done, total: seen.append((done, total)))
    assert (result.passages, result.questions) == (5, 3)
    assert result.ndcg_at_10 == result.recall_at_10 == result.mrr_at_10 == result.passage_in_top_5 == 1
    assert result.answer_in_two_sentences == result.two_sentences_over_top_5 == 1
    assert result.auroc_article
    assert result.auroc_article > 0.9
    assert 0 < result.threshold < 1
    assert seen[-1] == (3, 3)
    assert json.loads(json.dumps(asdict(result)))["questions"] == 3


def test_what_a_wrong_passage_costs(folder: Path) -> None:
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tc1\t1\nq1\tc4\t1\nq2\tc4\t1\n")
    result = evaluate(load(folder))
    assert result.questions == 2
    assert result.recall_at_10 == pytest.approx((0.5 + 0) / 2)
    assert result.mrr_at_10 == pytest.approx((1 + 0) / 2)
    ideal = 1 + 1 / 1.5849625
    assert result.ndcg_at_10 == pytest.approx((1 / ideal + 0) / 2, abs=1e-6)


def test_without_answers_only_ranking_and_abstention_are_measured(folder: Path) -> None:
    (folder / "answers.jsonl").unlink()
    result = evaluate(load(folder))
    assert result.answer_in_two_sentences is None
    assert result.auroc_near is None
    assert result.ndcg_at_10 == 1
    assert result.auroc_article is not None


def test_a_limit_draws_the_same_questions_each_time(folder: Path) -> None:
    questions = load(folder).questions
    assert [one.id for one in drawn(questions, 2)] == [one.id for one in drawn(questions[::-1], 2)][::-1]
    assert evaluate(load(folder), limit=2).questions == 2


def test_what_is_hidden_is_not_found_and_not_counted(folder: Path) -> None:
    library = Library(load(folder).passages)
    question = Question("q", "bourse de mobilité versée", {1: 1}, ("le cinq",))
    for how, left in ((Hiding.NEAR, {2}), (Hiding.ARTICLE, set())):
        found = library.ask(question.text, without=(question, how))
        assert {hit.passage.id for hit in found.hits} == left
        assert found.stats.document_frequency.get("bours", 0) == len(left)
    assert library.ask(question.text).stats.document_frequency["bours"] == 2


def test_a_mistake_is_not_mended_by_a_word_that_is_hidden(folder: Path) -> None:
    library = Library(load(folder).passages)
    question = Question("q", "piscyne", {4: 1})
    assert library.ask(question.text).corrections
    assert not library.ask(question.text, without=(question, Hiding.ARTICLE)).corrections


def test_near_is_kept_only_where_the_rest_of_the_document_does_not_answer(folder: Path) -> None:
    library = Library(load(folder).passages)
    assert library.can_hide(Question("q", "?", {1: 1}, ("le cinq",)), Hiding.NEAR)
    assert not library.can_hide(Question("q", "?", {1: 1}, ("La bourse",)), Hiding.NEAR)
    assert not library.can_hide(Question("q", "?", {3: 1}, ("trois",)), Hiding.NEAR)


def test_auroc_is_the_chance_of_the_right_order() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 1
    assert auroc([0.1, 0.9], [0.1, 0.9]) == 0.5
    assert auroc([0.5], [0.5, 0.1]) == 0.75
    assert auroc([], [0.5]) is None


def _json_line(line: int, **changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        lines = path.read_text().splitlines()
        row = {**json.loads(lines[line - 1]), **changes}
        lines[line - 1] = json.dumps({key: value for key, value in row.items() if value is not None})
        path.write_text("\n".join(lines))

    return change


def _text(content: str | bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return change


@pytest.mark.parametrize(
    ("file", "change", "code", "line"),
    [
        ("corpus.jsonl", Path.unlink, "missing_file", None),
        ("corpus.jsonl", _text("\n\n"), "empty_file", None),
        ("corpus.jsonl", _text(b'{"id": "c1",\n"\xff"}'), "not_utf8", 2),
        ("corpus.jsonl", _text('{"id": "a", "text": "b"}\n{"id": '), "not_json", 2),
        ("corpus.jsonl", _text("[1, 2]"), "not_json", 1),
        ("corpus.jsonl", _json_line(3, text=None), "missing_field", 3),
        ("corpus.jsonl", _json_line(3, text=12), "wrong_type", 3),
        ("corpus.jsonl", _json_line(3, text="  "), "missing_field", 3),
        ("corpus.jsonl", _json_line(3, id="c1"), "duplicate_id", 3),
        ("queries.jsonl", _json_line(2, id="q1"), "duplicate_id", 2),
        ("queries.jsonl", _json_line(2, text=None), "missing_field", 2),
        ("answers.jsonl", _json_line(2, id="q9"), "unknown_id", 2),
        ("answers.jsonl", _json_line(2, answers="trois"), "wrong_type", 2),
        ("answers.jsonl", _json_line(2, answers=[{"start": 3}]), "wrong_type", 2),
        ("qrels.tsv", _text("q1\tc1\t1\n"), "bad_heading", 1),
        ("qrels.tsv", _text("query-id\tcorpus-id\tscore\nq1 c1 1\n"), "wrong_type", 2),
        ("qrels.tsv", _text("query-id\tcorpus-id\tscore\nq1\tc9\t1\n"), "unknown_id", 2),
        ("qrels.tsv", _text("query-id\tcorpus-id\tscore\nq9\tc1\t1\n"), "unknown_id", 2),
        ("qrels.tsv", _text("query-id\tcorpus-id\tscore\nq1\tc1\tx\n"), "bad_score", 2),
        ("qrels.tsv", _text("query-id\tcorpus-id\tscore\nq1\tc1\t99\n"), "bad_score", 2),
        ("qrels.tsv", _text("query-id\tcorpus-id\tscore\nq1\tc1\t0\n"), "empty_file", None),
    ],
)
def test_a_bad_row_is_refused_with_its_place(
    folder: Path, file: str, change: Callable[[Path], None], code: str, line: int | None
) -> None:
    load(folder)
    change(folder / file)
    with pytest.raises(BadDataset) as refused:
        load(folder)
    assert (refused.value.code, refused.value.params["file"], refused.value.params.get("line")) == (code, file, line)


def test_a_byte_order_mark_and_windows_line_ends_are_read(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(load(folder).questions) == 3
