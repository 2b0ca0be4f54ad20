"""Statements as text: built once by SQLAlchemy, run by the driver itself.

To run a statement through SQLAlchemy takes longer than the database needs for it (0.15 against 0.05 ms).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import BindParameter, ClauseElement, Dialect, Select, Table
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from flowmanager.core.frozen import frozen
from flowmanager.store.columns import MYSQL
from flowmanager.store.literals import writer
from flowmanager.store.packed import Group, packing_of

Convert = Callable[[Any], Any] | None
Values = Mapping[str, Any]


@frozen
class Bind:
    """A value of a statement: its name, how it is written, and whether it is a list."""

    name: str
    write: Convert
    many: bool


@frozen
class Prepared:
    """A statement of one kind of database."""

    text: str
    """With the driver's marks for values."""
    mark: str
    binds: tuple[Bind, ...]
    given: Mapping[str, Any]
    """Values that are part of the statement; NULL for a column that the program does not know."""
    table: str
    """Of which it reads or writes rows."""
    make_row: Callable[[Iterable[Any]], Any] | None = None
    groups: tuple[Group, ...] = ()
    """The first columns, each of which stands for several."""
    reads: tuple[Convert, ...] = ()
    """How the other columns are read."""

    @property
    def locks(self) -> bool:
        """Say whether it keeps others from the rows that it finds."""
        return "FOR UPDATE" in self.text

    def with_values(self, values: Values) -> tuple[str, list[Any]]:
        """Return the text and its values in order; a list makes as many marks as it has values."""
        text, arguments = self.text, []
        for bind in self.binds:
            name, write = bind.name, bind.write
            value = values[name] if name in values else self.given[name]
            if bind.many:
                text = text.replace(f"__[POSTCOMPILE_{name}]", ", ".join([self.mark] * len(value)))
                arguments += [one if write is None else write(one) for one in value]
            else:
                arguments.append(value if write is None else write(value))
        return text, arguments

    def with_rows(self, rows: Sequence[Values], *, limit: int) -> Iterator[tuple[str, list[Any], int]]:
        """Yield insertions of several rows each, with their values and the length of these: about `limit` at most.

        A row that is larger goes by itself: what the server takes in one packet is limited.
        """
        head, _, group = self.text.partition(" VALUES ")
        values: list[Any] = []
        count, size = 0, 0
        binds = [(bind.name, bind.write) for bind in self.binds]
        for row in rows:
            more = [row[name] if write is None else write(row[name]) for name, write in binds]
            larger = size_of(more)
            if count and size + larger > limit:
                yield f"{head} VALUES {', '.join([group] * count)}", values, size
                values, count, size = [], 0, 0
            values += more
            count, size = count + 1, size + larger
        if count:
            yield f"{head} VALUES {', '.join([group] * count)}", values, size

    def rows(self, found: Iterable[Sequence[Any]]) -> list[Any]:
        """Return what the driver read as rows with names, in the program's own forms."""
        if self.make_row is None:
            return []
        return [self.make_row(self.unpacked(row)) for row in found]

    def unpacked(self, row: Sequence[Any]) -> list[Any]:
        """Return the values of a row."""
        values = [one for group, value in zip(self.groups, row, strict=False) for one in group.read(value)]
        rest = row[len(self.groups) :] if self.groups else row
        values += [value if read is None else read(value) for read, value in zip(self.reads, rest, strict=True)]
        return values


SIZED = (str, bytes)


def size_of(values: Sequence[Any]) -> int:
    """Return the length of all texts and bytes among some values. For MySQL all of them are texts by now."""
    try:
        return len("".join(values))
    except TypeError:
        return sum([len(one) for one in values if isinstance(one, SIZED)])


def packed(query: Select[Any], dialect: Dialect) -> Prepared:
    """Return a query whose small columns come together where that saves time."""
    if dialect.name not in MYSQL:
        return prepare(query, dialect)
    packing = packing_of(list(query.selected_columns))
    made = prepare(query.with_only_columns(*packing.queried), dialect)
    row = namedtuple("Row", packing.names)  # type: ignore[misc]
    return replace(made, make_row=row._make, groups=packing.groups, reads=made.reads[len(packing.groups) :])


def prepare(statement: ClauseElement, dialect: Dialect, columns: Iterable[str] | None = None) -> Prepared:
    """Return a statement for a dialect. `columns`: those that an insertion or a change gives, by default all."""
    options: dict[str, Any] = {"column_keys": list(columns)} if columns is not None else {}
    compiled: Any = statement.compile(dialect=dialect, **options)
    names: list[str] = compiled.positiontup or []
    binds = tuple(bind_of(compiled.binds[name], name, dialect) for name in names)
    # For a column SQLAlchemy puts a mark of its own in the place of the value that it is to get.
    binding = [(name, one) for name, one in compiled.binds.items() if one.value is not None]
    given = {name: None if one.required else one.effective_value for name, one in binding}
    text = str(compiled).replace("\n", "")
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    if not isinstance(statement, Select):
        return Prepared(text, mark, binds, given, table_of(statement))
    selected = list(statement.selected_columns)
    row = namedtuple("Row", [cast(str, column.key) for column in selected])  # type: ignore[misc]
    reads = tuple(reader(column.type, dialect) for column in selected)
    return Prepared(text, mark, binds, given, table_of(statement), row._make, reads=reads)


def table_of(statement: ClauseElement) -> str:
    """Return the name of a statement's table; all of ours have one at most."""
    tables = statement.get_final_froms() if isinstance(statement, Select) else [getattr(statement, "table", None)]
    return next((one.name for one in tables if isinstance(one, Table)), "")


def bind_of(bind: BindParameter[Any], name: str, dialect: Dialect) -> Bind:
    """Return how a value is bound: on MySQL as it stands in the text."""
    if dialect.name in MYSQL:
        return Bind(name, writer(bind.type, dialect), bool(bind.expanding))
    return Bind(name, bind.type.dialect_impl(dialect).bind_processor(dialect), bool(bind.expanding))


def reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert:
    """Return how a column is read."""
    return cast(Convert, kind.dialect_impl(dialect).result_processor(dialect, None))


class Family:
    """The forms of one insertion or change, by the columns that it gives."""

    def __init__(self, statement: UpdateBase, dialect: Dialect) -> None:
        self._statement, self._dialect = statement, dialect
        self._known: dict[tuple[str, ...], Prepared] = {}

    def of(self, columns: Iterable[str]) -> Prepared:
        """Return the form with these columns and the key."""
        names = tuple(columns)
        if names not in self._known:
            self._known[names] = prepare(self._statement, self._dialect, names)
        return self._known[names]
