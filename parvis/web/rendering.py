"""What a model or a document wrote, made into HTML that causes no request: no link, no image, no script, no style.

Two layers, each enough alone: Markdown is read with HTML, links and images off, then the result is filtered by an
allow-list in which no attribute can fetch. Time is bounded: what is too long to render is shown as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

LONGEST_TEXT = 20_000  # characters rendered; beyond, the text is shown as it is
LONGEST_FORMULA = 1_000
DEEPEST_FORMULA = 25  # braces; the converter is recursive
MOST_FORMULAS = 200  # in one text
LONGEST_CODE = 8_000

# Languages that are taught. A closed list: a lexer is a set of regular expressions, and some are slow on hostile text.
LANGUAGES = frozenset(
    "bash c caml cpp css go haskell html java javascript js json julia latex matlab ocaml octave php pascal prolog python py"
    " r rust scala sh sql tex typescript ts xml yaml".split()
)

_MATHS = frozenset(
    "math maction menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace"
    " msqrt msub msubsup msup mtable mtd mtext mtr munder munderover none".split()
)
_TEXT = frozenset(
    "p br strong em s ul ol li blockquote code pre span h3 h4 h5 h6 hr table thead tbody tr th td div".split(),
)
_ATTRIBUTES = {
    "math": {"display"},
    "mo": {
        "accent",
        "fence",
        "form",
        "largeop",
        "lspace",
        "maxsize",
        "minsize",
        "movablelimits",
        "rspace",
        "separator",
        "stretchy",
    },
    "mi": {"mathvariant"},
    "mn": {"mathvariant"},
    "mtext": {"mathvariant"},
    "mfrac": {"linethickness"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "mspace": {"depth", "height", "width"},
    "mtable": {"columnalign", "columnlines", "columnspacing", "rowlines", "rowspacing"},
    "mtd": {"columnalign"},
    "menclose": {"notation"},
    "pre": {"tabindex"},
    "ol": {"start"},
}
_CLASSES = {
    "span": {name for name in STANDARD_TYPES.values() if name},
    "code": {"unreadable-maths"},
}


def render_answer(text: str) -> SafeString:
    """Blocks: paragraphs, lists, tables, code, formulas. Headings begin at h3, under the question."""
    if len(text) > LONGEST_TEXT:
        return format_html("<pre tabindex='0'>{}</pre>", text)
    return _filtered(_markdown().render(text))


def render_line(text: str) -> SafeString:
    """What stands within one line: emphasis, code, formulas."""
    if len(text) > LONGEST_TEXT:
        return escape(text)
    return _filtered(_markdown().renderInline(text))


def _filtered(html: str) -> SafeString:
    clean = nh3.clean(
        html,
        tags=set(_TEXT | _MATHS),
        clean_content_tags={"script", "style"},
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes=set(),
        link_rel=None,
        generic_attribute_prefixes=None,
    )
    return mark_safe(clean)  # noqa: S308 - this is the one place where text becomes markup


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "highlight": _code})
    markdown.enable(["table", "strikethrough"])
    markdown.disable(["link", "image", "autolink", "html_inline", "html_block", "reference"])
    markdown.block.ruler.before("fence", "formula", _formula_block, {"alt": ["paragraph", "blockquote", "list"]})
    markdown.inline.ruler.before("escape", "formula", _formula_inline)
    markdown.add_render_rule("formula", _render_formula)
    markdown.add_render_rule("heading_open", _render_heading)
    markdown.add_render_rule("heading_close", _render_heading)
    return markdown


def _formula_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """`$$` at the start of a line, up to the line that ends with `$$`."""
    start = state.bMarks[first] + state.tShift[first]
    if not state.src.startswith("$$", start):
        return False
    for line in range(first, last):
        end = state.eMarks[line]
        content = state.src[start + 2 : end].rstrip()
        if len(content) > LONGEST_FORMULA + 2:
            return False
        if content.endswith("$$") and content != "$$"[: len(content)]:
            if not silent:
                state.line = line + 1
                token = state.push("formula", "math", 0)
                token.content, token.block, token.map = content[:-2].strip(), True, [first, line + 1]
            return True
    return False


def _formula_inline(state: StateInline, silent: bool) -> bool:
    """`$…$` and `$$…$$`. A dollar followed by a space, or closed before a digit, is money: "5 $ et 10 $"."""
    source, start = state.src, state.pos
    if source[start] != "$":
        return False
    mark = "$$" if source.startswith("$$", start) else "$"
    begin = start + len(mark)
    end = source.find(mark, begin, begin + LONGEST_FORMULA)
    while end > 0 and source[end - 1] == "\\":
        end = source.find(mark, end + 1, begin + LONGEST_FORMULA)
    content = source[begin:end] if end > 0 else ""
    if not content.strip() or (
        mark == "$" and (content[0].isspace() or content[-1].isspace() or source[end + 1 : end + 2].isdigit())
    ):
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.block = content, mark == "$$"
    state.pos = end + len(mark)
    return True


def _render_formula(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, environment: EnvType
) -> str:
    environment["formulas"] = environment.get("formulas", 0) + 1
    token = tokens[index]
    if environment["formulas"] > MOST_FORMULAS or not _is_modest(token.content):
        return _unreadable(token.content)
    try:
        return convert(token.content, display="block" if token.block else "inline")
    except Exception:  # noqa: BLE001 - the converter raises anything on what it does not know; the source is shown
        return _unreadable(token.content)


def _is_modest(formula: str) -> bool:
    depth = deepest = 0
    for character in formula:
        depth += (character in "{[(") - (character in "}])")
        deepest = max(deepest, depth)
    return len(formula) <= LONGEST_FORMULA and deepest <= DEEPEST_FORMULA


def _unreadable(formula: str) -> SafeString:
    return format_html('<code class="unreadable-maths">{}</code>', formula)


def _render_heading(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, environment: EnvType
) -> str:
    token = tokens[index]
    level = min(int(token.tag[1:]) + 2, 6)
    return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"


def _code(code: str, language: str, attributes: Any) -> str:
    if language.lower() not in LANGUAGES or len(code) > LONGEST_CODE:
        return f'<pre tabindex="0"><code>{escape(code)}</code></pre>'
    lexer = get_lexer_by_name(language.lower(), stripall=False)
    return f'<pre tabindex="0"><code>{highlight(code, lexer, HtmlFormatter(nowrap=True))}</code></pre>'
