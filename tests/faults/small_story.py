"""A run in small: one activeflow, valid in every respect, for tests that break it in one."""

from __future__ import annotations

from typing import Any

import orjson

from tests.faults.history import Json
from tests.faults.story import Story, make_story

CUSTOMER, OTHER = "c0000000-0000-4000-8000-000000000001", "c0000000-0000-4000-8000-000000000002"
FLOW, AFTER = "f0000000-0000-4000-8000-000000000001", "f0000000-0000-4000-8000-000000000002"
PARENT, CHILD = "a0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000002"
ONE, TWO, THREE, LAST = (f"{number}0000000-0000-4000-8000-000000000000" for number in (1, 2, 3, 4))
NIL, START, FINISH = (f"00000000-0000-0000-0000-00000000000{number}" for number in (0, 1, 2))
TIME = "2026-05-04T07:08:{:09.6f}"
START_TIME = 100.0


def action(action_id: str, action_type: str = "sleep", **option: Any) -> Json:
    """An action of a flow."""
    return {"id": action_id, "type": action_type, "next_id": NIL, "option": option or None}


def mark(activeflow_id: str, action_id: str) -> str:
    """The mark of an effect."""
    return f"mark {activeflow_id} {action_id}"


MAIN = [action(ONE), action(TWO, "email_send", subject=mark("${voipbin.activeflow.id}", TWO)), action(THREE)]
FOLLOWING = [action(LAST)]


def step(number: int, done: Json) -> Json:
    """A line of the history in the database."""
    began = TIME.format(number)
    return {"seq": number, "action": done, "result": "done", "tm_execute": began, "tm_end": began}


def row(activeflow_id: str, **facts: Any) -> Json:
    """An activeflow in the database."""
    return {
        "id": activeflow_id,
        "customer_id": CUSTOMER,
        "flow_id": FLOW,
        "reference_activeflow_id": NIL,
        "on_complete_flow_id": AFTER,
        "after_reference": False,
        "state": "ended",
        "wait_driver": None,
        "wait_until": None,
        "owner": None,
        "executed_count": 3,
        "complete_count": 0,
        "ended_reason": "finished",
        "tm_delete": None,
        "variables": {"log": "|x.1|x.2"},
        "current_action": {"id": FINISH},
        **facts,
    }


def flow(flow_id: str, **facts: Any) -> Json:
    """A stored flow in the database."""
    return {"id": flow_id, "customer_id": CUSTOMER, "tm_delete": None, **facts}


def flow_event(change: str, flow_id: str) -> str:
    """An event of a flow."""
    return orjson.dumps({"type": f"flow_{change}", "data": {"id": flow_id}}).decode()


