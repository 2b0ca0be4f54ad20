"""What is known of a step beyond its result, for people who ask later why a flow went where it went.

Details are a small JSON object, masked and cut when they are noted, so that a secret is not stored a second time and a
row of the history stays small. A step that has nothing to tell has none. The keys, all optional:

`stack` the frame it ran in, when that is not the main one; `variables` those it changed; `condition` what it compared;
`target` where it jumped to; `pushed` the frame that it pushed; `skipped` why it was not run; `asked` the requests to
other managers; `attempts` how often it was begun, when more than once; `wait` who was to end it, until when; `heard`
the events that came meanwhile; `span` the span (W3C `traceparent`) in which the wait began; `seq` (while it is under
way) the number of its step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flowmanager.core.masking import MASK, is_secret, shown_text, shown_value
from flowmanager.core.outcomes import Comparison

Details = Mapping[str, Any]

SEQ = "seq"
SPAN = "span"
VARIABLES = 40
"""Of one step."""
REQUESTS = 20
"""Of one step."""
EVENTS = 20
"""Of one step."""
NAME_CHARACTERS = 120


def under_way(details: Details | None, seq: int) -> dict[str, Any]:
    """Return what is noted of the step with that number; notes of an earlier step, left in the record, do not count."""
    return dict(details) if details and details.get(SEQ) == seq else {SEQ: seq}


def finished(details: Details | None, seq: int, facts: Details) -> Details | None:
    """Return the details of a step that is left; None: there is nothing to tell."""
    if details is None or details.get(SEQ) != seq:
        return facts or None
    told = {**details, **facts}
    del told[SEQ]
    return told or None


def variables_changed(
    before: Mapping[str, str], after: Mapping[str, str], names: Iterable[str], noted: Details
) -> Details:
    """Return those of some variables whose values are others now, masked, after those noted before, as far as fit."""
    together: dict[str, str] = dict(noted.get("variables", {}))
    for name in names:
        value = after.get(name, "")
        if value != before.get(name, "") and len(together) < VARIABLES:
            together[name[:NAME_CHARACTERS]] = shown_value(name, value)
    return together


def condition(comparison: Comparison) -> Details:
    """Return what was compared, masked by the name of the left side."""
    hidden = is_secret(comparison.name)
    return {
        "name": comparison.name[:NAME_CHARACTERS],
        "left": shown_value(comparison.name, comparison.left),
        "operator": comparison.sign[:NAME_CHARACTERS],
        "right": MASK if hidden else shown_text(comparison.right),
        "result": comparison.result,
    }


def wait(driver: str, until: datetime | None) -> Details:
    """Return what a step waited for."""
    return {"for": driver, "until": until.isoformat() if until else None}


def heard(noted: Details, event: str) -> Sequence[str]:
    """Return the events noted so far and one more."""
    known: Sequence[str] = noted.get("heard", ())
    return [*known, shown_text(event)] if len(known) < EVENTS else known


def asked(noted: Details, requests: Iterable[Details]) -> Sequence[Details]:
    """Return the requests noted so far and more of them."""
    return [*noted.get("asked", ()), *requests][:REQUESTS]
