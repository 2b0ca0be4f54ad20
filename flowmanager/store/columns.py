"""Column types in the program's own forms: ids as texts, times as aware UTC datetimes, JSON as plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import BLOB, JSON, DateTime, Dialect, LargeBinary, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from flowmanager.core.ids import Id
from flowmanager.core.stacks import StackMap
from flowmanager.store.documents import dump_stacks, load_stacks

MYSQL = ("mysql", "mariadb")


class IdColumn(TypeDecorator[Id]):
    """An id: 16 bytes in the database, canonical text in the program."""

    impl = BLOB
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """MySQL keeps exactly 16 bytes; SQLite has no such type."""
        return dialect.type_descriptor(mysql.BINARY(16) if dialect.name in MYSQL else BLOB())

    def process_bind_param(self, value: Id | None, _dialect: Dialect) -> bytes | None:
        """Return the 16 bytes of an id."""
        return None if value is None else bytes_of(value)

    def process_result_value(self, value: bytes | None, _dialect: Dialect) -> Id | None:
        """Return the id of 16 bytes."""
        return None if value is None else id_of(value)


class TimeColumn(TypeDecorator[datetime]):
    """A moment: UTC without a zone in the database, with the zone in the program. Exact to the microsecond."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """MySQL keeps whole seconds unless told otherwise."""
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name in MYSQL else DateTime())

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the UTC time without its zone."""
        return None if value is None else zoneless(value)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the time with its zone."""
        return value if value is None or value.tzinfo is UTC else value.replace(tzinfo=UTC)


class StacksColumn(TypeDecorator[StackMap]):
    """The frames of an activeflow: JSON in the database."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: StackMap | None, _dialect: Dialect) -> Any:
        """Return the document of the frames."""
        return None if value is None else dump_stacks(value)

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Callable[[str], StackMap]:
        """Return how the frames are read from the text."""
        return read_stacks


def read_stacks(text: str) -> StackMap:
    """Return the frames of a JSON text, those of a text of usual size from memory when it was read lately.

    All activeflows of a flow have the same text as long as nothing is pushed or counted; with 500 actions reading it
    anew takes as long as all the rest of a step. Frames are never changed in place.
    """
    return stacks_of(text) if len(text) > REMEMBERED_CHARACTERS else remembered_stacks(text)


def stacks_of(text: str) -> StackMap:
    """Return the frames of a JSON text."""
    return load_stacks(orjson.loads(text))


REMEMBERED_CHARACTERS = 100_000
remembered_stacks = lru_cache(maxsize=128)(stacks_of)
"""At most 128 texts of 100 kB: some 50 MB where all are of that size, far less where flows are small."""


def bytes_of(value: Id) -> bytes:
    """Return the 16 bytes of an id."""
    return bytes.fromhex(value.replace("-", ""))


def moment_of(text: str) -> datetime:
    """Return the time in UTC of a text without a zone. To add the zone afterwards takes five times as long."""
    return datetime.fromisoformat(f"{text}Z")


def zoneless(moment: datetime) -> datetime:
    """Return a time in UTC without its zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


@lru_cache(maxsize=1024)
def id_of(value: bytes) -> Id:
    """Return the canonical text of 16 bytes. Half of a record's ids are the zero id or the same for many records."""
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def dump_json(value: Any) -> str:
    """Return JSON as text: MySQL refuses JSON that comes as bytes."""
    return orjson.dumps(value, default=plain).decode()


def plain(value: Any) -> Any:
    """Return a read-only mapping as the dict that the encoder knows."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


DOCUMENT = JSON(none_as_null=True)
BYTES = LargeBinary().with_variant(mysql.LONGBLOB(), *MYSQL)
LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), *MYSQL)
KEY = LargeBinary().with_variant(mysql.VARBINARY(128), *MYSQL)
"""Bytes, so that case, trailing blanks and collations play no part in being equal."""
NAME = String(32)
