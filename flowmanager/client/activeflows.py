"""Running instances of flows: `/v1/activeflows`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Unpack
from urllib.parse import urlencode
from uuid import uuid4

from flowmanager.client.exchange import Exchanger
from flowmanager.client.options import CallOptions, ListOptions, NewActiveflow, body_of, call_options
from flowmanager.client.paging import each
from flowmanager.client.records import Action, Activeflow, Frame, GivenAction, Overview, StackedActiveflow, action_wires
from flowmanager.core.ids import START
from flowmanager.trace.model import Trace, read_trace

URI = "/v1/activeflows"


@dataclass(frozen=True, slots=True)
class Activeflows:
    """Creates, drives, changes and ends activeflows. Every method raises ClientError."""

    exchanger: Exchanger

    def create(self, customer_id: str, flow_id: str, **given: Unpack[NewActiveflow]) -> Activeflow:
        """Make a running instance of a flow; `execute` or the first `next` starts it. Without `id` it gets a new one.

        Raises FlowNotFound, AlreadyExists, InvalidRequest.
        """
        body = {"id": str(uuid4()), "customer_id": customer_id, "flow_id": flow_id, **body_of(given)}
        return self.exchanger.read(Activeflow.read, "POST", URI, body, call_options(given))

    def get(self, activeflow_id: str, **options: Unpack[CallOptions]) -> Activeflow:
        """Return an activeflow with its frames, variables and history. Raises ActiveflowNotFound."""
        return self.exchanger.read(Activeflow.read, "GET", f"{URI}/{activeflow_id}", None, options)

    def list(self, filters: Mapping[str, Any] | None = None, **options: Unpack[ListOptions]) -> Iterator[Activeflow]:
        """Yield the activeflows that match all filters (such as `customer_id`, `status`, `flow_id`), newest first."""
        return each(self.exchanger, Activeflow, URI, filters or {}, options)

    def overview(
        self,
        filters: Mapping[str, Any] | None = None,
        *,
        created_before: datetime | None = None,
        limit: int = 100,
        **options: Unpack[CallOptions],
    ) -> tuple[Overview, ...]:
        """Return where activeflows stand, newest first, at most `limit` (1000) of them, in one request.

        Filters are those of `list`. It costs the service much less than `list`: no histories are read.
        """
        token = f"{created_before.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if created_before else ""
        query = urlencode({"view": "brief", "page_size": limit, "page_token": token})
        return self.exchanger.read(Overview.read_all, "GET", f"{URI}?{query}", dict(filters or {}), options)

    def next(self, activeflow_id: str, current_action_id: str = START, **options: Unpack[CallOptions]) -> Action:
        """Run on to the next action that the caller must perform, from the one it has performed.

        At the end the action is `finished`, at a `block` it is `blocked`. Raises StaleAction, ActiveflowEnded,
        ActionFailed and the errors of other managers, LimitReached.
        """
        body = {"current_action_id": current_action_id}
        return self.exchanger.read(Action.read, "GET", f"{URI}/{activeflow_id}/next", body, options)

    def execute(self, activeflow_id: str, **options: Unpack[CallOptions]) -> None:
        """Start an activeflow, or resume one that is blocked; returns before the work is done."""
        self._do("execute", activeflow_id, None, options)

    def continue_(self, activeflow_id: str, current_action_id: str, **options: Unpack[CallOptions]) -> None:
        """Resume an activeflow that stands on that `block`; returns before the work is done. Raises StaleAction."""
        self._do("continue", activeflow_id, {"current_action_id": current_action_id}, options)

    def stop(self, activeflow_id: str, **options: Unpack[CallOptions]) -> Activeflow:
        """End an activeflow; one that has ended stays as it is. Raises ActiveflowNotFound."""
        return self.exchanger.read(Activeflow.read, "POST", f"{URI}/{activeflow_id}/stop", None, options)

    def delete(self, activeflow_id: str, **options: Unpack[CallOptions]) -> Activeflow:
        """Stop an activeflow if it runs, and hide it. Raises ActiveflowNotFound."""
        return self.exchanger.read(Activeflow.read, "DELETE", f"{URI}/{activeflow_id}", None, options)

    def push_actions(
        self, activeflow_id: str, actions: Iterable[GivenAction], **options: Unpack[CallOptions]
    ) -> Activeflow:
        """Have actions run next, on top of the current ones, and come back. Raises ActiveflowEnded, InvalidRequest."""
        return self._change("push_actions", activeflow_id, actions, options)

    def add_actions(
        self, activeflow_id: str, actions: Iterable[GivenAction], **options: Unpack[CallOptions]
    ) -> Activeflow:
        """Insert actions behind the current one of a nested stack. Raises MainStack, ActiveflowEnded."""
        return self._change("add_actions", activeflow_id, actions, options)

    def forward(self, activeflow_id: str, action_id: str, *, now: bool = False, **options: Unpack[CallOptions]) -> None:
        """Make an action the next one; `now`: at once, not at the next step. Raises TargetNotFound, ActiveflowEnded."""
        body = {"forward_action_id": action_id, "forward_now": now}
        self.exchanger.request("PUT", f"{URI}/{activeflow_id}/forward_action_id", body, options)

    def service_stop(self, activeflow_id: str, service_id: str, **options: Unpack[CallOptions]) -> None:
        """Release the frame of a service and all in it; go on behind it at the next step. Raises MainStack."""
        self._do("service_stop", activeflow_id, {"service_id": service_id}, options)

    def trace(
        self, activeflow_id: str, *, since: int | None = None, limit: int = 200, **options: Unpack[CallOptions]
    ) -> Trace:
        """Return what happened, step by step, and why it waits or ended. `since` None: the latest `limit` steps.

        Raises ActiveflowNotFound.
        """
        query = urlencode({"limit": limit} if since is None else {"since": since, "limit": limit})
        return self.exchanger.read(read_trace, "GET", f"{URI}/{activeflow_id}/trace?{query}", None, options)

    def stacks(self, activeflow_id: str, **options: Unpack[CallOptions]) -> tuple[Frame, ...]:
        """Return the frames from the main one to the current one. Raises ActiveflowNotFound."""
        return self.exchanger.read(Frame.read_all, "GET", f"{URI}/{activeflow_id}/stacks", None, options)

    def on_reference(
        self, reference_type: str, reference_id: str, **options: Unpack[CallOptions]
    ) -> tuple[StackedActiveflow, ...]:
        """Return the activeflows that lie on top of each other on a reference, the active one first."""
        uri = f"/v1/flow_stacks/{reference_type}/{reference_id}"
        return self.exchanger.read(
            lambda answer: StackedActiveflow.read_all(answer["activeflows"]), "GET", uri, None, options
        )

    def _do(self, verb: str, activeflow_id: str, body: Mapping[str, Any] | None, options: CallOptions) -> None:
        self.exchanger.request("POST", f"{URI}/{activeflow_id}/{verb}", body, options)

    def _change(
        self, verb: str, activeflow_id: str, actions: Iterable[GivenAction], options: CallOptions
    ) -> Activeflow:
        body = {"actions": action_wires(actions)}
        return self.exchanger.read(Activeflow.read, "POST", f"{URI}/{activeflow_id}/{verb}", body, options)
