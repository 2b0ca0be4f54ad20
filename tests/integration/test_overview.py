"""Activeflows in a list for people: the short view of the list, and `flowmanager activeflows`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import click
import orjson
import pytest
import structlog
from click.testing import CliRunner, Result

from flowmanager.cli import main
from flowmanager.client import FlowManagerClient, Overview
from flowmanager.commands.activeflows import Board, show_again
from flowmanager.demo_flows import action
from flowmanager.trace.overview import heading, table
from tests.client_room import CUSTOMER, ClientRoom, serving_embedded
from tests.conformance.contract import validator
from tests.desk import Desk, act, new_id, talk

NOW = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Commands configure the log of their process, which is ours here."""
    log = structlog.get_config()
    yield
    structlog.configure(**log)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientRoom]:
    with serving_embedded(tmp_path) as found:
        monkeypatch.setenv("RABBITMQ_ADDRESS", found.url)
        monkeypatch.setenv("FLOWMANAGER_QUEUE_PREFIX", found.prefix)
        yield found


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["activeflows", *arguments])


def started(client: FlowManagerClient, customer_id: str = CUSTOMER) -> str:
    """An activeflow that waits for its caller."""
    flow = client.flows.create(customer_id, name="front desk", actions=[action("talk", text="hello")])
    made = client.activeflows.create(customer_id, flow.id, reference_type="call", reference_id=str(uuid4()))
    client.activeflows.next(made.id)
    return made.id


def test_the_short_view_tells_where_each_stands(desk: Desk) -> None:
    """Without stacks, variables and history."""
    run = desk.start(talk("hello"))
    run.next()
    status, [row] = desk.get("/v1/activeflows?view=brief", {"customer_id": desk.customer_id})
    assert status == 200
    validator("list_activeflows_answer").validate({"status_code": status, "data": [row]})
    assert (row["id"], row["state"], row["action_type"], row["executed_count"]) == (run.id, "waiting", "talk", 0)
    assert row["wait"] == {"for": "pull", "until": None}
    assert row["why"] == "its caller performs `talk`; the caller's next `next` goes on"
    assert not {"stack_map", "variables", "executed_actions", "current_action"} & set(row)
    assert desk.get("/v1/activeflows?view=brief", {"customer_id": new_id()}).data == []


def test_activeflows_can_be_listed_by_state(desk: Desk) -> None:
    """In both views."""
    waiting, over = desk.start(talk("hello")), desk.start(act("stop"))
    waiting.next()
    over.next()
    for view in ("", "?view=brief"):
        found = {
            state: [one["id"] for one in desk.get(f"/v1/activeflows{view}", {"state": state}).data]
            for state in ("waiting", "ended", "blocked")
        }
        assert found == {"waiting": [waiting.id], "ended": [over.id], "blocked": []}


def test_an_unknown_view_is_refused(desk: Desk) -> None:
    assert desk.get("/v1/activeflows?view=odd").status == 400


def test_running_ones_are_listed_with_their_state(room: ClientRoom) -> None:
    running, over = started(room.client()), started(room.client())
    room.client().activeflows.stop(over)
    shown = run().output
    assert "1 activeflow at " in shown
    assert over not in shown
    [line] = [line for line in shown.splitlines() if line.startswith(running)]
    assert "waiting: caller" in line
    assert "front desk" in line


def test_filters_choose(room: ClientRoom) -> None:
    """Each alone."""
    client, other = room.client(), str(uuid4())
    mine, theirs = started(client), started(client, other)
    record = client.activeflows.get(theirs)
    chosen = [
        ("--customer", other),
        ("--reference", record.reference_id),
        ("--flow", record.flow_id),
    ]
    for option, value in chosen:
        shown = run(option, value).output
        assert theirs in shown
        assert mine not in shown
    assert theirs in run("--state", "waiting").output
    assert run("--state", "blocked").output == "0 activeflows\n"
    client.activeflows.stop(theirs)
    assert "ended: stop_request" in run("--state", "ended").output


def test_a_flow_that_is_gone_has_no_name(room: ClientRoom) -> None:
    """Temporary ones are gone after a day."""
    assert Board(room.client(), {}, None, 100).name(str(uuid4())) == ""


def test_age_chooses(room: ClientRoom) -> None:
    made = started(room.client())
    assert made in run("--older-than", "0s").output
    assert made not in run("--older-than", "1h").output
    refused = run("--older-than", "long")
    assert (refused.exit_code, "is not a time such as 90d, 12h, 30m or 45s" in refused.output) == (2, True)


def test_programs_get_json(room: ClientRoom) -> None:
    made = started(room.client())
    [row] = orjson.loads(run("--json").output)
    assert (row["id"], row["wait"]["for"]) == (made, "pull")


def test_the_list_is_shown_again_and_survives_an_outage(room: ClientRoom, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong is said, and the service is asked again."""
    client = room.client(timeout=0.3)
    made, rounds = started(room.client()), []

    def rest(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 2:
            client.close()
        if len(rounds) == 3:
            raise KeyboardInterrupt

    show_again(Board(client, {}, None, 100), rest)
    shown = capsys.readouterr().out
    assert sum(line.startswith(made) for line in shown.splitlines()) == 2
    assert "flowmanager: the caller was closed; asking again" in click.unstyle(shown).lower()


def test_a_watch_of_so_many_rounds_ends(room: ClientRoom, capsys: pytest.CaptureFixture[str]) -> None:
    """It waits between them."""
    rests: list[float] = []
    show_again(Board(room.client(), {}, None, 100), rests.append, rounds=2)
    assert (len(rests), capsys.readouterr().out.count("0 activeflows")) == (2, 2)


def overview(**told: object) -> Overview:
    """A row."""
    known = {"id": str(uuid4()), "state": "waiting", "now": NOW.isoformat(), "tm_create": NOW.isoformat()}
    return Overview.read({**known, **told})


def test_a_long_list_says_what_it_leaves_out() -> None:
    rows = [overview(), overview(state="blocked")]
    assert heading(rows, more=True) == "the newest 2 activeflows at 07:00:00 UTC: 1 waiting, 1 blocked"
    assert list(table(rows[:1], {}, left=1))[-1] == "… and 1 more"


@pytest.mark.parametrize(("width", "columns"), [(20, 1), (65, 2), (100, 4), (1000, 8)])
def test_a_narrow_terminal_gets_fewer_columns(width: int, columns: int) -> None:
    """A line that is broken cannot be read."""
    lines = [click.unstyle(line) for line in table([overview()], {}, width=width)]
    assert len(lines[0].split()) == columns
    assert all(len(line) <= max(width, 36) for line in lines)


def test_a_deadline_is_shown_with_the_wait() -> None:
    until, began = (NOW + timedelta(seconds=7)).isoformat(), (NOW - timedelta(minutes=3)).isoformat()
    row = overview(wait={"for": "push", "until": until}, action_type="talk", stack_depth=2, tm_action=began)
    [_, line] = table([row], {})
    assert "waiting: event ≤ 07:00:07" in line
    assert "· · talk" in line
    assert "3 min 00 s" in line
