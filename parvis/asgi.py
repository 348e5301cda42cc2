"""The ASGI application: one process serves pages and streams."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parvis.settings")
django.setup(set_prefix=False)

from parvis.web.receiving import Handler  # noqa: E402 - it asks for the settings

application = Handler()
