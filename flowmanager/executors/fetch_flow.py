"""`fetch_flow`: run another stored flow's actions, then come back."""

from __future__ import annotations

from flowmanager.core.outcomes import Outcome, Push
from flowmanager.errors import FlowNotFound
from flowmanager.executor import Task, executor
from flowmanager.ports import Flows
from flowmanager.schemas.fields import Uuid
from flowmanager.schemas.options import Option


class FetchFlowOption(Option):
    """The options of `fetch_flow`."""

    examples = ({"flow_id": "5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10"},)

    flow_id = Uuid(about="The flow, one of the same customer.")


@executor("fetch_flow", option=FetchFlowOption)
def fetch_flow(task: Task, flows: Flows) -> Outcome:
    """Push the flow's actions; a flow of another customer is as good as none."""
    flow_id = task.option["flow_id"]
    flow = flows.get_flow(flow_id)
    if flow is None or flow.customer_id != task.activeflow.customer_id:
        raise FlowNotFound(flow_id=flow_id)
    return Push(task.key, flow.actions)
