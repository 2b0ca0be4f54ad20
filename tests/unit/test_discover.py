"""Finding what the modules of a package define."""

from __future__ import annotations

import re
import sys
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from flowmanager import routes as route_package
from flowmanager import subscriptions as subscription_package
from flowmanager.discover import collect
from flowmanager.route import Route
from flowmanager.subscription import Subscription


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package of three modules on a path of its own."""
    folder = tmp_path / "discovered"
    folder.mkdir()
    (folder / "__init__.py").write_text("hidden = 5\n")
    (folder / "second.py").write_text("from fractions import Fraction\none = Fraction(3)\n")
    (folder / "first.py").write_text(
        "from fractions import Fraction\none = Fraction(1)\ntwo = Fraction(2)\ntext = 'x'\n"
    )
    (folder / "empty.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "discovered"]:
        del sys.modules[name]
    return import_module("discovered")


def test_values_of_a_kind_are_found_by_file_name(package: ModuleType) -> None:
    """In the order of the files, and in each as they are written."""
    assert collect(package, Fraction) == [1, 2, 3]
    assert collect(package, Path) == []


def file_name(template: str) -> str:
    """Return the file that a URI belongs into: of a name in braces its last word counts."""
    short = re.sub(r"\{(?:\w+_)?([a-z]+):\w+\}", lambda found: found[1], template)
    return short.strip("/").replace("/", "_").replace("-", "_")


def test_every_file_of_routes_is_named_after_its_uri() -> None:
    """So that a URI is found by looking at the folder."""
    for one in collect(route_package, Route):
        assert one.handle.__module__.rpartition(".")[2] == file_name(one.template)


@pytest.mark.parametrize(("package", "kind"), [(route_package, Route), (subscription_package, Subscription)])
def test_every_file_defines_something(package: ModuleType, kind: type[Any]) -> None:
    """A route or a subscription; nothing else lies in these folders."""
    for path in Path(package.__path__[0]).glob("[a-z]*.py"):
        module = import_module(f"{package.__name__}.{path.stem}")
        assert any(isinstance(value, kind) for value in vars(module).values()), path
