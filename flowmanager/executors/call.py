"""`call`: make calls that run a flow of their own; this flow does not wait for them."""

from __future__ import annotations

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.ids import NIL, Id
from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.errors import InvalidRequest
from flowmanager.executor import Task, executor
from flowmanager.executors import check_actions
from flowmanager.managers.call_manager import Outgoing
from flowmanager.managers.given_actions import given_actions
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Address, Anonymous, Flag, Items, JsonObject, Uuid
from flowmanager.schemas.options import Option


class CallOption(Option):
    """The flow goes on at once; it does not wait for the calls."""

    examples = (
        {
            "source": {"type": "tel", "target": "+821100000001"},
            "destinations": [{"type": "tel", "target": "+821100000002"}],
            "flow_id": "5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10",
        },
    )

    source = Address(about="Who calls: `type` (such as `tel` or `sip`) and `target`. It is needed.")
    destinations = Items(
        Address(load_default=dict), about="Who is called, each a call of its own. At least one is needed."
    )
    flow_id = Uuid(about="The flow that the new calls run.")
    actions = Items(JsonObject(), about="The actions that they run when no `flow_id` is given.")
    chained = Flag(about="Whether they hang up when this call does.")
    early_execution = Flag(about="Whether their flow begins before they are answered.")
    anonymous = Anonymous(about="Whether the number of the caller is hidden.")


def master_of(task: Task) -> Id:
    """Return the call that the new ones belong to."""
    chained = task.option["chained"] and task.activeflow.reference_type is ReferenceType.CALL
    return task.activeflow.reference_id if chained else NIL


def flow_of(task: Task, managers: Managers) -> Id:
    """Return the flow that the calls run, a temporary one when none is named."""
    if task.option["flow_id"] != NIL:
        flow_id: Id = task.option["flow_id"]
        return flow_id
    actions = given_actions(task.option["actions"], task.key, "option.actions")
    check_actions(actions, "option.actions")
    return managers.flows.create(task.activeflow.customer_id, actions)


@executor("call", option=CallOption)
def call(task: Task, managers: Managers) -> Outcome:
    """Make the calls."""
    option = task.option
    for name in ("source", "destinations"):
        if option[name] is None or option[name] == []:
            raise InvalidRequest(f"call needs {name}", path=f"option.{name}")
    outgoing = Outgoing(
        customer_id=task.activeflow.customer_id,
        flow_id=flow_of(task, managers),
        source=option["source"],
        destinations=option["destinations"],
        master_call_id=master_of(task),
        early_execution=option["early_execution"],
        anonymous=option["anonymous"],
    )
    managers.call.create_calls(outgoing)
    return Continue()
