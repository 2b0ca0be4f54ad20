"""`connect`: call others and bridge them with the call."""

from __future__ import annotations

from flowmanager.core.action import Action
from flowmanager.core.ids import Id
from flowmanager.core.outcomes import Outcome, Push
from flowmanager.errors import PeerGarbled
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.call_manager import Created, Outgoing
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Address, Anonymous, Flag, Items
from flowmanager.schemas.options import Option


class ConnectOption(Option):
    """The options of `connect`."""

    examples = (
        {
            "source": {"type": "tel", "target": "+821100000001"},
            "destinations": [{"type": "tel", "target": "+821100000002"}],
        },
    )

    source = Address(
        load_default=dict, about="Who calls, as the others see it: `type` (such as `tel` or `sip`) and `target`."
    )
    destinations = Items(Address(load_default=dict), about="Who is called, all at the same time.")
    early_media = Flag(about="Whether the caller hears the other leg's sounds before it answers.")
    relay_reason = Flag(
        about="Whether the caller is hung up with the reason of the other leg; with one destination only."
    )
    anonymous = Anonymous(about="Whether the number of the caller is hidden.")


def join(task: Task, name: str, bridge_id: Id) -> Action:
    """Return the action that joins the bridge."""
    return Action(task.id_for(name), "confbridge_join", {"confbridge_id": bridge_id})


def outgoing(task: Task, flow_id: Id) -> Outgoing:
    """Return the calls to make."""
    option = task.option
    return Outgoing(
        customer_id=task.activeflow.customer_id,
        flow_id=flow_id,
        source=option["source"],
        destinations=option["destinations"],
        master_call_id=task.activeflow.reference_id,
        early_execution=option["early_media"],
        connect=not option["early_media"] and len(option["destinations"]) <= 1,
        anonymous=option["anonymous"],
    )


def afterwards(task: Task, created: Created, bridge_id: Id) -> tuple[Action, ...]:
    """Return what the call itself does: join, then pass on the cause of the first leg where that is wanted."""
    joined = join(task, "join", bridge_id)
    if created.groupcall_ids or not task.option["relay_reason"]:
        return (joined,)
    return joined, Action(task.id_for("relay"), "hangup", {"reference_id": created.call_ids[0]})


@executor("connect", option=ConnectOption, media=Media.RTC)
def connect(task: Task, managers: Managers) -> Outcome:
    """Make a bridge, have each leg join it, join it too."""
    bridge_id = managers.call.create_confbridge(task.activeflow)
    leg = (join(task, "leg-join", bridge_id), Action(task.id_for("leg-hangup"), "hangup"))
    flow_id = managers.flows.create(task.activeflow.customer_id, leg, name="tmp", detail="legs of a connect")
    created = managers.call.create_calls(outgoing(task, flow_id))
    if not created.call_ids and not created.groupcall_ids:
        raise PeerGarbled("call", "no call was made")
    return Push(task.key, afterwards(task, created, bridge_id))
