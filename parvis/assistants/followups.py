"""A follow-up made whole: "et pour les redoublants ?" is searched with the words of the question before it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from itertools import pairwise

from parvis.assistants.prompt import Exchange, language
from parvis.inference.completion import Message, Model, UpstreamError
from parvis.retrieval.analysis import Token, analyse, fold, terms

QUESTIONS_REMEMBERED = 4
MOST_CARRIED = 8  # words of former questions
LONGEST_REWRITTEN = 400


def rewrite(question: str, history: Sequence[Exchange] = ()) -> str:
    """The question with what it leaves unsaid, from the words of the questions before it; unchanged when it stands
    alone. Never empty: without any word to search for, it is the question as given, or the former one."""
    question = question.strip()
    if not history or not is_follow_up(question):
        return question or next((past.question for past in reversed(history) if past.question.strip()), "?")
    recent = history[-QUESTIONS_REMEMBERED:]
    former = rewrite(recent[-1].question, recent[:-1])
    known = set(terms(question))
    carried: dict[str, str] = {}
    for token in _kept(former, question):
        if token.term not in known and not _is_empty_word(token):
            carried.setdefault(token.term, token.surface)
    words = " ".join(list(carried.values())[:MOST_CARRIED])
    return f"{question} ({words})" if question and words else question or former


def is_follow_up(question: str) -> bool:
    """Whether the question leans on the one before it: it begins with "et", points back, or says too little alone."""
    folded = " ".join(fold(question).split())
    content = [token for token in analyse(question) if not _is_empty_word(token)]
    if _OPENS_ON_ANOTHER.match(folded):
        return True
    if not content:
        return True
    if _STANDS_ALONE.match(folded):
        return bool(_POINTS_BACK.search(folded)) and len(content) <= 1
    if _POINTS_BACK.search(folded) and len(content) <= 4:
        return True
    if (pronoun := _SUBJECT_PRONOUN.search(folded)) and not analyse(question[: pronoun.start()])[:1]:
        return True
    if _POSSESSIVE.search(folded) and len(content) <= 2:
        return True
    if len(content) == 1:
        return not _ASKS_FULLY.search(folded)
    return len(content) == 2 and bool(_FRAGMENT.match(folded)) and not _HAS_VERB.search(folded)


def _kept(former: str, question: str) -> list[Token]:
    """The words of the former question that the new one does not put another in the place of: after "la chaleur massique de
    l'eau", "et celle du cuivre ?" leaves water out; after "nullité relative", "nullité absolue" leaves "relative" out."""
    tokens, asked = analyse(former), analyse(question)
    if _SAME_OF_ANOTHER.search(fold(question)):
        complement = max((match.end() for match in _COMPLEMENT.finditer(former)), default=len(former))
        tokens = [token for token in tokens if token.start < complement] or tokens
    qualified = {first.term for first, second in pairwise(asked) if _are_neighbours(first, second, question)}
    replaced = {
        second.start
        for first, second in pairwise(tokens)
        if first.term in qualified and _are_neighbours(first, second, former)
    }
    return [token for token in tokens if token.start not in replaced]


def _are_neighbours(first: Token, second: Token, text: str) -> bool:
    return text[first.end : second.start].isspace()


async def rewrite_with(model: Model, question: str, history: Sequence[Exchange], *, timeout: float = 4.0) -> str:
    """As `rewrite`, by a model when it is quick and sensible; its words are used to search, never shown as an answer."""
    plain = rewrite(question, history)
    if not history or not is_follow_up(question):
        return plain
    written = ""
    stream = model(_rewriting(question, history))
    try:
        async with asyncio.timeout(timeout):
            async for delta in stream:
                written += delta.text
                if len(written) > LONGEST_REWRITTEN:
                    break
    except (TimeoutError, UpstreamError):
        return plain
    finally:
        if close := getattr(stream, "aclose", None):
            with contextlib.suppress(UpstreamError):
                await close()
    return _sensible(written, question, history) or plain


