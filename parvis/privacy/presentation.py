"""What pages show of what is held about a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.institutions.models import Institution
from parvis.privacy.actions.holdings import Holding, holdings, own_subjects

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Known:
    """What one institution holds about the reader."""

    institution: Institution
    going: list[Holding]
    staying: list[Holding]

    @property
    def has_courses(self) -> bool:
        return any(one.table == "corpora_corpus" for one in self.staying)


def known_of(principal: Principal) -> list[Known]:
    subjects = own_subjects(principal)
    institutions = Institution.objects.in_bulk([subject.institution_id for subject in subjects])
    found = []
    for subject in subjects:
        every = holdings(subject)
        going, staying = [one for one in every if not one.why], [one for one in every if one.why]
        found.append(Known(institutions[subject.institution_id], going, staying))
    return found


def zip_response(request: HttpRequest, content: IO[bytes], name: str) -> HttpResponseBase:
    """`content` is closed once it is sent."""
    response: HttpResponseBase
    if isinstance(request, ASGIRequest):
        response = StreamingHttpResponse(_chunks(content))  # a FileResponse would be read whole into memory
    else:
        response = FileResponse(content)
    response.headers["Content-Type"] = "application/zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate():%Y-%m-%d}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


async def _chunks(content: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(content.read, _CHUNK):
            yield chunk
    finally:
        content.close()
