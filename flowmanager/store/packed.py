"""Many small columns read as few: MySQL describes each column of each result anew, and the driver reads that in Python.

Of the 42 columns of an activeflow 29 come as four: it saves a quarter of the worker's time for a step. SQLite has no
wire: its columns come as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Integer, func, literal_column

from flowmanager.core.frozen import frozen
from flowmanager.store.columns import NAME, IdColumn, TimeColumn, id_of, moment_of

ID_BYTES = 16
MARK = "|"
# Part of the text: as values the driver would write them into it anew for each query.
MARK_SQL: ColumnElement[str] = literal_column("'|'")
EMPTY_SQL: ColumnElement[str] = literal_column("''")

Columns = Sequence[ColumnElement[Any]]


@frozen
class Group:
    """Columns of one kind that come as one value."""

    names: tuple[str, ...]
    query: ColumnElement[Any]
    read: Callable[[Any], list[Any]]


@frozen
class Packing:
    """How a query reads its columns: groups first, then those that come as they are."""

    groups: tuple[Group, ...]
    plain: tuple[ColumnElement[Any], ...]

    @property
    def names(self) -> list[str]:
        """Return the names of all columns in the order in which they are unpacked."""
        return [*(name for group in self.groups for name in group.names), *(str(one.key) for one in self.plain)]

    @property
    def queried(self) -> list[ColumnElement[Any]]:
        """Return what the query selects."""
        return [*(group.query for group in self.groups), *self.plain]


def packing_of(columns: Columns) -> Packing:
    """Return how columns are packed, by their types."""
    ids = [one for one in columns if isinstance(one.type, IdColumn) and not one.nullable]
    times = [one for one in columns if isinstance(one.type, TimeColumn)]
    numbers = [one for one in columns if isinstance(one.type, Integer | BigInteger | Boolean)]
    names = [one for one in columns if one.type is NAME]
    packed = {str(one.key) for one in (*ids, *times, *numbers, *names)}
    groups = (
        Group(keys(ids), func.concat(*ids).label("ids"), read_ids),
        Group(keys(times), texts(times).label("times"), read_times),
        Group(keys(numbers), func.concat_ws(MARK_SQL, *numbers).label("numbers"), reader_of_numbers(numbers)),
        Group(keys(names), texts(names).label("names"), reader_of_names(names)),
    )
    return Packing(groups, tuple(one for one in columns if str(one.key) not in packed))


def keys(columns: Columns) -> tuple[str, ...]:
    """Return the names of columns."""
    return tuple(str(one.key) for one in columns)


def texts(columns: Columns) -> ColumnElement[Any]:
    """Return columns as one text; NULL is empty."""
    return func.concat_ws(MARK_SQL, *(func.ifnull(one, EMPTY_SQL, type_=None) for one in columns))


def read_ids(value: bytes) -> list[Any]:
    """Return the ids of one binary value."""
    return [id_of(value[start : start + ID_BYTES]) for start in range(0, len(value), ID_BYTES)]


def read_times(value: str) -> list[Any]:
    """Return the times of one text."""
    return [moment_of(one) if one else None for one in value.split(MARK)]


def reader_of_names(columns: Columns) -> Callable[[str], list[Any]]:
    """Return how the names of one text are read: of those that may be NULL the empty one is."""
    empty = [None if getattr(one, "nullable", True) else "" for one in columns]

    def read(value: str) -> list[Any]:
        return [one or none for one, none in zip(value.split(MARK), empty, strict=True)]

    return read


def reader_of_numbers(columns: Columns) -> Callable[[str], list[Any]]:
    """Return how the numbers of one text are read: some are booleans."""
    kinds = [bool if isinstance(one.type, Boolean) else int for one in columns]

    def read(value: str) -> list[Any]:
        return [kind(int(one)) for kind, one in zip(kinds, value.split(MARK), strict=True)]

    return read