def _sensible(written: str, question: str, history: Sequence[Exchange]) -> str:
    """The model's line when it is one question made of the conversation's own words, else ""."""
    line = written.strip().strip('"«» ').strip()
    if not line or "\n" in line or len(line) > LONGEST_REWRITTEN:
        return ""
    said = {term for past in history[-QUESTIONS_REMEMBERED:] for term in terms(f"{past.question} {past.answer}")}
    asked, wanted = set(terms(question)), set(terms(line))
    return line if wanted and asked <= wanted and len(wanted - asked - said) <= len(wanted) // 4 else ""


def _rewriting(question: str, history: Sequence[Exchange]) -> list[Message]:
    former = "\n".join(f"- {past.question[:300]}" for past in history[-QUESTIONS_REMEMBERED:])
    system, before, latest = _REWRITING[language(question)]
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": f"{before}\n{former}\n{latest} {question[:300]}"},
    ]


def _is_empty_word(token: Token) -> bool:
    return fold(token.surface) in _EMPTY


_REWRITING = {
    "fr": (
        "Réécris la dernière question pour qu'elle se comprenne seule, avec les mots de la conversation. "
        "Écris la question et rien d'autre.",
        "Questions précédentes :",
        "Dernière question :",
    ),
    "en": (
        "Rewrite the latest question so that it can be understood alone, with the words of the conversation. "
        "Write the question and nothing else.",
        "Former questions:",
        "Latest question:",
    ),
}

# All matched on folded text: no accents, lower case, straight apostrophes.
_OPENS_ON_ANOTHER = re.compile(
    r"(?:et|mais|ou bien|sinon|donc|alors|ok|d'accord|oui|non|and|but|so|then|or else|what about|how about)\b"
)
_STANDS_ALONE = re.compile(
    r"(?:qu'est[- ]ce qu(?:e|'|i)|c'est quoi|que (?:veut dire|signifie)|qui (?:est|etait|sont|a|fut)\b|definis|"
    r"definition d|donne\w* la definition|what (?:is|are)\b|who (?:is|was|are)\b|define\b)"
)
_POINTS_BACK = re.compile(
    r"\b(?:ca|cela|ceci|celui-ci|celle-ci|ceux-ci|celles-ci|celui-la|celle-la|ce dernier|cette derniere|ces derniers"
    r"|ces dernieres|ce cas|la-dessus|le meme|la meme|les memes|ce|cet|cette|ces|it|they|them|this|that|these|those)\b"
    r"(?! (?:que|qui|dont)\b)(?<!qu'est-ce)(?<!qu'est ce)(?<!est-ce)(?<!est ce)(?<!parce)"
)
_SAME_OF_ANOTHER = re.compile(r"\b(?:celui|celles?|ceux) (?:de|du|des|d')")
_COMPLEMENT = re.compile(r"\b(?:de la |de l['’]|des? |du |d['’])", re.IGNORECASE)
_SUBJECT_PRONOUN = re.compile(
    r"(?<!faut)(?<!agit)(?<!y a)(?<!y a-t)(?<!suffit)(?<!convient)(?<!existe)(?<!existe-t)(?<!s'agit)"
    r"(?:[- ']|^)(?:ils?|elles?|eux)\b(?! (?:faut|y a|existe|suffit|s'agit|convient))"
)
_POSSESSIVE = re.compile(r"\b(?:son|sa|ses|leurs?|its|their)\b")
_FRAGMENT = re.compile(r"(?:pour|en|dans|les?|la|l'|des?|du|aux?|a|chez|avec|sans|apres|avant|for|in|with|without|the)\b")
_HAS_VERB = re.compile(
    r"\b(?:est|sont|a|ont|peut|peuvent|doit|doivent|faut|fait|font|y a|sert|servent|faire|etre|avoir|is|are|does|do|can"
    r"|must|has|have)\b|\w+(?:er|ir|oir|dre|tre)\b|-(?:t-)?(?:il|elle|ils|elles|on|je|tu|nous|vous)\b"
)
_ASKS_FULLY = re.compile(
    r"\b(?:explique\w*|decri\w*|resume\w*|presente\w*|parle\w*|liste\w*|comment|pourquoi|explain|describe|how|why)\b"
)
_EMPTY = frozenset(
    "est-ce question reponse dire dit merci bonjour svp stp please thanks what how why when who which where the is are "
    "for of and but about exactement precisement combien nombre faut".split()
)
