"""What templates of every package draw with: icons, the current page, answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from django import template
from django.http import HttpRequest
from django.template import defaultfilters
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.template.context import Context, RequestContext
from django.templatetags.static import static
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from parvis.web.rendering import render_answer, render_line

register = template.Library()

BEFORE_A_MARK = re.compile(r" (?=[?!:;»])|(?<=«) ")

register.filter("answer", render_answer, is_safe=True)
register.filter("answer_line", render_line, is_safe=True)


@register.filter
def unbroken(text: str) -> str:
    """What people type, its French marks never alone at the start of a line."""
    return BEFORE_A_MARK.sub("\N{NO-BREAK SPACE}", text)


@register.filter(expects_localtime=True, is_safe=False)
def date(value: Any, layout: str | None = None) -> str:
    """Django's, where the first of a month is « 1er » in French."""
    written = str(defaultfilters.date(value, layout))
    is_french = (get_language() or "").startswith("fr")
    return f"1er{written[1:]}" if is_french and layout and layout.startswith("j F") and written.startswith("1 ") else written


@register.filter
def grouped(number: int) -> str:
    """A count for people: "3 384"."""
    return number_format(number, force_grouping=True)


@register.filter
def grouped_digits(exact: str) -> str:
    """An exact figure that is words already, for people: "18000,00" is "18 000,00"."""
    whole, comma, decimals = exact.partition(",")
    return f"{int(whole):,}".replace(",", "\N{NARROW NO-BREAK SPACE}") + comma + decimals if whole.isdigit() else exact


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing of icons.svg. It is never alone: the words beside it, or a visually hidden label, carry the meaning."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', _drawings(), name)


@cache
def _drawings() -> str:
    """Their address, which a page asks for dozens of times."""
    return static("web/icons.svg")


@register.simple_tag(takes_context=True)
def current(context: RequestContext, url: str, *below: str) -> str:
    """`aria-current` for a navigation link: "page" on the page itself, "true" below it, or below one of `below`."""
    request: HttpRequest | None = context.get("request")
    return _mark(request.path, url, below) if request and url else ""


def _mark(path: str, url: str, below: tuple[str, ...]) -> str:
    if path == url:
        return SafeString(' aria-current="page"')
    sections = tuple(section for section in below or (url,) if section != "/")
    return SafeString(' aria-current="true"') if path.startswith(sections) else ""


class Entry(NamedTuple):
    label: str
    url: str
    mark: str


@register.simple_tag(takes_context=True)
def navigation(context: RequestContext) -> list[Entry]:
    """What the header leads to, by what the reader may do."""
    path = context["request"].path
    return [Entry(label, url, _mark(path, url, tuple(below))) for label, url, *below in _entries(context)]


def _entries(may: Context) -> Iterator[tuple[str, ...]]:
    """A label, its address, and the beginnings of what lies below it where that is not below its address."""
    if may["may_ask"]:
        yield _("Assistants"), _address("assistants:home"), "/assistants/"
        yield _("Conversations"), _address("assistants:history")
    if may["may_teach"]:
        yield _("My courses"), _address("corpora:list")
    if may["may_see_needs"]:
        yield _("Needs"), _address("needs:list"), "/besoins", "/ateliers/", "/alliance/"
    elif may["may_see_alliance"]:
        yield _("Dashboard"), _address("needs:dashboard")
        yield _("Alliance"), _address("needs:alliance")
    if may["may_answer"]:
        yield _("Published needs"), _address("needs:harmonised_list")
        yield _("My requests"), _address("offers:space")
    elif may["may_see_requests"]:
        yield _("Requests"), _address("offers:requests")
    if may["may_choose"]:
        yield _("Choices"), _address("offers:choices"), "/choix/", "/conventions/", "/references/", "/offres/"
    if may["may_see_portfolio"]:
        yield _("Portfolio"), _address("offers:portfolio")
    if may["may_administer"]:
        below = "/modeles/", "/budgets/", "/depenses/", "/sources/", "/regles/", "/cles/etablissement/", "/cles/applications/"
        home = _address("console:home")
        yield _("Administration"), home, home, *below, "/personnes/", "/preuves/", "/consultations/"


_address = cache(reverse)  # every page asks for a dozen of them


@register.tag
def kept(parser: Parser, token: Token) -> _Kept:
    """{% kept key… %}…{% endkept %}: composed once for the language and these keys, which take few values, and shown again."""
    keys = [parser.compile_filter(word) for word in token.split_contents()[1:]]
    body = parser.parse(("endkept",))
    parser.delete_first_token()
    return _Kept(keys, body)


class _Kept(template.Node):
    def __init__(self, keys: list[FilterExpression], body: NodeList) -> None:
        self.keys, self.nodelist = keys, body
        self.made: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        at = (get_language(), *(key.resolve(context, ignore_failures=True) for key in self.keys))
        if at not in self.made:
            self.made[at] = self.nodelist.render(context)
        return self.made[at]
