"""Ended activeflows are deleted after a while, by workers that are told to and by a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from flowmanager.cli import main
from flowmanager.sweeper import Seconds, pulse
from tests.desk import Desk, Run, act, new_id

DAY = 86_400.0
TOLD = {"FLOWMANAGER_RETENTION_SECONDS": "86400"}


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Commands configure the log of their process, which is ours here."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def finished(desk: Desk) -> Run:
    """An activeflow that has run to its end."""
    run = desk.start(act("variable_set", key="a", value="1"), act("stop"))
    run.execute()
    return run


def sweep(desk: Desk, retention: float) -> None:
    """What the sweeper does about it."""
    desk.sweeper.purge(desk.store, retention)


def purge(desk: Desk, *arguments: str, **settings: str) -> Result:
    """Run the command on the desk's database."""
    url = desk.engines.transactions.url.render_as_string(hide_password=False)
    return CliRunner().invoke(main, ["purge", *arguments], env={"DATABASE_DSN": url, **settings})


def test_the_sweeper_deletes_what_ended_long_ago(desk: Desk) -> None:
    """Afterwards it is not known any more, to nobody."""
    old = finished(desk)
    desk.later(DAY + 1)
    young = finished(desk)
    sweep(desk, DAY)
    assert desk.get(f"/v1/activeflows/{old.id}").status == 404
    assert desk.get(f"/v1/activeflows/{young.id}").status == 200
    assert [one["id"] for one in desk.get("/v1/activeflows?page_size=10").data] == [young.id]


def test_without_a_retention_nothing_is_deleted(desk: Desk) -> None:
    """Records are kept for ever unless somebody decides otherwise."""
    old = finished(desk)
    desk.later(DAY * 1000)
    sweep(desk, desk.settings.retention_seconds)
    assert desk.get(f"/v1/activeflows/{old.id}").status == 200


def test_the_duty_of_the_sweeper_has_the_setting(desk: Desk) -> None:
    """What is set reaches the act."""
    old = finished(desk)
    desk.later(DAY + 1)
    seconds = Seconds(heartbeat=1, timer=1, outbox=1, purge=1, retention=DAY)
    for duty in pulse(seconds)(desk.sweeper, desk.recovery):
        duty.act()
    assert desk.get(f"/v1/activeflows/{old.id}").status == 404


def test_requests_about_what_was_purged_find_nothing(desk: Desk) -> None:
    """The id is as good as unknown, and may be given again."""
    run = finished(desk)
    desk.later(DAY + 1)
    sweep(desk, DAY)
    body = {"action_id": new_id(), "current_action_id": new_id()}
    for method, uri in (("GET", "next"), ("POST", "execute"), ("POST", "stop"), ("POST", "continue")):
        assert desk.request(method, f"/v1/activeflows/{run.id}/{uri}", body).status == 404, uri
    assert desk.delete(f"/v1/activeflows/{run.id}").status == 404
    assert desk.create(desk.flow(act("stop")), id=run.id).status == 200


def test_a_kept_answer_outlives_its_record(desk: Desk) -> None:
    """With a retention shorter than answers are kept, a repeat still gets the first answer."""
    run = finished(desk)
    first = desk.post(f"/v1/activeflows/{run.id}/stop", request_id="r-2")
    sweep(desk, 0.000001)
    assert desk.get(f"/v1/activeflows/{run.id}").status == 404
    assert desk.post(f"/v1/activeflows/{run.id}/stop", request_id="r-2") == first


def test_the_command_says_what_it_would_delete_and_then_deletes(desk: Desk) -> None:
    """With `--dry-run` nothing is changed."""
    old = finished(desk)
    desk.later(DAY * 31)
    would = purge(desk, "--older-than", "30d", "--dry-run")
    assert would.stdout.startswith("would delete 1 ended activeflow with 2 actions of history")
    assert desk.get(f"/v1/activeflows/{old.id}").status == 200
    done = purge(desk, "--older-than", "30d", "--batch", "1")
    assert done.exit_code == 0, done.output
    assert re.match("deleted 1 ended activeflow with 2 actions of history, and [0-9]+ expired", done.stdout)
    assert desk.get(f"/v1/activeflows/{old.id}").status == 404
    assert purge(desk, "--older-than", "30d").stdout.startswith("deleted 0 ended activeflows")


def test_the_command_takes_the_age_of_the_setting(desk: Desk) -> None:
    """Without an age of its own it does what workers do."""
    finished(desk)
    desk.later(DAY + 1)
    assert purge(desk, **TOLD).stdout.startswith("deleted 1 ended activeflow ")


def test_without_any_age_the_command_leaves_ended_ones_alone(desk: Desk) -> None:
    """It says what would be needed; what has expired goes nevertheless."""
    kept = finished(desk)
    desk.later(DAY * 1000)
    told = purge(desk)
    assert told.exit_code == 0
    assert "give --older-than" in told.stderr
    assert told.stdout.startswith("deleted 0 ended activeflows")
    assert desk.get(f"/v1/activeflows/{kept.id}").status == 200


@pytest.mark.parametrize("age", ["30", "d", "0d", "-3d", "1.5h", "thirty days"])
def test_an_age_that_is_none_is_explained(age: str) -> None:
    """A typing error must not delete the wrong things."""
    told = CliRunner().invoke(main, ["purge", f"--older-than={age}"], env={"DATABASE_DSN": "sqlite:///x"})
    assert told.exit_code == 2
    assert "is not a time such as 90d" in told.stderr


def test_without_tables_the_command_says_what_to_do(tmp_path: Path) -> None:
    """In one sentence."""
    told = CliRunner().invoke(main, ["purge"], env={"DATABASE_DSN": f"sqlite:///{tmp_path}/{new_id()}"})
    assert (told.exit_code, told.stderr.count("\n")) == (2, 1)
    assert "run `flowmanager migrate` first" in told.stderr
