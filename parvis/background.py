"""Every chore of an installation's workers, by package, and the worker that does them."""

from __future__ import annotations

import threading
from datetime import timedelta

from django.utils import timezone

from parvis.chores.jobs import Chore, Leave, do_next
from parvis.corpora.jobs import run_worker
from parvis.evidence import jobs as evidence
from parvis.federation.provisioning.jobs import import_lists
from parvis.federation.saml.jobs import refresh_federations
from parvis.inference import publishing
from parvis.inference.jobs import forget_ended
from parvis.institutions.jobs import mail_notices
from parvis.needs.jobs import embed_needs
from parvis.privacy.jobs import keep_clocks

CHORES = (
    Chore("notices", timedelta(seconds=15), mail_notices),
    Chore("people.lists", timedelta(seconds=2), import_lists),  # somebody waits for it before a page
    Chore("federations", timedelta(seconds=15), refresh_federations),  # asks whether one is due: each is read every hour
    Chore("needs.vectors", timedelta(seconds=30), embed_needs),
    Chore("streams.stops", timedelta(minutes=10), forget_ended),
    Chore("privacy.clocks", timedelta(minutes=1), keep_clocks),
)


def do_chores(leave: Leave) -> bool:
    return do_next(CHORES, now=timezone.now(), leave=leave)


def run(*, until_idle: bool, stop: threading.Event) -> None:
    """Reads documents; does chores while none waits. Beside, whatever is being read, evidence is numbered and signed, and the
    data plane is told what it needs."""
    threads = [] if until_idle else [evidence.keep(stop), publishing.keep(stop)]
    run_worker(until_idle=until_idle, stop=stop, meanwhile=do_chores)
    if until_idle:
        evidence.tick()
    for thread in threads:
        thread.join(timeout=5)
