"""Our threads leave alone what `threading.Thread` keeps in itself: that differs between versions of Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

import flowmanager

PACKAGE = Path(flowmanager.__file__).parent
OTHER_VERSIONS = frozenset({"_tstate_lock", "_is_stopped", "_stop", "_handle", "_os_thread_handle", "_context"})
"""What threads of Python 3.11 to 3.14 keep under names that not all of them have."""
THREADS = frozenset({"Thread", "threading.Thread"})
OWN = {name for name in (*vars(Thread()), *vars(Thread)) if name.startswith("_")} - {"__init__", "__doc__"}


def threads() -> Iterator[ast.ClassDef]:
    """Yield all classes of ours that are threads."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and THREADS.intersection(map(ast.unparse, node.bases)):
                yield node


def names_of(kind: ast.ClassDef) -> set[str]:
    """Return the methods of a class and what it sets on itself."""
    methods = {node.name for node in ast.walk(kind) if isinstance(node, ast.FunctionDef)}
    attributes = [
        node for node in ast.walk(kind) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    return methods | {node.attr for node in attributes if ast.unparse(node.value) == "self"}


@pytest.mark.parametrize("kind", list(threads()), ids=lambda kind: kind.name)
def test_a_thread_takes_no_name_of_threads_themselves(kind: ast.ClassDef) -> None:
    assert not names_of(kind) & (OWN | OTHER_VERSIONS)


def test_all_threads_are_looked_at() -> None:
    assert {"Lane", "Relay", "Sweeper", "Heart", "Crew"} <= {kind.name for kind in threads()}
