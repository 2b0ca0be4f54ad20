"""`condition_datetime`: go on when the present time (UTC) fits, else jump."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import validate

from flowmanager.core.conditions import compare_parts, weekday
from flowmanager.core.outcomes import Comparison, Continue, Jump, Outcome
from flowmanager.executor import Task, executor
from flowmanager.schemas.fields import Items, Text, Uuid, Whole
from flowmanager.schemas.options import Option


class ConditionDatetimeOption(Option):
    """Read as `now <condition> value`, in UTC. Month and day are one value, hour and minute another; both must hold."""

    examples = ({"condition": ">=", "hour": 9, "minute": 0, "weekdays": [1, 2, 3, 4, 5], "false_target_id": "closed"},)

    condition = Text(about="`==`, `!=`, `>`, `>=`, `<` or `<=`.")
    minute = Whole(
        load_default=-1, validate=validate.Range(max=59), about="0 to 59; absent or negative: it does not count."
    )
    hour = Whole(
        load_default=-1, validate=validate.Range(max=23), about="0 to 23; absent or negative: it does not count."
    )
    day = Whole(validate=validate.Range(max=31), about="1 to 31; absent or 0: it does not count.")
    month = Whole(validate=validate.Range(max=12), about="1 to 12; absent or 0: it does not count.")
    weekdays = Items(
        Whole(validate=validate.Range(min=0, max=6)),
        about="Days on which it may be true: 0 is Sunday, 6 is Saturday; empty: all.",
    )
    false_target_id = Uuid(about="Where it goes when it does not hold.")


PARTS = ("weekdays", "month", "day", "hour", "minute")


def counts(value: Any, name: str) -> bool:
    """Say whether a part of the option restricts the time."""
    return bool(value) if name in ("weekdays", "month", "day") else value >= 0


def part(value: int, *, least: int) -> int | None:
    """Return a part that counts."""
    return value if value >= least else None


def fits(now: datetime, option: Mapping[str, Any]) -> bool:
    """Say whether weekday, date and time of day all fit; date and time of day are one value each."""
    date = (part(option["month"], least=1), part(option["day"], least=1))
    time = (part(option["hour"], least=0), part(option["minute"], least=0))
    return (
        (not option["weekdays"] or weekday(now) in option["weekdays"])
        and compare_parts((now.month, now.day), option["condition"], date)
        and compare_parts((now.hour, now.minute), option["condition"], time)
    )


@executor("condition_datetime", option=ConditionDatetimeOption)
def condition_datetime(task: Task) -> Outcome:
    """Compare with the clock."""
    now = task.now.astimezone(UTC)
    wanted = ", ".join(f"{name} {task.option[name]}" for name in PARTS if counts(task.option[name], name))
    because = Comparison("now (UTC)", f"{now:%a %m-%d %H:%M}", task.option["condition"], wanted, fits(now, task.option))
    return Continue(because=because) if because.result else Jump(task.option["false_target_id"], because=because)
