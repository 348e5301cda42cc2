"""Receiving requests: no more than is allowed reaches the disk, and a disk without room is said in a sentence.

What cannot be kept is read to its end and thrown away: a browser shows an answer only once it has sent everything.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponseBase, multipartparser
from django.utils import translation

from parvis.web.middleware import with_policy
from parvis.web.refusals import NO_ROOM, refused

# Django's 1,024 bytes refuse a whole sending for one long name: a path of a chosen folder has up to 4,096, and the browser
# may write each quotation mark as three. Below the length from which a name would be dropped without a word.
multipartparser.MAX_TOTAL_HEADER_SIZE = 8_192  # type: ignore[attr-defined]  # unknown to its stubs

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Handler(ASGIHandler):
    async def read_body(self, receive: Receive) -> IO[bytes]:
        body = SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)
        reason, size, more = "", 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                body.close()
                raise RequestAborted
            piece, more = message.get("body", b""), message.get("more_body", False)
            size += len(piece)
            reason = reason or _keep(body, piece, size)
        if reason:
            with suppress(OSError):  # what was not written yet does not fit either
                body.close()
            return _Unkept(reason)
        body.seek(0)
        return body

    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        request, response = super().create_request(scope, body_file)
        if request is None:
            return None, with_policy(cast("HttpResponseBase", response))
        if not isinstance(body_file, _Unkept):
            return request, None
        with translation.override(translation.get_language_from_request(request)):
            return None, with_policy(refused(request, body_file.reason))


class _Unkept(io.BytesIO):
    """In the place of a body."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


def _keep(body: IO[bytes], piece: bytes, size: int) -> str:
    """Why it was not kept, or nothing. Flushed, so that a full disk is noticed here."""
    if size > settings.REQUEST_MAX_BYTES:
        return "too_much"
    try:
        body.write(piece)
        body.flush()
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return "no_room"
    return ""
