"""Workers on the database and files of a test: `python -m parvis.corpora.tests.worker_process LEASE` reads Parvis once; for
each line, the names of a database and of a folder as JSON, it starts one and answers with its process id."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from django.conf import settings
    from django.db import connection

    from parvis.corpora.jobs import run_worker

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a worker that was killed leaves nothing to wait for
    for line in sys.stdin:
        if child := os.fork():
            sys.stdout.write(f"{child}\n")
            sys.stdout.flush()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection.settings_dict["NAME"], files = json.loads(line)
        settings.FILES_DIR = Path(files)
        run_worker(lease=timedelta(seconds=float(sys.argv[1])))
