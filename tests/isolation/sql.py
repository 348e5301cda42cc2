"""What somebody can do who sends any SQL on the application's connection to PostgreSQL: nothing to another institution.

An attempt begins as its author would: without a context, with one that was forged, borrowed or is too old, or with the true
one of its own institution. Then comes SQL of some shape at some table. No row of the other may come back or change.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import psycopg
from django.conf import settings

from parvis.isolation.kinds import KINDS, Reach
from parvis.isolation.scope import EVERYWHERE
from parvis.isolation.signing import context
from tests.isolation.world import FOREIGN, OWN

TABLES = sorted(kind.table for kind in KINDS.values() if kind.reach is Reach.OWN and kind.has_institution)
PARTS = sorted(kind.table for kind in KINDS.values() if kind.parent)

# Each gives back what it reached. {table}: an institution's own; {f}: the other institution; {o}: one's own. Rows of no
# institution are the alliance's, and may be seen.
READS = (
    "SELECT * FROM {table} WHERE institution_id = {f}",
    "SELECT count(*) FROM {table} WHERE institution_id <> {o} HAVING count(*) > 0",
    "SELECT * FROM {table} WHERE institution_id = {o} OR 1 = 1 EXCEPT"
    " SELECT * FROM {table} WHERE institution_id = {o} OR institution_id IS NULL",
    "SELECT a.* FROM {table} a JOIN institutions_institution i ON i.id = a.institution_id WHERE i.id = {f}",
    "SELECT * FROM (SELECT * FROM {table} OFFSET 0) inner_rows WHERE institution_id = {f}",
    "WITH rows AS MATERIALIZED (SELECT * FROM {table}) SELECT * FROM rows WHERE institution_id = {f}",
    "SELECT row_to_json(t) FROM {table} t WHERE institution_id = {f}",
    "SELECT 1 WHERE EXISTS (SELECT FROM {table} WHERE institution_id = {f})",
    "SELECT * FROM {table} WHERE institution_id = {f} FOR UPDATE",
    "SET LOCAL row_security = off; SELECT * FROM {table} WHERE institution_id = {f}",
    "SET LOCAL search_path = pg_temp, public; SELECT * FROM {table} WHERE institution_id = {f}",
    "SELECT query_to_xml('SELECT * FROM {table} WHERE institution_id = {f}', true, false, '')::text WHERE"
    " query_to_xml('SELECT * FROM {table} WHERE institution_id = {f}', true, false, '')::text ~ '<row>'",
    "CREATE TEMP TABLE taken ON COMMIT DROP AS SELECT * FROM {table} WHERE institution_id = {f}; SELECT * FROM taken",
    "CREATE TEMP VIEW seen AS SELECT * FROM {table}; SELECT * FROM seen WHERE institution_id = {f}",
    "CREATE FUNCTION pg_temp.isolation_scope() RETURNS bigint LANGUAGE sql AS 'SELECT {f}::bigint';"
    " SET LOCAL search_path = pg_temp, public; SELECT * FROM {table} WHERE institution_id = {f}",
    "CREATE FUNCTION pg_temp.told(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
    " 'BEGIN RAISE EXCEPTION ''told %'', $1; END';"
    " SELECT * FROM {table} t WHERE t.institution_id <> {o} AND pg_temp.told(t::text)",
    "DECLARE passing CURSOR FOR SELECT * FROM {table} WHERE institution_id = {f}; FETCH ALL FROM passing",
    "SELECT inner_half FROM isolation.key",
    "SELECT session_data FROM django_session",
    "SELECT most_common_vals::text FROM pg_stats WHERE tablename = '{table}' AND most_common_vals::text ~ '{f}'",
    "SELECT * FROM {part} WHERE ctid IS NOT NULL AND NOT EXISTS (SELECT FROM {part} p WHERE p.ctid IS NOT NULL)",
    "TABLE {table} EXCEPT SELECT * FROM {table} WHERE institution_id = {o} OR institution_id IS NULL",
    "SELECT query FROM pg_stat_activity WHERE usename = current_user AND query <> ''",
)
WRITES = (
    "UPDATE {table} SET institution_id = {o} WHERE institution_id = {f}",
    "UPDATE {table} SET institution_id = {f} WHERE institution_id = {o}",
    "UPDATE {table} SET id = id WHERE institution_id = {f}",
    "DELETE FROM {table} WHERE institution_id = {f}",
    "INSERT INTO {table} SELECT * FROM {table} WHERE institution_id = {f}",
    "MERGE INTO {table} t USING (SELECT {f}::bigint AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "TRUNCATE {table} CASCADE",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY isolation ON {table}",
    "CREATE POLICY mine ON {table} USING (true)",
    "SET ROLE parvis_owner",
    "SET SESSION AUTHORIZATION parvis_owner",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "GRANT parvis_owner TO CURRENT_USER",
    "CREATE OR REPLACE FUNCTION public.isolation_scope() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
    "INSERT INTO isolation.key VALUES ('', '')",
    "UPDATE isolation.key SET inner_half = outer_half",
    "COPY {table} TO PROGRAM 'cat'",
    # What would wait on the connection for the next request.
    "CREATE TEMP TABLE {table} (LIKE public.{table})",
    "CREATE TEMP VIEW {table} AS SELECT * FROM public.{table}",
    "CREATE FUNCTION pg_temp.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE public.taken (said text)",
    "CREATE SCHEMA taken",
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt: the context it began with, and the SQL."""

    begun: str
    sql: str
    writes: bool


