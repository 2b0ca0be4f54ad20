"""SQL is written by the program alone: values are bound, or written by the types of their columns, never by hand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import flowmanager

ROOT = Path(flowmanager.__file__).parent
RUNS = frozenset({"exec_driver_sql", "execute", "executemany"})
BUILDS = frozenset({"text", "literal_column"})
LOOKED_AT = {
    "doctor/database_privileges.py": "statement.format(table, column)",  # names of our own tables
    "patient.py": "f'SHOW VARIABLES WHERE Variable_name IN ({listed})'",  # names that the program's own checks give
    "store/migrate.py": "f'SELECT GET_LOCK({LOCK_NAME}, :seconds)' f'SELECT RELEASE_LOCK({LOCK_NAME})'",
    "store/session.py": "'; '.join(texts)",  # values by column types: see test_store_texts
    "store/statements.py": "f'REPLACE INTO workers (id, tm_heartbeat) VALUES (:{KEY}, {moments.now})'",
}
"""What is put together, and was found to be put together from the program's own words."""


def built(source: str) -> Iterator[str]:
    """Yield every SQL text in a source that is put together instead of written down."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and is_sql(node.func) and is_built(node.args[0]):
            yield ast.unparse(node.args[0])


def is_sql(called: ast.expr) -> bool:
    return (isinstance(called, ast.Attribute) and called.attr in RUNS) or (
        isinstance(called, ast.Name) and called.id in BUILDS
    )


def is_built(text: ast.expr) -> bool:
    """Say whether a text is an f-string, a sum, a `%`, or comes from `format`, `join` or `replace`."""
    made = isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute)
    return isinstance(text, ast.JoinedStr | ast.BinOp) or (
        made and text.func.attr in {"format", "join", "replace", "format_map"}  # type: ignore[attr-defined]  # see made
    )


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sql_is_put_together_from_values(path: Path) -> None:
    """Whoever builds a text anew has to look whether something of a caller's can get into it."""
    allowed = LOOKED_AT.get(str(path.relative_to(ROOT)), "")
    assert [text for text in built(path.read_text()) if text not in allowed] == []


@pytest.mark.parametrize(
    "line",
    [
        "connection.execute(text(f'SELECT {name}'))",
        "connection.exec_driver_sql('SELECT ' + name)",
        "cursor.execute('SELECT %s' % name)",
        "select(literal_column('{}'.format(name)))",
        "cursor.execute(' '.join(parts))",
    ],
)
def test_the_search_finds_what_it_is_for(line: str) -> None:
    """A search that finds nothing proves nothing."""
    assert list(built(line))


@pytest.mark.parametrize("line", ["connection.execute(text('SELECT :name'), {'name': name})", "shown.text(f'{name}')"])
def test_the_search_lets_bound_values_pass(line: str) -> None:
    """Text of a constant, and methods that have nothing to do with SQL."""
    assert not list(built(line))
