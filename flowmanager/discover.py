"""Find the values of a kind that the modules of a package define; nothing registers itself."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def collect(package: ModuleType, kind: type[T]) -> list[T]:
    """Return every value of `kind` that a module of the package defines at its top, in order of file names."""
    return [value for _, value in collect_with_module(package, kind)]


def collect_with_module(package: ModuleType, kind: type[T]) -> list[tuple[ModuleType, T]]:
    """Return the same values, each with the module that defines it."""
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."))
    modules = [import_module(name) for name in names]
    return [(module, value) for module in modules for value in vars(module).values() if isinstance(value, kind)]
