"""What nobody counted to its end."""

from __future__ import annotations

from random import Random

from parvis.ledger.estimating import Heard, Tokenizer, Tokens


def taught(random: Random, *, asked: float, said: float, calls: int = 50) -> Tokenizer:
    """By calls of a model that makes so many tokens of a byte."""
    found = Tokenizer()
    for _ in range(calls):
        size, heard = random.randrange(200, 20_000), Heard(is_whole=True)
        for _ in range(random.randrange(5, 200)):
            heard.hear(random.randrange(2, 9))
        heard.count(round(size * asked), round(heard.said * said), 0)
        assert not found.tokens(heard, most_in=size, most_out=5_000).is_estimated
    return found


def test_what_was_counted_to_the_last_word_is_what_it_was() -> None:
    heard = Heard()
    heard.hear(5)
    heard.count(30, 1, 12)
    assert Tokenizer().tokens(heard, most_in=100, most_out=50) == Tokens(30, 12, 1, is_estimated=False)


def test_an_estimate_comes_near_what_the_model_makes_of_a_text() -> None:
    random = Random(1)
    known = taught(random, asked=0.23, said=0.31)
    for _ in range(200):
        heard, size = Heard(), random.randrange(500, 20_000)
        for _ in range(random.randrange(50)):
            heard.hear(random.randrange(2, 9))
        found = known.tokens(heard, most_in=size, most_out=5_000)
        assert found.is_estimated
        assert abs(found.prompt - size * 0.23) <= 0.02 * size * 0.23 + 1
        assert found.completion >= max(heard.pieces, heard.said * 0.31 - 1)
        assert found.completion <= max(heard.pieces, heard.said * 0.32 + 1)


def test_no_estimate_is_below_what_was_counted_nor_above_what_was_held() -> None:
    random = Random(2)
    for _ in range(2_000):
        known = taught(random, asked=random.uniform(0.01, 1), said=random.uniform(0.01, 2), calls=2)
        most_in, most_out, heard = random.randrange(1, 5_000), random.randrange(1, 200), Heard()
        for _ in range(random.randrange(100)):
            heard.hear(random.randrange(30))
            if random.random() < 0.02:
                heard.count(random.randrange(1, most_in + 1), min(heard.pieces, most_out), 0)
        found = known.tokens(heard, most_in=most_in, most_out=most_out)
        assert (heard.prompt or 0) <= found.prompt <= most_in
        assert heard.completion <= found.completion <= most_out


def test_what_says_nothing_before_its_end_is_held_to_its_worst() -> None:
    found = Tokenizer().tokens(Heard(is_streamed=False), most_in=1_000, most_out=50)
    assert (found.completion, found.is_estimated) == (50, True)
    assert 0 < found.prompt < 1_000
    whole = Heard(is_streamed=False, is_whole=True)
    whole.hear(30)
    assert 1 <= Tokenizer().tokens(whole, most_in=1_000, most_out=50).completion < 50
