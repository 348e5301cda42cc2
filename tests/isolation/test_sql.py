"""PostgreSQL keeps institutions apart by itself, whatever SQL is sent on the application's connection (decision 0017)."""

from __future__ import annotations

import re
from random import Random

import pytest
from django.conf import settings
from django.db import connection

from parvis.isolation.scope import within
from parvis.isolation.signing import context
from tests.isolation import world
from tests.isolation.sql import READS, TABLES, WRITES, Attacker, Sent
from tests.isolation.world import FOREIGN, OWN

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has neither roles nor policies, and says so")
SEED, ATTEMPTS = 17, 1_000


@pytest.fixture
def attacker(db: None) -> Attacker:
    world.build()
    connection.check_constraints()
    return Attacker(connection.connection)


def test_any_sql_reaches_no_row_of_another_institution(attacker: Attacker) -> None:
    attempts = attacker.drawn(Random(SEED))
    assert [sent for sent in (next(attempts) for _ in range(ATTEMPTS)) if attacker.reached(sent)] == []


# Those that need no more than the right context to succeed: the others ask for what no role that serves may do.
MERELY_FOREIGN = [
    shape for shape in (*READS, *WRITES[2:4]) if "= {f}" in shape and not re.search("row_security|TEMP|pg_temp\\.", shape)
]


def test_what_refuses_them_is_the_context_alone(attacker: Attacker) -> None:
    """The same statements, with the true context of the other institution, do what they say."""
    pid = attacker.connection.info.backend_pid
    for shape in MERELY_FOREIGN:
        sql = shape.replace("{table}", "needs_judgement").replace("{f}", str(FOREIGN)).replace("{o}", str(OWN))
        reached = [
            attacker.reached(Sent(context(one, backend_pid=pid, master=settings.CONTEXT_KEY), sql, shape in WRITES))
            for one in (OWN, FOREIGN)
        ]
        assert reached[0] == 0, shape
        assert reached[1] >= 1, shape


def test_every_table_is_under_a_policy_that_its_owner_obeys_too(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND NOT (relrowsecurity AND relforcerowsecurity)"
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole AND relkind = 'r'")
        assert cursor.fetchone() == (0,)


def test_rows_are_apart_without_any_door(attacker: Attacker) -> None:
    with within(OWN), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE institution_id = %s", [FOREIGN])
            assert cursor.fetchone() == (0,), table
