"""The forms in which a trace can be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from flowmanager.trace.mermaid import mermaid_of_trace
from flowmanager.trace.model import Trace
from flowmanager.trace.svg import svg_of_trace
from flowmanager.trace.text import text_of


def json_of(trace: Trace) -> str:
    """Return the trace as the service told it."""
    return orjson.dumps(trace.wire, option=orjson.OPT_INDENT_2).decode()


FORMATS: Mapping[str, Callable[[Trace], str]] = {
    "text": text_of,
    "json": json_of,
    "mermaid": mermaid_of_trace,
    "svg": svg_of_trace,
}
"""By name. `text` has colours, for terminals."""
