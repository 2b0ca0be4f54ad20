"""Which tables a program works on, and the names and statements of migrations that keep older workers going."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from itertools import pairwise

import pytest
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script
from sqlalchemy import Column, Integer, String, Text

from flowmanager.store.standing import migrations_known
from flowmanager.store.versions import REVISION, Standing, number_of, standing_of
from tests.schema import migrations

KNOWN = ["0001", "0002_from_0001", "0003_from_0001", "0004_from_0003"]
LATER = migrations()[1:]
ADDS = re.compile(r"CREATE TABLE |CREATE INDEX |ALTER TABLE \S+ ADD COLUMN ")
BINDS = re.compile(r"ADD COLUMN (?!.* DEFAULT ).* NOT NULL")
"""A column that every new row must fill: workers that do not know it cannot."""


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((), Standing.OLDER),
        (("0001",), Standing.OLDER),
        (("0002_from_0001",), Standing.OLDER),
        (("0003_from_0001",), Standing.OLDER),
        (("0004_from_0003",), Standing.CURRENT),
        (("0005_from_0001",), Standing.NEWER),
        (("0009_from_0004",), Standing.NEWER),
        (("0009_from_0005",), Standing.FOREIGN),
        (("0005",), Standing.FOREIGN),
        (("0002_from_0002",), Standing.FOREIGN),
        (("0005_from_1",), Standing.FOREIGN),
        (("ae1027a6acf",), Standing.FOREIGN),
        (("0004_from_0003", "0005_from_0001"), Standing.FOREIGN),
    ],
)
def test_tables_are_judged_by_the_name_of_their_last_migration(found: tuple[str, ...], expected: Standing) -> None:
    """Its own are current, those before older; unknown ones count only when they say that they allow it."""
    assert standing_of(found, KNOWN) is expected


def oldest(script: Script) -> str:
    """The oldest migration whose workers a migration lets go on."""
    read = REVISION.fullmatch(script.revision)
    assert read, f"{script.revision} must be called like 0007_from_0005"
    assert read["oldest"], f"{script.revision} does not say which workers it lets go on"
    return read["oldest"]


def test_the_names_of_the_files_tell_the_migrations() -> None:
    """A worker reads them, without Alembic."""
    assert sorted(migrations_known()) == sorted(one.revision for one in migrations())


def test_migrations_are_numbered() -> None:
    """One after the other, the file named like the migration."""
    numbers = [number_of(script.revision) for script in migrations()]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert all(script.module.__name__.startswith(number_of(script.revision)) for script in migrations())


def test_each_migration_lets_the_version_before_go_on() -> None:
    """And none lets workers go on that one before it did not."""
    limits = [oldest(script) for script in LATER]
    assert limits == sorted(limits)
    assert all(limit < number_of(script.revision) for limit, script in zip(limits, LATER, strict=True))


def statements_of(upgrade: Callable[[], None]) -> list[str]:
    """The statements of a migration on MySQL."""
    written = StringIO()
    context = MigrationContext.configure(dialect_name="mysql", opts={"as_sql": True, "output_buffer": written})
    with Operations.context(context):
        upgrade()
    return [" ".join(one.split()) for one in written.getvalue().split(";") if one.strip()]


def only_adds(upgrade: Callable[[], None]) -> bool:
    """Whether a worker that does not know of a migration can read and write as before."""
    return all(ADDS.match(one) and not BINDS.search(one) for one in statements_of(upgrade))


def test_migrations_that_do_not_only_add_allow_the_version_before_alone() -> None:
    """That version had stopped using what is dropped; those before it still use it."""
    for before, script in pairwise(migrations()):
        assert only_adds(script.module.upgrade) or oldest(script) == number_of(before.revision), script.revision


@pytest.mark.parametrize(
    ("change", "adds"),
    [
        (lambda: op.add_column("flows", Column("label", String(255))), True),
        (lambda: op.add_column("flows", Column("weight", Integer, nullable=False, server_default="0")), True),
        (lambda: op.create_table("notes", Column("id", Integer, primary_key=True)), True),
        (lambda: op.create_index("flows_name", "flows", ["name"]), True),
        (lambda: op.add_column("flows", Column("weight", Integer, nullable=False)), False),
        (lambda: op.create_index("flows_name", "flows", ["name"], unique=True), False),
        (lambda: op.drop_column("flows", "detail"), False),
        (lambda: op.drop_table("workers"), False),
        (lambda: op.drop_index("flows_create", "flows"), False),
        (lambda: op.alter_column("flows", "detail", new_column_name="about", existing_type=Text()), False),
        (lambda: op.execute("DELETE FROM answers"), False),
    ],
)
def test_what_counts_as_adding(change: Callable[[], None], adds: bool) -> None:
    """A column that may stay empty, a table, an index; nothing that an older worker would run into."""
    assert only_adds(change) is adds
