"""How long each class of data is kept, unless an institution decides otherwise; and why that long.

Two of these durations are recommended by the CNIL and say so. The others are ours: the regulation asks that data be kept no
longer than their purpose needs (article 5(1)(e)) and fixes no number, and the purpose here is an academic year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

YEAR = 365


@dataclass(frozen=True, slots=True)
class Clock:
    """`since`: from when days are counted. An institution chooses between `shortest` and `longest`."""

    code: str
    label: StrOrPromise
    since: StrOrPromise
    days: int
    shortest: int
    longest: int
    basis: StrOrPromise


_OURS = _("Parvis’s choice: an academic year, as the purpose asks. No text fixes it.")

CLOCKS = (
    Clock("conversations", _("Conversations with assistants"), _("since the latest question"), YEAR, 7, 3 * YEAR, _OURS),
    Clock("signals", _("Exchanges shown to teachers"), _("since they were sent"), YEAR, 7, 3 * YEAR, _OURS),
    Clock(
        "statements",
        _("Ledger of questions, for statements of the use of AI"),
        _("since the question"),
        YEAR,
        183,
        3 * YEAR,
        _("Parvis’s choice: an academic year, with its second session. Shorter, a teacher could not check a statement."),
    ),
    Clock(
        "sessions",
        _("Open sessions"),
        _("since signing in"),
        14,
        1,
        14,
        _("Parvis’s choice: two weeks, and never more than the life of the session’s cookie."),
    ),
    Clock(
        "audit",
        _("Evidence: what each entry says"),
        _("since it was written"),
        YEAR,
        183,
        3 * YEAR,
        _("CNIL, deliberation no. 2021-122 of 14 October 2021 on logging: six months to a year, three years if justified."),
    ),
    Clock(
        "keys",
        _("API keys that open nothing any more"),
        _("since they were revoked or expired"),
        YEAR,
        30,
        YEAR,
        _("As evidence: until then, a past use can be traced to a key."),
    ),
    Clock(
        "usage",
        _("Who made each call to a model"),
        _("since the call"),
        YEAR,
        31,
        3 * YEAR,
        _("Parvis’s choice: a financial year, to answer for what was spent. What it cost stays in the accounts, nameless."),
    ),
    Clock("notices", _("Notices"), _("since they were sent"), 183, 7, YEAR, _("Parvis’s choice: a semester.")),
    Clock(
        "uploads",
        _("Files that became nothing: unreadable, never confirmed, or removed"),
        _("since they were received"),
        30,
        1,
        YEAR,
        _("Parvis’s choice: a month to try again."),
    ),
    Clock(
        "drafts", _("Drafts of needs and of vendors’ answers"), _("since they were last touched"), YEAR, 30, 3 * YEAR, _OURS
    ),
    Clock(
        "departed",
        _("People who left"),
        _("since their last profile ended"),
        YEAR,
        30,
        5 * YEAR,
        _("CNIL: an active file lasts as long as the relation. Parvis’s choice: a year more, for those who come back."),
    ),
    Clock(
        "requests",
        _("Records of export and erasure requests, and of consultations of contents"),
        _("since they were answered"),
        5 * YEAR,
        YEAR,
        5 * YEAR,
        _("Civil code, article 2224: five years, during which the answer to a request may have to be proved."),
    ),
)
BY_CODE = {clock.code: clock for clock in CLOCKS}
