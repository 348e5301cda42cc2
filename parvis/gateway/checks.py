"""Health checks: a model that failed several times is left alone, and asked meanwhile which models it has. Nothing of anybody
is in that question, and it costs nothing; the next request need not be the one that finds out.

Only a model that somebody may still send something to is asked: in the latest snapshot, attested, in a zone that is cleared.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import MutableMapping
from datetime import UTC, datetime

from parvis.access.sensitivity import DATA_CLASSES
from parvis.gateway.knowledge import Follower, Knowledge, Known
from parvis.inference.completion import UpstreamError
from parvis.inference.pool import Pool
from parvis.inference.routing import Clearance, Health, checked

CHECKS = 20  # of a model that rests; then the next request tries it
CHECK_SECONDS = 10.0
LONGEST_LIST = 4 << 20
MOST_AT_ONCE = 64


class Checks:
    """Of one worker, into its `board`: one at a time for each address."""

    def __init__(self, follower: Follower, pool: Pool, board: MutableMapping[str, Health]) -> None:
        self._follower, self._pool, self._board = follower, pool, board
        self._watched: dict[str, asyncio.Task[None]] = {}

    def watch(self, known: Known) -> None:
        """Where it rests, until it is there again."""
        place = known.candidate.known_by
        if place in self._watched or len(self._watched) >= MOST_AT_ONCE or self._rests_until(place) is None:
            return
        task = self._watched[place] = asyncio.get_running_loop().create_task(self._check(known.model.id, place))
        task.add_done_callback(lambda _task: self._watched.pop(place, None))

    def close(self) -> None:
        for task in self._watched.values():
            task.cancel()

    async def _check(self, model_id: str, place: str) -> None:
        for _ in range(CHECKS):
            if (until := self._rests_until(place)) is None:
                return
            await asyncio.sleep(max(0.0, (until - _now()).total_seconds()))
            known = self._still_lawful(model_id, place)
            if known is None:
                return
            code = await self._code(known)
            if place in self._board:
                self._board[place] = checked(self._board[place], _now(), code)

    async def _code(self, known: Known) -> str:
        """ "" where the server is there, even if it has no such list."""
        try:
            sending = known.sending("models", self._follower.ring, method="GET")
            head = sending.head(f"check_{os.urandom(8).hex()}", 0)
            answer = await self._pool.send(sending.target, head, first=CHECK_SECONDS, between=CHECK_SECONDS)
            try:
                await answer.whole(LONGEST_LIST)
            finally:
                answer.leave()
        except UpstreamError as error:
            return error.code
        if answer.status in (401, 403):
            return "refused_key"
        return "overloaded" if answer.status >= 500 or answer.status in (408, 429) else ""

    def _still_lawful(self, model_id: str, place: str) -> Known | None:
        knowledge, now = self._follower.knowledge(), _now()
        known = knowledge.by_id.get(model_id) if knowledge else None
        if knowledge is None or known is None or known.candidate.known_by != place:
            return None
        since, until = known.candidate.attested_at, known.candidate.attested_until
        if since is None or since > now or (until is not None and until <= now):
            return None
        return known if _is_cleared(knowledge, known) else None

    def _rests_until(self, place: str) -> datetime | None:
        health = self._board.get(place)
        return health.rests_until if health else None


def _is_cleared(knowledge: Knowledge, known: Known) -> bool:
    """For some class of data, of an institution that has this model."""
    owner = known.model.institution
    return any(
        knowledge.matrix(one).get((data_class, known.provider.zone)) == Clearance.ALLOWED
        for one in knowledge.institutions.values()
        if owner in (None, one.id)
        for data_class in DATA_CLASSES
    )


def _now() -> datetime:
    return datetime.now(UTC)
