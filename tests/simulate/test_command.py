"""`flowmanager simulate` on files: what a person sees, and the exit status."""

from __future__ import annotations

import re
from pathlib import Path
from time import monotonic

import orjson
import pytest
from click.testing import CliRunner

from flowmanager.cli import main
from tests.simulate.front_desk import AFTER_ID, FRONT_DESK, play, run, write

SUPPORT = f"""
about: Dana wants support
start: 2026-03-02 09:30 Europe/Brussels
variables:
  customer.name: Dana
flows:
  {AFTER_ID}: after.json
steps:
  - hears: Welcome Dana
  - press: 2
agent: answers after 20s
calls:
  "+3225550199": busy
expect:
  ended: reference_ended
  variables:
    menu.choice: 2
  visited: [support, queue_join]
  not_visited: hours
  said: I connect you
  requests:
    - queue-manager POST /v1/services/type/queuecall
    - email POST /v1/emails
"""


def lines(output: str) -> list[str]:
    """The timeline without times and columns."""
    return [re.sub(r"\s+", " ", line[11:]).strip() for line in output.splitlines()]


def test_a_call_is_told_from_beginning_to_end(tmp_path: Path) -> None:
    """What was said, pressed, decided, asked and set, in order, with the time of each."""
    shown = play(tmp_path, SUPPORT)
    assert shown.exit_code == 0, shown.output
    told = lines(shown.output)
    wanted = [
        "· +3225550101 calls +3225550100 (Monday 02 March 2026, 09:30 Europe/Brussels)",
        "menu talk “Welcome Dana. Press 1 for hours, 2 for support.”",
        "digits_receive[2] digits_receive waits for 1 key, at most 5s",
        "caller presses 2",
        "variable_set[3] variable_set menu.choice = '2'",
        "branch[4] branch voipbin.call.digits is '2' → support",
        "support talk “I connect you with support.”",
        "peer sends the flow elsewhere, at once",
        "(confbridge_join) in the bridge ",
        "connect[9] connect calls +3225550199 1 action is put in",
        "end ended: reference_ended at bye",
        "after-call work:email_send[1] email_send “Thank you for calling, Dana” to dana@example.com",
        "after: end ended: finished",
    ]
    places = [next((n for n, line in enumerate(told) if line.startswith(one)), -1) for one in wanted]
    assert -1 not in places, (wanted[places.index(-1)], shown.output)
    assert places == sorted(places)


def test_an_hour_takes_no_time(tmp_path: Path) -> None:
    """The clock jumps over every wait."""
    flow = [{"type": "sleep", "option": {"duration": 3_600_000}}]
    began = monotonic()
    shown = play(tmp_path, "expect: {ended: finished, lasts: 1h}", flow)
    assert shown.exit_code == 0, shown.output
    assert "ended: finished, after 1h" in shown.output
    assert monotonic() - began < 60


def test_without_a_script_the_caller_only_listens(tmp_path: Path) -> None:
    """Nobody presses a key: the menu comes again until the flow has been resumed too often."""
    shown = run(write(tmp_path, "flow.json", FRONT_DESK))
    assert shown.exit_code == 0, shown.output
    assert "limit_executions" in shown.output.splitlines()[-1]


def test_a_failed_expectation_is_told_with_both_sides(tmp_path: Path) -> None:
    """Exit status 1, and what was found instead."""
    shown = play(tmp_path, 'steps: [{press: "1"}]\nexpect: {ended: finished, variables: {menu.choice: "2"}}')
    assert shown.exit_code == 1
    assert "expect.ended\n  - expected finished\n  + found    reference_ended" in shown.output
    assert "expect.variables.menu.choice\n  - expected '2'\n  + found    '1'" in shown.output


