"""Formulas as one readable line: a fraction is (a)/(b), a power x^2. Both Office's markup and MathML."""

from __future__ import annotations

from lxml import etree

from .container import attribute, local


def linear(element: etree._Element) -> str:
    """The formula in an `m:oMath` or `math` element."""
    return " ".join(_render(element).split())


def _render(element: etree._Element) -> str:
    name = local(element)
    if name in _SKIPPED:
        return ""
    if name in _LEAVES:
        text = "".join(str(piece) for piece in element.itertext())
        return f" {text.strip()} " if name == "mo" and text.strip() in _SPACED else text.strip() if name[0] == "m" else text
    shape = _SHAPES.get(name)
    children = [child for child in element if local(child) and local(child) not in _SKIPPED]
    if shape is None:
        return "".join(map(_render, children)) if len(element) else (element.text or "").strip()
    parts = [_render(child).strip() for child in children]
    return shape(element, children, parts)


def _grouped(text: str) -> str:
    return text if len(text) <= 1 or text.isalnum() or (text[0] == "(" and text[-1] == ")") else f"({text})"


def _pick(children: list[etree._Element], parts: list[str], *names: str) -> list[str]:
    """Office names the arguments (num, den, e, sub, sup), MathML orders them."""
    named = {local(child): part for child, part in zip(children, parts, strict=True)}
    if any(name in named for name in names):
        return [named.get(name, "") for name in names]
    return [*parts, *[""] * len(names)][: len(names)]


def _fraction(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    above, below = _pick(children, parts, "num", "den")
    return f"{_grouped(above)}/{_grouped(below)}"


def _power(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    base, above = _pick(children, parts, "e", "sup")
    return f"{_grouped(base)}^{_grouped(above)}"


def _index(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    base, below = _pick(children, parts, "e", "sub")
    return f"{_grouped(base)}_{_grouped(below)}"


def _index_and_power(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    base, below, above = _pick(children, parts, "e", "sub", "sup")
    return f"{base}_{_grouped(below)}^{_grouped(above)}"


def _root(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    if local(element) == "rad":
        degree, inside = _pick(children, parts, "deg", "e")
    else:
        inside, degree = (parts[0], parts[1]) if local(element) == "mroot" and len(parts) > 1 else ("".join(parts), "")
    return f"{degree}√{_grouped(inside)}"


def _sum(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    below, above, inside = _pick(children, parts, "sub", "sup", "e")
    sign = next((attribute(child, "val") for child in element.iter("{*}chr")), "∫")
    limits = (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "")
    return f"{sign}{limits} {inside}"


def _fenced(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    marks = {local(mark): attribute(mark, "val") for mark in element.iterfind("{*}dPr/*")}
    return marks.get("begChr", "(") + ", ".join(parts) + marks.get("endChr", ")")


def _function(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    name, argument = _pick(children, parts, "fName", "e")
    return f"{name} {argument}"


def _rows(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    rows = (", ".join(_render(cell).strip() for cell in child) for child in children)
    return "[" + "; ".join(rows) + "]"


_SHAPES = {
    "f": _fraction,
    "mfrac": _fraction,
    "sSup": _power,
    "msup": _power,
    "mover": _power,
    "limUpp": _power,
    "sSub": _index,
    "msub": _index,
    "munder": _index,
    "sSubSup": _index_and_power,
    "msubsup": _index_and_power,
    "munderover": _index_and_power,
    "rad": _root,
    "msqrt": _root,
    "mroot": _root,
    "nary": _sum,
    "d": _fenced,
    "func": _function,
    "m": _rows,
    "mtable": _rows,
}
_LEAVES = frozenset({"t", "mi", "mn", "mo", "mtext"})
_SPACED = frozenset("= + − - × ÷ ≤ ≥ < > ≈ ≠ ∈ → ⇒ ⇔ ±".split())
_SKIPPED = frozenset(
    {"annotation", "annotation-xml", "rPr", "ctrlPr", "fPr", "sSupPr", "sSubPr", "sSubSupPr", "radPr", "naryPr"}
) | {
    "dPr",
    "funcPr",
    "mPr",
    "limUppPr",
    "limLowPr",
    "accPr",
}
