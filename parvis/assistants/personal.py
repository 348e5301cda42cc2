from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.middleware import principal_of
from parvis.assistants.export import file_name, to_markdown
from parvis.assistants.models import OPEN, Assistant, Conversation, Signal
from parvis.assistants.presentation import exported
from parvis.assistants.statements.models import Asked, Statement
from parvis.corpora.personal import going
from parvis.personal import Erased, GivenFile, Kept, Subject, Tables, Within

TABLES: Tables = {
    "assistants_assistant": Kept(
        _("Assistants"),
        _("An assistant over courses that stay goes on answering, without your name; one that others asked keeps its name."),
        ("owner",),
    ),
    "assistants_assistant_corpora": Within("assistants_assistant"),
    "assistants_conversation": Erased(_("Conversations"), ("profile",)),
    "assistants_turn": Erased(_("Questions"), ("conversation__profile",), omit=frozenset({"lease_until", "latest_seq"})),
    "assistants_turnevent": Erased(_("Answers, event by event"), ("turn__conversation__profile",)),
    "assistants_signal": Erased(_("Exchanges you showed to a teacher"), ("profile",)),
    "assistants_asked": Erased(
        _("What you asked, for statements of the use of AI"), ("profile",), omit=frozenset({"question_hash"})
    ),
    "assistants_statement": Erased(_("Statements of the use of AI"), ("profile",)),
}


def forget(subject: Subject) -> None:
    """Assistants that only had the courses that go. The conversations of others keep the name of what they talked to."""
    ending = set(going(subject).values_list("id", flat=True))
    for assistant in Assistant.unscoped.filter(owner__in=subject.profile_ids):
        if set(assistant.corpora.values_list("id", flat=True)) <= ending:
            if assistant.conversations.exists():
                assistant.description = assistant.instructions = assistant.suggestions = ""
                assistant.save(update_fields=["description", "instructions", "suggestions"])
            else:
                assistant.delete()


def files(subject: Subject) -> Iterator[GivenFile]:
    """Each conversation as its person reads it, sources named."""
    rows = Conversation.unscoped.filter(profile__in=subject.profile_ids).order_by("id")
    for row in rows.select_related("profile__institution", "assistant", "institution"):
        text = to_markdown(exported(row, principal_of(row.profile), timezone.now()))
        yield GivenFile(f"conversations/{row.id}-{file_name(row.title, 'md')}", text=text)


def _conversations(institution_id: int, before: datetime, most: int) -> int:
    """Since the latest question; one that is being answered at this instant waits for the next day."""
    rows = Conversation.unscoped.filter(institution=institution_id, updated_at__lt=before).exclude(turns__state__in=OPEN)
    ids = list(rows.order_by("id").values_list("id", flat=True)[:most])
    Conversation.unscoped.filter(id__in=ids).delete()
    return len(ids)


def _signals(institution_id: int, before: datetime, most: int) -> int:
    rows = Signal.unscoped.filter(institution=institution_id, created_at__lt=before).order_by("id")
    return Signal.unscoped.filter(id__in=list(rows.values_list("id", flat=True)[:most])).delete()[0]


def _statements(institution_id: int, before: datetime, most: int) -> int:
    """The ledger that statements are made of, and what tells whether a file is one of them."""
    asked = Asked.unscoped.filter(institution=institution_id, asked_at__lt=before).order_by("id")
    made = Statement.unscoped.filter(institution=institution_id, made_at__lt=before).order_by("id")
    count = Asked.unscoped.filter(id__in=list(asked.values_list("id", flat=True)[:most])).delete()[0]
    return count + Statement.unscoped.filter(id__in=list(made.values_list("id", flat=True)[:most])).delete()[0]


EXPIRE = {"conversations": _conversations, "signals": _signals, "statements": _statements}
