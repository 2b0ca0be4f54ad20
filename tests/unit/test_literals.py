"""How values stand in a statement for MySQL. That it reads them so is held by `tests/contract/test_store_texts.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Boolean, Float, Integer, LargeBinary, String
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from flowmanager.core.activeflow import State
from flowmanager.store.columns import BYTES, DOCUMENT, IdColumn, TimeColumn
from flowmanager.store.literals import writer

ID = "9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3"
NOON = datetime(2024, 5, 6, 14, 0, 0, 7, tzinfo=timezone(timedelta(hours=2)))
DIALECT = mysql.dialect()


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (IdColumn(), ID, "X'9c37e1f058ab4d628e1907b4c6d2a5f3'"),
        (TimeColumn(), NOON, "'2024-05-06 12:00:00.000007'"),
        (TimeColumn(), NOON.astimezone(UTC), "'2024-05-06 12:00:00.000007'"),
        (String(5), 'it\'s \\ "%s"', "'it\\'s \\\\ \"%s\"'"),
        (LargeBinary(), b"\xff\x00'", "X'ff0027'"),
        (BYTES, b'{"a": "it\'s \\\\"}', """_binary'{"a": "it\\'s \\\\\\\\"}'"""),
        (DOCUMENT, {"a": ["'", "\\"]}, """'{"a":["\\'","\\\\\\\\"]}'"""),
        (DOCUMENT, {}, "'{}'"),
        (Integer(), -5, "-5"),
        (Boolean(), True, "1"),
        (Boolean(), False, "0"),
        (Float(), 0.5, "0.5"),
    ],
)
def test_a_value_as_it_stands_in_a_statement(kind: TypeEngine[Any], value: Any, expected: str) -> None:
    assert writer(kind, DIALECT)(value) == expected


@pytest.mark.parametrize(
    "kind", [IdColumn(), TimeColumn(), String(5), LargeBinary(), DOCUMENT, Integer(), Boolean(), Float()]
)
def test_nothing_is_null(kind: TypeEngine[Any]) -> None:
    assert writer(kind, DIALECT)(None) == "NULL"


@pytest.mark.parametrize("value", [State.ENDED, object(), [1], {"a": 1}])
def test_what_is_no_value_of_a_column_is_refused(value: Any) -> None:
    """It is a mistake of the program's own, which must not be stored as whatever its text is."""
    with pytest.raises(TypeError):
        writer(String(5), DIALECT)(value)


@pytest.mark.parametrize("value", ["x", "' OR 1=1 -- "])
def test_what_is_no_id_is_refused(value: str) -> None:
    """By the column's type nothing but digits gets into the text."""
    with pytest.raises(ValueError, match="hex"):
        writer(IdColumn(), DIALECT)(value)