class SmallRun:
    """The lines and the snapshot of the run; tests change them, then `story` shows what the checker sees."""

    def __init__(self) -> None:
        self.lines: list[Json] = []
        self.clock = START_TIME
        self.write_history()
        followed = {"flow_id": AFTER, "reference_activeflow_id": PARENT, "after_reference": True}
        self.rows = {
            PARENT: row(PARENT),
            CHILD: row(CHILD, **followed, on_complete_flow_id=NIL, executed_count=1, complete_count=1, variables={}),
        }
        self.steps = {
            PARENT: [step(number, done) for number, done in enumerate(MAIN)],
            CHILD: [step(5, FOLLOWING[0]) | {"seq": 0}],
        }
        self.flows = [flow(FLOW), flow(AFTER)]
        self.rest: Json = {"now": TIME.format(50), "outbox": 0, "queues": {"q": 0}, "gauges": {"m": 1, "m limit": 2}}

    def write_history(self) -> None:
        """What callers, peers and subscribers saw."""
        for number, flow_id in enumerate((FLOW, AFTER)):
            self.asked(f"flow-{number}", "create-flow", answer=(200, {"id": flow_id}))
            self.line("event", message_id=f"f{number}", body=flow_event("created", flow_id))
        self.line("flow", id=FLOW, actions=MAIN, on_complete_flow_id=AFTER)
        self.line("flow", id=AFTER, actions=FOLLOWING, on_complete_flow_id="")
        self.line("script", activeflow_id=PARENT, shape="ivr", customer_id=CUSTOMER, flow_id=FLOW)
        self.asked("create", "create", data={"id": PARENT})
        self.event("e1", "activeflow_created", PARENT)
        self.next("next-1", START, ONE)
        self.next("next-2", ONE, THREE)
        self.event("e2", "activeflow_updated", PARENT, executed=[ONE, TWO], count=2)
        self.asked("stale", "stale-next", data={"current_action_id": ONE}, answer=(409, "STALE_ACTION"))
        for number in (1, 2):
            self.asked(f"append-{number}", "append", token=f"|x.{number}")
        self.line("seen", manager="email", uri="/v1/emails", request_id="k1", data={"subject": mark(PARENT, TWO)})
        self.next("next-3", THREE, FINISH)
        self.event("e3", "activeflow_updated", PARENT, executed=[THREE], count=3, status="ended")
        self.event("e4", "activeflow_created", CHILD)
        self.event("e5", "activeflow_updated", CHILD, executed=[LAST], count=1, status="ended")
        self.asked("list", "read-list", data=None, answer=(200, [self.shown()]))
        self.line("news", activeflow_id=FLOW, token="t", applied=True)
        self.line("script_done", activeflow_id=PARENT)

    def line(self, kind: str, **facts: Any) -> None:
        """Write a line."""
        self.clock += 1
        self.lines.append({"kind": kind, "at": self.clock, **facts})

    def asked(self, name: str, operation: str, *, answer: tuple[int, Any] | None = (200, None), **facts: Any) -> None:
        """A request and its answer."""
        about = {"activeflow_id": PARENT, "customer_id": CUSTOMER if operation == "read-list" else ""}
        self.line("ask", id=name, operation=operation, **{**about, **facts})
        if answer is not None:
            self.answer(name, *answer)

    def answer(self, name: str, status: int, data: Any) -> None:
        """One more answer to a request: its data, or the reason of an error."""
        shown = {"reason": data} if status >= 300 else data
        kind = "voipbin_error" if status >= 300 else "application/json"
        body = orjson.dumps({"status_code": status, "data_type": kind, "data": shown}).decode()
        self.line("answer", id=name, body=body)

    def next(self, name: str, seen: str, found: str, *, operation: str = "next") -> None:
        """A step that was accepted."""
        self.asked(name, operation, data={"current_action_id": seen}, expected=[found], answer=(200, {"id": found}))

    def event(self, message_id: str, kind: str, about: str, *, executed: list[str] | None = None, **facts: Any) -> None:
        """An event of flow-manager."""
        data = {
            "id": about,
            "status": facts.get("status", "running"),
            "executed_actions": [{"id": one} for one in executed or []],
            "executed_count": facts.get("count", 0),
            "tm_update": TIME.format(self.clock - START_TIME) + "Z",
        }
        self.line("event", message_id=message_id, body=orjson.dumps({"type": kind, "data": data}).decode())

    def shown(self, **facts: Any) -> Json:
        """The activeflow as a read shows it at this moment."""
        changed = TIME.format(self.clock - START_TIME) + "Z"
        return {"id": PARENT, "customer_id": CUSTOMER, "tm_update": changed, **facts}

    def drop(self, kind: str, **facts: Any) -> None:
        """Take lines away."""
        self.lines = [
            line
            for line in self.lines
            if line["kind"] != kind or any(line.get(key) != value for key, value in facts.items())
        ]

    def snapshot(self) -> Json:
        """What is left at the end."""
        return {"activeflows": list(self.rows.values()), "steps": self.steps, "flows": self.flows, **self.rest}

    def story(self) -> Story:
        """What the checker sees."""
        return make_story(self.lines, self.snapshot())