@pytest.mark.parametrize(
    ("expectation", "wanted", "found"),
    [
        ("visited: support", "support", "answer[0] → menu"),
        ("not_visited: hours", "not hours", "→ hours → bye"),
        ("said: Goodbye", "'Goodbye'", "Welcome"),
        ("not_said: nine to five", "not 'nine to five'", "We are here"),
        ("requests: email POST /v1/emails", "email POST /v1/emails", "call POST"),
        ("no_requests: call POST /v1/calls/<id>/actions", "not call POST", "call POST"),
        ("lasts: 2s", "at most 2s", "s"),
    ],
)
def test_each_expectation_can_fail(tmp_path: Path, expectation: str, wanted: str, found: str) -> None:
    """What was wanted and what was found stand one above the other."""
    shown = play(tmp_path, f'steps: [{{press: "1"}}]\nexpect: {{{expectation}}}')
    assert shown.exit_code == 1
    assert f"- expected {wanted}" in shown.output
    assert found in shown.output.partition("+ found")[2]


def test_a_step_that_never_comes_fails(tmp_path: Path) -> None:
    """A script that does not fit the flow is not a success."""
    shown = play(tmp_path, "steps: [{press: 1}, {hears: Goodbye}, {press: 2}]")
    assert shown.exit_code == 1
    assert "steps[1].hears: never heard 'Goodbye' (and 1 more steps)" in shown.output


def test_a_flow_comes_from_the_standard_input() -> None:
    """As other programs write it."""
    shown = CliRunner().invoke(main, ["simulate", "-"], input='[{"type": "beep"}]')
    assert shown.exit_code == 0, shown.output
    assert "ended: finished" in shown.output
    assert "-, line 1: not JSON" in CliRunner().invoke(main, ["simulate", "-"], input="{").output


def test_a_flow_that_is_refused_is_named(tmp_path: Path) -> None:
    """With what is wrong first, and who tells the rest."""
    path = write(tmp_path, "flow.json", [{"type": "dance"}])
    for more in ([], ["--explore"]):
        shown = run(path, *more)
        assert shown.exit_code == 2
        assert (
            f"{path}: actions[0].type: not supported action type: dance; flowmanager lint {path} tells" in shown.output
        )


def test_many_scripts_are_a_line_each(tmp_path: Path) -> None:
    """A folder of scripts is a test of a flow: what failed is told, the rest is short."""
    flow, scripts = write(tmp_path, "flow.json", FRONT_DESK), tmp_path / "scripts"
    scripts.mkdir()
    write(scripts, "hours.yaml", "steps: [{press: 1}]\nexpect: {visited: hours}")
    write(scripts, "wrong.yml", "steps: [{press: 1}]\nexpect: {visited: support}")
    write(scripts, "notes.txt", "nothing")
    shown = run(flow, "--script", str(scripts), "--script", str(scripts / "hours.yaml"))
    assert shown.exit_code == 1
    first, second, *rest = shown.output.splitlines()
    assert first.startswith(f"ok    {scripts}/hours.yaml  ended: reference_ended at bye, after ")
    assert second.startswith(f"FAIL  {scripts}/wrong.yml   ended: reference_ended at bye, after ")
    assert rest[0] == "      expect.visited"
    assert rest[-1] == "1 of 2 scripts as expected"
    told = orjson.loads(run(flow, "--script", str(scripts), "--json").output)
    assert told["ok"] is False
    assert [one["ok"] for one in told["scripts"].values()] == [True, False]
    (scripts / "wrong.yml").unlink()
    write(scripts, "again.yaml", "expect: {ended: limit_executions}")
    assert run(flow, "--script", str(scripts)).exit_code == 0


def test_scripts_that_make_no_sense_together(tmp_path: Path) -> None:
    """They are refused with the reason."""
    flow, script = write(tmp_path, "flow.json", FRONT_DESK), write(tmp_path, "a.yaml", "")
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments, why in (
        (["--script", str(empty)], "no file *.yaml or *.yml in this folder"),
        (["--explore", "--script", script, "--script", write(tmp_path, "b.yaml", "")], "--explore takes one script"),
        (["--strict"], "--strict needs --explore"),
    ):
        shown = run(flow, *arguments)
        assert shown.exit_code == 2
        assert why in shown.output


def test_a_flow_that_the_script_brings_is_named_by_itself(tmp_path: Path) -> None:
    """The one under test has no mistake."""
    write(tmp_path, "after.json", [{"type": "dance"}])
    script = write(tmp_path, "a.yaml", f"flows: {{{AFTER_ID}: after.json}}")
    shown = run(write(tmp_path, "flow.json", FRONT_DESK), "--script", script)
    assert shown.exit_code == 2
    assert "a0000000: actions[0].type: not supported action type: dance" in shown.output
    assert "lint" not in shown.output


