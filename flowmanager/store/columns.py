"""Column types in the program's own forms: ids as texts, times as aware UTC datetimes, JSON as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import BLOB, JSON, DateTime, Dialect, LargeBinary, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from flowmanager.core.ids import Id

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
        return None if value is None else bytes.fromhex(value.replace("-", ""))

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
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the time with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


def id_of(value: bytes) -> Id:
    """Return the canonical text of 16 bytes."""
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