@dataclass
class Attacker:
    """On a connection of the application's role, in a transaction that is undone after each attempt."""

    connection: psycopg.Connection[Any]

    def drawn(self, random: Random) -> Iterator[Sent]:
        while True:
            writes = random.random() < 0.35
            shape = random.choice(WRITES if writes else READS)
            table, part = random.choice(TABLES), random.choice(PARTS)
            sql = shape.replace("{table}", table).replace("{part}", part).replace("{f}", str(FOREIGN)).replace("{o}", str(OWN))
            taken = self._context(random)
            if random.random() < 0.3:  # said again, once inside
                sql = f"SELECT set_config('parvis.context', '{self._context(random)}', true); {sql}"
            yield Sent(taken, sql, writes)

    def _context(self, random: Random) -> str:
        """Whatever somebody of OWN may have in hand: never a true one of another institution on this connection, now."""
        pid, master = self.connection.info.backend_pid, settings.CONTEXT_KEY
        true = context(OWN, backend_pid=pid, master=master)
        _institution, expiry, signature = true.split(".")
        return random.choice(
            (
                "",
                true,
                true,
                str(FOREIGN),
                f"{FOREIGN}.{expiry}.{signature}",
                f"0.{expiry}.{signature}",
                f"{FOREIGN}.{expiry}.{random.getrandbits(256):064x}",
                f"{OWN}.{int(expiry) + 1}.{signature}",
                context(FOREIGN, backend_pid=pid + random.randint(1, 999), master=master),
                context(EVERYWHERE, backend_pid=pid + 1, master=master),
                context(FOREIGN, backend_pid=pid, master="another key"),
                context(FOREIGN, backend_pid=pid, master=master, now=time.time() - 120),
                context(FOREIGN, backend_pid=pid, master=master, now=time.time() + 600),
                f"{FOREIGN}.{expiry}.",
                f"0{FOREIGN}.{expiry}.{signature}",
                f"{FOREIGN}.{expiry}.{signature}.{signature}",
            )
        )

    def reached(self, sent: Sent) -> int:
        """Rows of the other institution that came back or changed; 0 when it was refused."""
        with self._undone() as cursor:
            cursor.execute("SELECT set_config('parvis.context', %s, true)", [sent.begun])
            try:
                cursor.execute(cast(Any, sent.sql))
            except psycopg.errors.RaiseException as told:
                return 1 if "told" in str(told) else 0
            except psycopg.Error:
                return 0
            return self._rows(cursor, sent)

    def _rows(self, cursor: Any, sent: Sent) -> int:
        while cursor.nextset():
            pass
        if sent.writes:
            return 1 if cursor.rowcount < 0 else int(cursor.rowcount)
        return len(cursor.fetchall()) if cursor.description else 0

    @contextmanager
    def _undone(self) -> Iterator[Any]:
        with psycopg.ClientCursor(self.connection) as cursor, self.connection.transaction(force_rollback=True):
            yield cursor
