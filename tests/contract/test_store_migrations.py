"""Migrations: they make exactly the tables that the program uses, once, whoever runs them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from flowmanager.errors import InvalidSetting, StoreLost
from flowmanager.store.engine import make_engine
from flowmanager.store.faults import translated
from flowmanager.store.migrate import LOCK_SECONDS, alone, configuration, migrate
from flowmanager.store.standing import standing
from flowmanager.store.tables import metadata
from flowmanager.store.versions import Standing, number_of
from tests.schema import newest_migration


@pytest.fixture(params=["sqlite", "mysql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without tables."""
    dsn = f"sqlite:///{tmp_path}/new.db" if request.param == "sqlite" else request.getfixturevalue("fresh_database")
    engine = make_engine(dsn)
    yield engine
    engine.dispose()


def test_migrations_make_the_tables_that_the_program_uses(empty: Engine) -> None:
    migrate(empty)
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_indexes_of_both_are_the_same(empty: Engine) -> None:
    migrate(empty)
    seen = inspect(empty)
    for table in metadata.sorted_tables:
        found = {
            index["name"]: (index["column_names"], bool(index["unique"])) for index in seen.get_indexes(table.name)
        }
        assert found == {index.name: (index.columns.keys(), bool(index.unique)) for index in table.indexes}


def test_tables_are_older_until_the_migrations_have_run(empty: Engine) -> None:
    assert standing(empty) is Standing.OLDER
    assert migrate(empty) is Standing.CURRENT
    assert standing(empty) is Standing.CURRENT
    assert migrate(empty) is Standing.CURRENT


def name_version(engine: Engine, name: str) -> None:
    """Have the tables say that they are of another version."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{name}'")


def test_newer_tables_that_allow_this_version_are_left_as_they_are(empty: Engine) -> None:
    migrate(empty)
    name_version(empty, f"9000_from_{number_of(newest_migration())}")
    assert standing(empty) is Standing.NEWER
    assert migrate(empty) is Standing.NEWER
    assert standing(empty) is Standing.NEWER


@pytest.mark.parametrize("name", ["9000_from_8999", "9000", "a0b1c2d3e4f5"])
def test_newer_tables_that_do_not_allow_this_version_are_not_touched(empty: Engine, name: str) -> None:
    migrate(empty)
    name_version(empty, name)
    assert standing(empty) is Standing.FOREIGN
    with pytest.raises(InvalidSetting, match="install the newer program"):
        migrate(empty)
    assert standing(empty) is Standing.FOREIGN


def test_migrations_can_be_taken_back(empty: Engine) -> None:
    migrate(empty)
    with empty.begin() as connection:
        command.downgrade(configuration(connection), "base")
    assert standing(empty) is Standing.OLDER
    assert inspect(empty).get_table_names() == ["alembic_version"]


def test_several_may_migrate_at_once(empty: Engine) -> None:
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(migrate, empty) for _ in range(3)]:
            done.result()
    assert standing(empty) is Standing.CURRENT


def test_a_lock_that_went_with_its_connection_is_not_given_back(fresh_database: str) -> None:
    engine = make_engine(fresh_database)
    with pytest.raises(StoreLost), translated(), engine.connect() as connection, alone(connection, LOCK_SECONDS):
        connection.exec_driver_sql(f"KILL {connection.exec_driver_sql('SELECT CONNECTION_ID()').scalar()}")
    migrate(engine)
    engine.dispose()


def test_a_migration_that_never_ends_is_not_joined(fresh_database: str) -> None:
    engine = make_engine(fresh_database)
    with engine.connect() as other, alone(other, LOCK_SECONDS), pytest.raises(StoreLost, match="another process"):
        migrate(engine, lock_seconds=0)
    migrate(engine)
    engine.dispose()


def test_the_scripts_are_part_of_the_package() -> None:
    folder = files("flowmanager.store") / "migrations"
    names = {entry.name for entry in folder.iterdir()} | {entry.name for entry in (folder / "versions").iterdir()}
    assert {"env.py", "script.py.mako", "0001_first_tables.py"} <= names
