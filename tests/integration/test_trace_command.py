"""`flowmanager trace` and `flowmanager flow draw` against a worker: the examples of docs/trace.md, and failures."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
import structlog
from click.testing import CliRunner, Result

from flowmanager.cli import main
from flowmanager.demo_flows import action, ivr_flow
from tests.client_room import CUSTOMER, ClientRoom, serving_embedded
from tests.documents import ROOT, code

PAGE = ROOT / "docs" / "trace.md"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Commands configure the log of their process, which is ours here."""
    log = structlog.get_config()
    yield
    structlog.configure(**log)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientRoom]:
    with serving_embedded(tmp_path / "room") as found:
        monkeypatch.setenv("RABBITMQ_ADDRESS", found.url)
        monkeypatch.setenv("FLOWMANAGER_QUEUE_PREFIX", found.prefix)
        monkeypatch.chdir(tmp_path)
        yield found


def run(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, list(arguments))


def walked(room: ClientRoom, steps: int) -> str:
    """An activeflow that has done so many steps and waits for its caller."""
    client = room.client()
    actions = [action("variable_set", key="n", value=str(number)) for number in range(steps)]
    flow = client.flows.create(CUSTOMER, name="front desk", actions=[*actions, action("talk", text="hello")])
    made = client.activeflows.create(CUSTOMER, flow.id, reference_type="call", reference_id=str(uuid4()))
    client.activeflows.next(made.id)
    return made.id


def test_the_examples_of_the_page_work(room: ClientRoom, tmp_path: Path) -> None:
    """One after the other, as a reader would run them."""
    activeflow_id = walked(room, 3)
    (tmp_path / "flow.json").write_bytes(orjson.dumps(ivr_flow("")))
    call_id = room.client().activeflows.get(activeflow_id).reference_id
    commands = [line for block in code(PAGE, "sh") for line in block.lines]
    assert all(line.startswith("flowmanager ") for line in commands)
    for line in commands:
        shown = run(*shlex.split(line.replace("$ID", activeflow_id).replace("$CALL", call_id))[1:])
        assert shown.exit_code == 0, f"{line}: {shown.output}"
    for example in code(PAGE, "python"):
        example.execute({"client": room.client(), "activeflow_id": activeflow_id})
    assert (tmp_path / "call.svg").read_text().startswith("<svg ")
    assert (tmp_path / "call.md").read_text().startswith("%% front desk")
    assert (tmp_path / "talking.svg").read_text().count("pushed by queue_join") == 1
    recorded = orjson.loads((PAGE.parent / "images" / "trace.json").read_bytes())
    assert set(recorded) == set(orjson.loads((tmp_path / "traces" / "talking.json").read_bytes()))


def test_all_steps_are_asked_for_in_parts(room: ClientRoom) -> None:
    activeflow_id = walked(room, 620)
    assert "… 420 earlier steps" in run("trace", activeflow_id).output
    whole = orjson.loads(run("trace", activeflow_id, "--all", "--json").output)
    assert [step["seq"] for step in whole["steps"]] == list(range(620))
    part = run("trace", activeflow_id, "--since", "600", "--limit", "5").output
    assert "  601  " in part
    assert "… 15 later steps: --since 605, or --all" in part


@pytest.mark.usefixtures("room")
def test_an_unknown_activeflow_is_told_in_a_sentence() -> None:
    shown = run("trace", str(uuid4()))
    assert (shown.exit_code, shown.output.splitlines()[-1]) == (2, "flowmanager: The activeflow was not found.")


def test_the_newest_activeflow_of_a_call_is_found(room: ClientRoom) -> None:
    """Who looks for a call at night has its id, not that of an activeflow."""
    client = room.client()
    first = client.activeflows.get(walked(room, 1))
    alone = run("trace", "--reference", first.reference_id)
    assert (alone.exit_code, alone.stderr) == (0, "")
    second = client.activeflows.create(CUSTOMER, first.flow_id, reference_type="call", reference_id=first.reference_id)
    shown = run("trace", "--reference", first.reference_id, "--json")
    assert orjson.loads(shown.stdout)["id"] == second.id
    assert shown.stderr == f"the newest of it; others: {first.id}\n"


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize(
    ("reference", "told"),
    [(str(uuid4()), "no activeflow belongs to"), ("x", "'x' is not an id")],
)
def test_a_call_without_activeflow_is_told(reference: str, told: str) -> None:
    shown = run("trace", "--reference", reference)
    assert (shown.exit_code, told in shown.output) == (2, True)


@pytest.mark.parametrize("arguments", [(), ("ID", "--from", __file__), ("ID", "--reference", "ID")])
def test_an_id_or_a_file_is_needed(arguments: tuple[str, ...]) -> None:
    shown = run("trace", *arguments)
    assert (shown.exit_code, "Give the id of an activeflow, --reference ID, or --from FILE." in shown.output) == (
        2,
        True,
    )


def test_a_file_that_is_no_trace_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text("[]")
    shown = run("trace", "--from", str(tmp_path / "odd.json"))
    assert shown.exit_code == 2
    assert "is not a saved trace: save one with: flowmanager trace ID --json" in shown.output


@pytest.mark.parametrize(("text", "said"), [("{", "not JSON"), ("[3]", "actions[0]: Not an action.")])
def test_a_file_that_is_no_flow_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    shown = run("flow", "draw", str(tmp_path / "odd.json"))
    assert shown.exit_code == 2
    assert said in shown.output
