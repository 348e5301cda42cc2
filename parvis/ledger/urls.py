from __future__ import annotations

from django.urls import path

from parvis.ledger.views import books, invoices, statements, usage

app_name = "ledger"
urlpatterns = [
    path("", usage.institution, name="usage"),
    path("tableau.csv", usage.table, name="usage_table"),
    path("moi/", usage.own, name="own"),
    path("baremes/", books.list_books, name="books"),
    path("baremes/nouveau/", books.add, name="book_new"),
    path("baremes/<int:book_id>/", books.detail, name="book"),
    path("baremes/<int:book_id>/modification/", books.edit, name="book_edit"),
    path("baremes/<int:book_id>/publication/", books.publication, name="book_publication"),
    path("baremes/<int:book_id>/suppression/", books.deletion, name="book_deletion"),
    path("valorisation/", books.valuation, name="valuation"),
    path("releves/", statements.list_statements, name="statements"),
    path("releves/<int:statement_id>/", statements.detail, name="statement"),
    path("releves/<int:statement_id>/<str:kind>/", statements.file, name="statement_file"),
    path("factures/", invoices.list_reconciliations, name="reconciliations"),
    path("factures/<int:reconciliation_id>/", invoices.detail, name="reconciliation"),
    path("refacturation/", invoices.parties, name="parties"),
]
