"""Reading what happened to an activeflow: the record, a part of its history with details, and the flow's name."""

from __future__ import annotations

from functools import partial

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.lifecycle import found
from flowmanager.ports import Transaction
from flowmanager.schemas.trace_wire import trace_wire
from flowmanager.schemas.wire import Wire


@frozen(kw_only=True)
class Part:
    """Which steps are wanted. `since` None: the latest."""

    since: int | None
    limit: int


@frozen
class Traces:
    """Shows traces."""

    engine: Engine

    def show(self, work: Work, activeflow_id: Id, part: Part) -> Wire:
        """Show what happened to an activeflow. Raises ActiveflowNotFound."""
        return work.look(partial(self.read, activeflow_id, part))

    def read(self, activeflow_id: Id, part: Part, transaction: Transaction) -> Wire:
        """Read and show. A step may be committed between the two queries: it is left to the next trace."""
        flow = found(transaction, activeflow_id)
        latest = part.since is None
        since = max(flow.executed_count - part.limit, 0) if part.since is None else part.since
        until = min(since + part.limit, flow.executed_count)
        steps = transaction.get_trace(flow.id, since=since, until=until)
        template = transaction.get_flow(flow.flow_id)
        name = template.name if template else ""
        return trace_wire(flow, steps, name=name, now=transaction.now(), latest=latest)
