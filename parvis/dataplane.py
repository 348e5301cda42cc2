"""The ASGI application of /v1 alone: the settings are read, and Django is not started."""

from __future__ import annotations

import gc

from parvis import settings
from parvis.gateway.app import Gateway
from parvis.gateway.assistants import DistantConsole
from parvis.gateway.knowledge import Settings
from parvis.inference.pool import Pool

gc.set_threshold(20_000, 20, 100)  # a request leaves no cycles: what is looked through is the snapshot, again and again
_pool = Pool()
application = Gateway(
    Settings.of(settings),
    DistantConsole(settings.CONSOLE_URL, _pool, settings.ALLOWED_HOSTS[0].lstrip("*.")),
    pool=_pool,
)
