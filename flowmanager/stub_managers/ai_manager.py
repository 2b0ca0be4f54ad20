"""ai-manager: conversations with an AI, tasks and summaries; each is over after a while."""

from __future__ import annotations

from functools import partial
from typing import Any

from flowmanager.core.ids import NIL, Id
from flowmanager.stub_managers import bridges, services
from flowmanager.stub_managers.stub import Refusal, Route, Stub, StubRequest
from flowmanager.stub_managers.world import World

AIcall = dict[str, Any]


def start_aicall(world: World, request: StubRequest) -> dict[str, Any]:
    """Talk to a caller in a bridge, or write to the other side of a conversation while the flow is blocked."""
    reference_type = request.text("reference_type")
    if reference_type not in ("call", "conversation"):
        raise Refusal(400, "INVALID_ARGUMENT", "reference_type: Not a call or a conversation.")
    aicall = new_aicall(world, request, reference_type)
    if reference_type == "conversation":
        return services.service(aicall["id"], "aicall", [block(world, aicall["id"])])
    bridge = bridges.new_bridge(
        world, activeflow_id=aicall["activeflow_id"], reference_type="ai", reference_id=aicall["id"], type="conference"
    )
    aicall["confbridge_id"] = bridge["id"]
    join = services.action(world, "confbridge_join", {"confbridge_id": bridge["id"]})
    return services.service(aicall["id"], "aicall", [join])


def start_task(world: World, request: StubRequest) -> dict[str, Any]:
    """Work on something while the flow is blocked."""
    aicall = new_aicall(world, request, "task")
    return services.service(aicall["id"], "aicall", [block(world, aicall["id"])])


def block(world: World, service_id: Id) -> services.Action:
    """Return the action that blocks a flow until the service continues it."""
    return {**services.action(world, "block"), "id": service_id}


def new_aicall(world: World, request: StubRequest, reference_type: str) -> AIcall:
    """Keep a new aicall, tell the flow about it, and have it end after a while."""
    aicall: AIcall = {
        "id": world.new_id(),
        "customer_id": NIL,
        "assistance_type": request.text("assistance_type", "ai"),
        "assistance_id": request.id("assistance_id"),
        "activeflow_id": request.id("activeflow_id"),
        "reference_type": reference_type,
        "reference_id": request.id("reference_id"),
        "confbridge_id": NIL,
        "status": "initiating",
        "tm_create": world.now_text(),
    }
    world.table("aicalls")[aicall["id"]] = aicall
    variables = {"voipbin.aicall.id": aicall["id"], "voipbin.aicall.ai_id": aicall["assistance_id"]}
    world.set_variables(aicall["activeflow_id"], variables)
    set_status(world, aicall, "progressing")
    world.after(world.pace.ai, partial(end_aicall, world, aicall))
    return aicall


def set_status(world: World, aicall: AIcall, status: str) -> None:
    """Change an aicall's status and announce it."""
    aicall |= {"status": status, "tm_update": world.now_text()}
    world.emit("ai", f"aicall_status_{status}", aicall)


def end_aicall(world: World, aicall: AIcall) -> None:
    """Release the flow: take its frame away, then let a blocked flow go on or a call leave the bridge."""
    set_status(world, aicall, "terminating")
    uri = f"/v1/activeflows/{aicall['activeflow_id']}"
    world.try_ask("POST", f"{uri}/service_stop", {"service_id": aicall["id"]})
    if aicall["confbridge_id"] == NIL:
        world.try_ask("POST", f"{uri}/continue", {"current_action_id": aicall["id"]})
    else:
        bridges.terminate(world, aicall["confbridge_id"])
    set_status(world, aicall, "terminated")


def start_summary(world: World, request: StubRequest) -> dict[str, Any]:
    """Summarise something; the flow goes on meanwhile, and another flow may begin when the summary is done."""
    summary = {
        "id": world.new_id(),
        "customer_id": request.id("customer_id"),
        "activeflow_id": request.id("activeflow_id"),
        "on_end_flow_id": request.id("on_end_flow_id"),
        "reference_type": request.text("reference_type"),
        "reference_id": request.id("reference_id"),
        "language": request.text("language"),
        "status": "progressing",
        "content": "",
        "tm_create": world.now_text(),
    }
    world.table("summaries")[summary["id"]] = summary
    world.emit("ai", "summary_created", summary)
    world.after(world.pace.ai, partial(end_summary, world, summary))
    return services.service(summary["id"], "ai_summary", [])


def end_summary(world: World, summary: dict[str, Any]) -> None:
    """The summary is written."""
    summary |= {"status": "done", "content": "They talked about the order.", "tm_update": world.now_text()}
    names = ("id", "reference_type", "reference_id", "language", "content")
    variables = {f"voipbin.ai_summary.{name}": summary[name] for name in names}
    world.set_variables(summary["activeflow_id"], variables)
    world.emit("ai", "summary_updated", summary)
    if summary["on_end_flow_id"] != NIL:
        start_end_flow(world, summary)


def start_end_flow(world: World, summary: dict[str, Any]) -> None:
    """Begin the flow that a finished summary asks for."""
    wanted = {
        "id": world.new_id(),
        "customer_id": summary["customer_id"],
        "flow_id": summary["on_end_flow_id"],
        "reference_type": "ai",
        "reference_id": summary["id"],
        "reference_activeflow_id": summary["activeflow_id"],
    }
    if world.try_ask("POST", "/v1/activeflows", wanted) is not None:
        world.try_ask("POST", f"/v1/activeflows/{wanted['id']}/execute")


ai_manager = Stub(
    "ai",
    (
        Route("POST", "/v1/services/type/aicall", start_aicall),
        Route("POST", "/v1/services/type/task", start_task),
        Route("POST", "/v1/services/type/summary", start_summary),
    ),
)
