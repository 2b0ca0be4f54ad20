"""Where spans of distributed traces go. Without OpenTelemetry they go nowhere, and cost next to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.ports import Message, Rpc

NOTHING = nullcontext()


@frozen(kw_only=True)
class Taken:
    """A message that was taken from a queue, as far as spans tell of it."""

    queue: str
    size: int
    """Bytes of its body."""
    message_id: str
    correlation_id: str
    headers: Mapping[str, Any]
    """They may name the sender's span."""


class Tracer(Protocol):
    """Opens spans. A span is the current one of its thread for the length of a block."""

    def taken(self, message: Taken) -> AbstractContextManager[object]:
        """Open the span of a message that is handled, under that of its sender."""
        ...

    def span(self, name: str, **facts: str) -> AbstractContextManager[object]:
        """Open a span under the current one."""
        ...

    def note(self, **facts: str) -> None:
        """Add facts to the current span."""
        ...

    def current(self) -> str:
        """Return the current span as a W3C `traceparent`; empty: there is none."""
        ...

    def follow(self, traceparent: str) -> None:
        """Link the current span to an earlier one, which it goes on with after a wait."""
        ...

    def rpc(self, rpc: Rpc) -> Rpc:
        """Return an Rpc that asks through the given one, a span for each request, named in its headers."""
        ...

    def leaving(self, records: Iterable[Id]) -> None:
        """Remember that messages of these records were caused by the current span: others publish them."""
        ...

    def stamped(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return messages that are published now with the span that caused them in their headers."""
        ...

    def close(self) -> None:
        """Send what was not sent yet."""
        ...


class NoTracer:
    """A tracer that does nothing."""

    def taken(self, message: Taken) -> AbstractContextManager[object]:  # noqa: ARG002
        """Open nothing."""
        return NOTHING

    def span(self, name: str, **facts: str) -> AbstractContextManager[object]:  # noqa: ARG002
        """Open nothing."""
        return NOTHING

    def note(self, **facts: str) -> None:
        """Add nothing."""

    def current(self) -> str:
        """Return that there is none."""
        return ""

    def follow(self, traceparent: str) -> None:
        """Link nothing."""

    def rpc(self, rpc: Rpc) -> Rpc:
        """Return the Rpc itself."""
        return rpc

    def leaving(self, records: Iterable[Id]) -> None:
        """Remember nothing."""

    def stamped(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return them as they are."""
        return messages

    def close(self) -> None:
        """Send nothing."""


NO_TRACER = NoTracer()
