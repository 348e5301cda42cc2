"""A worker on the database and files of a test: `python -m parvis.corpora.tests.worker_process NAME FILES LEASE`."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = sys.argv[1]
    settings.FILES_DIR = Path(sys.argv[2])
    django.setup()
    from parvis.corpora.jobs import run_worker

    run_worker(lease=timedelta(seconds=float(sys.argv[3])))