def test_everything_shows_variables_of_the_platform(tmp_path: Path) -> None:
    """They fill the screen, so they are left out else."""
    flow = write(tmp_path, "flow.json", [{"type": "beep"}])
    assert "voipbin.call.direction = 'incoming'" in run(flow, "--everything").output
    assert "voipbin.call.direction" not in run(flow).output


def test_everything_as_json(tmp_path: Path) -> None:
    """For programs: the same facts."""
    flow = write(tmp_path, "flow.json", FRONT_DESK)
    script = write(tmp_path, "caller.yaml", "steps: [{press: 1}]")
    told = orjson.loads(run(flow, "--script", script, "--json").output)
    assert told["ended"] == "reference_ended"
    assert told["variables"]["menu.choice"] == "1"
    assert [one["action"] for one in told["history"]][-2:] == ["hours", "bye"]
    assert told["history"][4] | {"began": 0, "ended": 0} == {
        "flow": "",
        "action": "branch[4]",
        "type": "branch",
        "result": "done",
        "cause": "dtmf_received",
        "edge": "1",
        "began": 0,
        "ended": 0,
    }
    assert {"at", "kind", "what"} <= told["timeline"][0].keys()
    assert told["requests"][0]["uri"].endswith("/actions")


def test_a_flow_that_is_no_json(tmp_path: Path) -> None:
    """File and line."""
    shown = run(write(tmp_path, "flow.json", '{"actions": [\n  oops\n]}'))
    assert shown.exit_code == 2
    assert "flow.json, line 2: not JSON" in shown.output


def test_a_flow_that_cannot_be_stored(tmp_path: Path) -> None:
    """The path of what is wrong, as when it is stored."""
    shown = run(write(tmp_path, "flow.json", [{"type": "goto", "option": {"target_id": "nowhere"}}]))
    assert shown.exit_code == 2
    assert "actions[0].option.target_id: no action has this id" in shown.output


def test_a_script_that_cannot_be_read(tmp_path: Path) -> None:
    """File, line, path, and what was probably meant."""
    shown = play(tmp_path, "steps:\n  - pres: 1\n")
    assert shown.exit_code == 2
    assert "caller.yaml, line 2, steps[0].pres: unknown: did you mean 'press'?" in shown.output


def test_an_action_that_the_flow_does_not_have(tmp_path: Path) -> None:
    """A misspelled name would never be reached."""
    shown = play(tmp_path, "steps:\n  - hangup: at menue\n")
    assert shown.exit_code == 2
    assert "the flow has no action 'menue'; it has: answer[0], menu," in shown.output


def test_coverage_of_one_simulation_is_refused(tmp_path: Path) -> None:
    """Instead of being left out without a word."""
    shown = run(write(tmp_path, "flow.json", FRONT_DESK), "--min-coverage", "90")
    assert shown.exit_code == 2
    assert "--min-coverage needs --explore" in shown.output


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\xff\xfe", "not a text in UTF-8"), (b"&a [*a]", "a part that contains itself"), (b"\0", "not YAML")],
)
def test_files_that_are_no_scripts(tmp_path: Path, content: bytes, why: str) -> None:
    """One sentence, whatever it is."""
    path = tmp_path / "caller.yaml"
    path.write_bytes(content)
    shown = run(write(tmp_path, "flow.json", FRONT_DESK), "--script", str(path))
    assert shown.exit_code == 2
    assert why in shown.output


def test_a_file_that_is_no_flow(tmp_path: Path) -> None:
    """The file is named."""
    shown = run(write(tmp_path, "flow.json", {"name": "no actions"}))
    assert shown.exit_code == 2
    assert "flow.json: not a flow: an object with `actions`, or a list of actions" in shown.output


def test_everything_is_shown_on_demand(tmp_path: Path) -> None:
    """Also the requests that only carry out an action."""
    flow = write(tmp_path, "flow.json", [{"type": "beep"}])
    assert "/actions" not in run(flow).output
    assert "call POST /v1/calls/" in run(flow, "--everything").output
