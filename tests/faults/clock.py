"""A clock that jumps: workers take the time from the database, and these databases add to it what a table says."""

from __future__ import annotations

from sqlalchemy import create_engine, text

from flowmanager.store import moments
from flowmanager.store.moments import Moments
from tests.faults.commits import put

JUMPING = "FLOWMANAGER_TEST_CLOCK"
SHIFT = "INTERVAL (SELECT seconds FROM chaos_clock) SECOND"
NOW = f"(UTC_TIMESTAMP(6) + {SHIFT})"
LONGEST_SECONDS = 60.0
BACK_SECONDS = 3.0
"""How far the clock jumps back: so much longer every wait may take."""
PATIENCE = "SET SESSION lock_wait_timeout = 3"
"""A database that is frozen is not waited for: who waits could not thaw it."""
MOST_SECONDS = 300.0
"""Together less than answers are kept: their time may pass, but not in a minute."""


def make_clock(dsn: str) -> None:
    """Make the table."""
    execute(
        dsn,
        "CREATE TABLE chaos_clock (seconds DECIMAL(12, 6) NOT NULL)",
        f"INSERT INTO chaos_clock VALUES ({BACK_SECONDS * 2})",
    )


def jump(dsn: str, seconds: float) -> None:
    """Let the clock jump ahead, or back by a negative number, unless it has jumped far enough."""
    limit = f"WHERE seconds + {seconds:.6f} BETWEEN 0 AND {MOST_SECONDS}"
    execute(dsn, f"UPDATE chaos_clock SET seconds = seconds + {seconds:.6f} {limit}")


def execute(dsn: str, *statements: str) -> None:
    """Run statements. Raises DBAPIError when the database is away or frozen."""
    engine = create_engine(dsn)
    try:
        with engine.begin() as connection:
            for statement in (PATIENCE, *statements):
                connection.execute(text(statement))
    finally:
        engine.dispose()


def read_jumping_clock() -> None:
    """Have this process take the time from the clock that jumps."""
    shifted = Moments(f"(SYSDATE(6) + {SHIFT})", NOW, f"{NOW} + INTERVAL {{}} SECOND")
    put(moments, "MYSQL_MOMENTS", shifted)
