"""Logging: one JSON object a line, or readable lines on a terminal; ids are bound while a message is handled."""

from __future__ import annotations

import sys
from typing import Any

import structlog


def set_up_logs(*, readable: bool | None = None, level: int = 20) -> None:
    """Configure structlog for this process. `readable` None: on a terminal."""
    human = sys.stderr.isatty() if readable is None else readable
    final: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if human
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([] if human else [structlog.processors.format_exc_info]),
            final,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
