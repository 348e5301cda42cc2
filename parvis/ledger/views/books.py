"""Price books: written, put in force, and then only replaced."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.ledger.actions import books as actions
from parvis.ledger.actions.settlement import value_and_record
from parvis.ledger.forms import BookForm
from parvis.ledger.listed import agreements_of, models_of
from parvis.ledger.models import PriceBook
from parvis.ledger.presentation import rates_shown, today_in_paris


@requires("price:view")
@require_GET
def list_books(request: SignedInRequest) -> HttpResponse:
    books = list(PriceBook.objects.visible_to(request.principal).prefetch_related("rates"))
    agreements = {one.id: one.name for one in agreements_of(request.principal.institution_id)}
    today = today_in_paris(timezone.now())
    context = {
        "books": [(book, agreements.get(book.agreement_id, "")) for book in books],
        "today": today,
        "unvalued": actions.unvalued_calls(request.principal.institution_id),
        "may_edit": request.principal.may("price:edit"),
    }
    return render(request, "ledger/books.html", context)


@requires("price:view")
@require_GET
def detail(request: SignedInRequest, book_id: int) -> HttpResponse:
    book = get_or_404(request.principal, "price:view", PriceBook, id=book_id)
    agreements = {one.id: one.name for one in agreements_of(request.principal.institution_id)}
    context = {
        "book": book,
        "agreement": agreements.get(book.agreement_id, ""),
        "rates": rates_shown(book),
        "may_edit": request.principal.may("price:edit") and book.published_at is None and book.institution_id is not None,
        "may_copy": request.principal.may("price:edit") and book.published_at is not None,
    }
    return render(request, "ledger/book.html", context)


@requires("price:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: SignedInRequest) -> HttpResponse:
    """From nothing, or with the prices of another."""
    copied = PriceBook.objects.visible_to(request.principal).filter(id=_number(request.GET.get("copie", ""))).first()
    form = _form(request, copied)
    if request.method == "POST" and form.is_valid():
        book = actions.write_book(request.principal, None, form.values, form.rates)
        messages.success(request, _("%(name)s is kept as a draft: it prices nothing yet.") % {"name": book.name})
        return redirect("ledger:book", book.id)
    return render(request, "ledger/book_form.html", {"form": form, "book": None}, status=422 if form.is_bound else 200)


@requires("price:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, book_id: int) -> HttpResponse:
    book = get_or_404(request.principal, "price:edit", PriceBook, id=book_id)
    form = _form(request, book)
    if request.method == "POST" and form.is_valid():
        actions.write_book(request.principal, book, form.values, form.rates)
        messages.success(request, _("%(name)s is kept as a draft: it prices nothing yet.") % {"name": book.name})
        return redirect("ledger:book", book.id)
    return render(request, "ledger/book_form.html", {"form": form, "book": book}, status=422 if form.is_bound else 200)


@requires("price:edit")
@require_POST
def publication(request: SignedInRequest, book_id: int) -> HttpResponse:
    book = get_or_404(request.principal, "price:edit", PriceBook, id=book_id)
    actions.publish_book(book, actor=request.principal.actor)
    messages.success(request, _("%(name)s is in force. Nothing of it changes any more.") % {"name": book.name})
    return redirect("ledger:book", book.id)


@requires("price:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def deletion(request: SignedInRequest, book_id: int) -> HttpResponse:
    book = get_or_404(request.principal, "price:edit", PriceBook, id=book_id)
    if request.method == "POST":
        actions.discard_book(request.principal, book)
        messages.info(request, _("The draft %(name)s is removed.") % {"name": book.name})
        return redirect("ledger:books")
    return render(request, "ledger/book_deletion.html", {"book": book})


@requires("price:edit")
@require_POST
def valuation(request: SignedInRequest) -> HttpResponse:
    count = value_and_record(request.principal)
    sentence = ngettext("%(count)d call has a price by now.", "%(count)d calls have a price by now.", count)
    messages.info(request, sentence % {"count": count} if count else _("No book in force at their time has a price for them."))
    return redirect("ledger:books")


def _form(request: SignedInRequest, book: PriceBook | None) -> BookForm:
    institution_id = request.principal.institution_id
    return BookForm(
        request.POST if request.method == "POST" else None,
        models=models_of(institution_id),
        agreements=agreements_of(institution_id),
        instance=book,
    )


def _number(written: str) -> int:
    return int(written) if written.isdecimal() and len(written) < 19 else 0
