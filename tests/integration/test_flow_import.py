"""`flowmanager flow import`: flows of another installation keep their ids, and what is refused is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
import structlog
from click.testing import CliRunner, Result

from flowmanager.checker import ActionChecker
from flowmanager.cli import main
from flowmanager.core.ids import Id
from flowmanager.executors import public_executors
from flowmanager.ports import Transaction
from flowmanager.random_ids import RandomIds
from flowmanager.store.sql_store import SqlStore
from flowmanager.taken_over_flows import read_flow, store_flow
from tests.desk import Desk, new_id, talk

T = TypeVar("T")
MADE = "2024-05-04T07:08:09.1Z"


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Commands configure the log of their process, which is ours here."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def flow(**given: Any) -> dict[str, Any]:
    """A flow as the other installation shows it."""
    known = {"id": new_id(), "customer_id": new_id(), "name": "front desk", "type": "flow", "tm_create": MADE}
    actions = [{"id": new_id(), "next_id": new_id(), **talk("hello")}]
    return {**known, "direct_id": new_id(), "direct_hash": "0a1b2c", "actions": actions, "tm_delete": None, **given}


def taken(desk: Desk, path: Path, document: Any, *arguments: str) -> Result:
    """Run the command on the desk's database, with a file that holds that."""
    url = desk.engines.transactions.url.render_as_string(hide_password=False)
    path.write_bytes(orjson.dumps(document))
    return CliRunner().invoke(main, ["flow", "import", str(path), *arguments], env={"DATABASE_DSN": url})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flows.json"


def test_flows_keep_their_ids_times_and_hashes(desk: Desk, path: Path) -> None:
    """They can be shown, listed and run as others."""
    one, other = flow(), flow(tm_create=None, on_complete_flow_id=new_id())
    done = taken(desk, path, [one, other])
    assert (done.exit_code, done.stdout) == (0, "2 flows stored\n")
    shown = desk.get(f"/v1/flows/{one['id']}").data
    [told], [action] = one.pop("actions"), shown.pop("actions")
    assert {key: shown[key] for key in one} == one
    assert (shown["persist"], action["id"], action["next_id"]) == (True, told["id"], told["next_id"])
    second = desk.get(f"/v1/flows/{other['id']}").data
    assert second["tm_create"]
    assert second["on_complete_flow_id"] == other["on_complete_flow_id"]
    assert [one["id"] for one in desk.get("/v1/flows", {"customer_id": one["customer_id"]}).data] == [one["id"]]


def test_what_is_there_stays_as_it_is(desk: Desk, path: Path) -> None:
    """So the command may be run again."""
    one = flow()
    taken(desk, path, one)
    again = taken(desk, path, [{**one, "name": "another"}, flow()])
    assert (again.exit_code, again.stdout) == (0, "1 flow stored, 1 were there already\n")
    assert desk.get(f"/v1/flows/{one['id']}").data["name"] == "front desk"


REFUSED: list[tuple[Any, str]] = [
    (5, "not a flow: an object with id, customer_id and actions"),
    (flow(id="x"), "id: Not a uuid."),
    (flow(id=None), "id: missing; POST /v1/flows stores what has none"),
    (flow(tm_create="soon"), "tm_create: Not a time such as"),
    (flow(actions=[{"type": "fly"}]), "actions[0].type: not supported action type"),
    (flow(actions=[talk("a"), {"type": "talk", "option": {"text": 5}}]), "actions[1].option.text: Not a text."),
    (flow(actions=[talk("a")] * 10_001), "actions: too many"),
]


@pytest.mark.parametrize(("bad", "told"), REFUSED, ids=[told.partition(":")[0] for _, told in REFUSED])
def test_what_is_refused_is_told_and_nothing_is_stored(mysql_desk: Desk, path: Path, bad: Any, told: str) -> None:
    """Unless the others are wanted."""
    good = flow()
    first = taken(mysql_desk, path, [good, bad])
    assert first.exit_code == 1
    assert first.stdout == "nothing was stored: 1 of 2 flows refused; see --skip-refused\n"
    [line] = first.stderr.splitlines()
    assert line.startswith(f"{path}: flow 2")
    assert told in line
    assert mysql_desk.get(f"/v1/flows/{good['id']}").status == 404
    assert taken(mysql_desk, path, [good, bad], "--dry-run").stdout == "1 flow could be stored, 1 refused\n"
    assert mysql_desk.get(f"/v1/flows/{good['id']}").status == 404
    second = taken(mysql_desk, path, [good, bad], "--skip-refused")
    assert (second.exit_code, second.stdout) == (1, "1 flow stored\n")
    assert mysql_desk.get(f"/v1/flows/{good['id']}").status == 200


def test_deleted_flows_are_left_out(desk: Desk, path: Path) -> None:
    gone = flow(tm_delete=MADE)
    assert taken(desk, path, [gone]).stdout == "0 flows stored\n"
    assert desk.get(f"/v1/flows/{gone['id']}").status == 404


def test_a_file_that_is_not_json_is_told(desk: Desk, path: Path) -> None:
    """With its line."""
    url = desk.engines.transactions.url.render_as_string(hide_password=False)
    path.write_text("[\n{")
    done = CliRunner().invoke(main, ["flow", "import", str(path)], env={"DATABASE_DSN": url})
    assert (done.exit_code, f"{path}, line 2: not JSON" in done.stderr) == (2, True)


class Late(SqlStore):
    """A store on which somebody else is faster."""

    def run(self, work: Callable[[Transaction], T], *, on: Id | None = None) -> T:
        """Let the other one commit the same before this one does."""

        def overtaken(transaction: Transaction) -> T:
            result = work(transaction)
            SqlStore(self._engines).run(work)
            return result

        return super().run(overtaken, on=on)


def test_two_imports_at_once_store_a_flow_once(mysql_desk: Desk) -> None:
    """The slower one finds it there."""
    made = read_flow(flow(), "x", ActionChecker(public_executors(), RandomIds(), 100)).flow
    assert made is not None
    assert store_flow(Late(mysql_desk.engines), made) is False
    assert mysql_desk.get(f"/v1/flows/{made.id}").status == 200
