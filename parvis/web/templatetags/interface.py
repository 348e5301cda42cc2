"""What templates of every package draw with: icons, the current page, answers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.template import defaultfilters
from django.template.context import RequestContext
from django.templatetags.static import static
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

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
    if request is None or not url:
        return ""
    if request.path == url:
        return SafeString(' aria-current="page"')
    sections = tuple(section for section in below or (url,) if section != "/")
    return SafeString(' aria-current="true"') if request.path.startswith(sections) else ""
