"""What cannot be done with people, groups and lists: what happened, what to do."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy

from parvis.federation.provisioning.people_sheet import Fault, Refused
from parvis.federation.provisioning.unfit import Unfit


def unfit_sentence(error: Unfit) -> str:
    return str(_UNFIT[error.code]) % error.params


def fault_sentence(fault: Fault) -> str:
    return str(_FAULTS[fault.code]) % fault.params


def refused_sentence(error: Refused) -> str:
    """The file as a whole. Nothing of it was kept."""
    params = {
        name: number_format(int(one), force_grouping=True) if one.isdecimal() else one for name, one in error.params.items()
    }
    return str(_LISTS.get(error.code, _UNREADABLE)) % params


_UNFIT = {
    "group_taken": gettext_lazy("There is already a group “%(name)s”."),
    "identifier_taken": gettext_lazy("“%(identifier)s” is already somebody’s identifier here."),
    "kept_by_scim": gettext_lazy("SCIM keeps this group: rename it or delete it in your directory."),
    "named_by_rules": gettext_lazy("Access rules name this group. Change the rules first, then delete it."),
    "own_profile": gettext_lazy("You cannot shut yourself out: ask another administrator."),
    "suspended": gettext_lazy("This person is suspended: restore them first."),
}
_FAULTS = {
    "bad_identifier": gettext_lazy("“%(value)s” holds signs that no identifier has."),
    "extra_cells": gettext_lazy("A cell stands to the right of the last heading. Give its column a heading, or empty it."),
    "missing": gettext_lazy("“%(column)s” is empty: fill it in."),
    "repeated": gettext_lazy("It gives somebody the same role as row %(row)s, which is kept. Remove one of the two."),
    "role_elsewhere": gettext_lazy("“%(value)s” is given a role that nobody holds in this institution."),
    "same_but_case": gettext_lazy("“%(value)s” differs from another identifier of the list by its case only."),
    "too_long": gettext_lazy("“%(column)s” has more than %(limit)s letters. Shorten it."),
    "unclosed_quote": gettext_lazy("A quotation mark is opened and never closed. Close it, or remove it."),
    "unknown_role": gettext_lazy(
        "“%(value)s” is no role. Write student, teacher, staff, administrator, referent, signatory or dpo, with | between two."
    ),
}
_LISTS = {
    "ambiguous_column": gettext_lazy("Several columns mean the same thing: %(columns)s. Keep one of them."),
    "empty": gettext_lazy("The file is empty. Check it on your computer, then send it again."),
    "no_header": gettext_lazy(
        "No row names the columns (read: %(seen)s). The first one holds headings: identifier, name, role; groups if you wish."
    ),
    "not_a_spreadsheet": gettext_lazy("This is not a list. In your spreadsheet, save it as CSV, then send that file."),
    "nul_bytes": gettext_lazy("This is not a text file. In your spreadsheet, save the list as CSV (UTF-8), then send it."),
    "too_large": gettext_lazy("The file is larger than %(limit)s MB. Send the list in several files, under several names."),
    "too_many_rows": gettext_lazy("The list has more than %(limit)s rows. Send it in several files, under several names."),
}
_UNREADABLE = gettext_lazy("The file could not be read as a list of people. Use the model of this page.")
