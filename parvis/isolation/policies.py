"""Row-level security, written from the list of kinds (decision 0017)."""

from __future__ import annotations

from collections.abc import Iterator

from parvis.isolation.kinds import Kind, Reach

SCOPE = "(SELECT isolation_scope())"  # in parentheses: asked once a statement, not once a row

# Who the context says is asking: an institution, 0 for a named escape, -1 for a stranger; NULL where it says nothing true.
# RESTRICTED, because a parallel worker is another process than the one the context was signed for.
FUNCTION = """
CREATE OR REPLACE FUNCTION isolation_scope() RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog AS $body$
DECLARE
    part text[] := string_to_array(current_setting('parvis.context', true), '.');
    half record;
BEGIN
    IF array_length(part, 1) IS DISTINCT FROM 3 OR part[1] !~ '^(-1|0|[1-9][0-9]{{0,17}})$'
            OR part[2] !~ '^[0-9]{{1,12}}$' THEN
        RETURN NULL;
    END IF;
    IF part[2]::bigint - extract(epoch FROM clock_timestamp()) NOT BETWEEN 0 AND 60 THEN
        RETURN NULL;
    END IF;
    SELECT inner_half, outer_half INTO half FROM {schema}.isolation_key;
    IF encode(sha256(half.outer_half || sha256(half.inner_half
            || convert_to(part[1] || '.' || part[2] || '.' || pg_backend_pid(), 'UTF8'))), 'hex') IS DISTINCT FROM part[3] THEN
        RETURN NULL;
    END IF;
    RETURN part[1]::bigint;
END
$body$
"""

KEY_TABLE = "CREATE TABLE IF NOT EXISTS isolation_key (inner_half bytea NOT NULL, outer_half bytea NOT NULL)"


def statements(table: str, kind: Kind | None) -> Iterator[str]:
    """What makes a table obey its kind, whatever it obeyed before; one of no kind shows no row to anybody."""
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
    yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
    for name in ("isolation", "isolation_reading"):
        yield f'DROP POLICY IF EXISTS {name} ON "{table}"'
    if kind is None:
        return
    yield f'CREATE POLICY isolation ON "{table}" USING ({_writes(kind)}) WITH CHECK ({_writes(kind)})'
    if reading := _reads(kind):
        yield f'CREATE POLICY isolation_reading ON "{table}" FOR SELECT USING ({reading})'


def _writes(kind: Kind) -> str:
    """Who may read, add, change and remove."""
    if kind.reach is Reach.INSTALLATION:
        return f"{SCOPE} = 0"
    if kind.reach in (Reach.COMMONS, Reach.PUBLIC):
        return f"{SCOPE} >= 0"
    if kind.parent:  # read under the parent's own policy, once a statement
        return f"{kind.column} = ANY (ARRAY(SELECT id FROM {kind.parent})) OR {SCOPE} = 0"  # noqa: S608 - our own list
    return f"{SCOPE} IN (institution_id, 0)"


def _reads(kind: Kind) -> str:
    """Who may read besides."""
    if kind.reach is Reach.PUBLIC:
        return f"{SCOPE} >= -1"
    if kind.reach is Reach.SHARED:
        return f"{SCOPE} > 0 AND ({kind.condition})"
    return f"{SCOPE} > 0 AND institution_id IS NULL" if kind.or_none else ""
