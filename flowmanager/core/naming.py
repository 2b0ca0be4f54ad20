"""Action ids that are names: replaced by uuids, together with every option that refers to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flowmanager.core.ids import Id

TARGETS = ("target_id", "default_target_id", "false_target_id")
"""Options that hold one action id."""
TARGET_MAP = "target_ids"
"""The option that holds several, by value."""

Path = tuple[str | int, ...]
IsName = Callable[[str], bool]


def references(option: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield path and text of every action id that an option refers to."""
    for key in TARGETS:
        if isinstance(option.get(key), str):
            yield (key,), option[key]
    targets = option.get(TARGET_MAP)
    if isinstance(targets, Mapping):
        for value, target in targets.items():
            if isinstance(target, str):
                yield (TARGET_MAP, value), target


def rename(option: Mapping[str, Any], names: Mapping[str, Id]) -> dict[str, Any]:
    """Return an option whose references to names are replaced by ids."""
    renamed = dict(option)
    for path, target in references(option):
        if target not in names:
            continue
        if len(path) == 1:
            renamed[TARGETS[TARGETS.index(str(path[0]))]] = names[target]
        else:
            renamed[TARGET_MAP] = {**renamed[TARGET_MAP], path[1]: names[target]}
    return renamed


def unknown(option: Mapping[str, Any], names: Mapping[str, Id], is_name: IsName) -> Iterator[Path]:
    """Yield the path of every reference to a name that no action has."""
    return (path for path, target in references(option) if is_name(target) and target not in names)
