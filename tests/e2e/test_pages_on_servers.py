"""What the documents say about an installation on servers is typed there: with a worker, stubs, and a dead queue."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import pytest
import structlog
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from flowmanager.cli import main
from flowmanager.core.ids import START
from flowmanager.ports import Ask
from flowmanager.transport.link import StandingLink, open_link
from flowmanager.transport.names import Names
from flowmanager.transport.session import Session
from tests.broker_room import eventually
from tests.documents import PAGES, ROOT, blocks, code, spoken
from tests.processes import Client, Installation, Program, act, installed
from tests.services import Services, private_database
from tests.terminals import Terminals, follow

OPERATIONS = ROOT / "docs" / "operations.md"
SHOWN_BROKER, SHOWN_PREFIX = "amqp://guest:guest@127.0.0.1:5672//", "bin-manager"
SHOWN_ID = "<id>"
SQL = re.compile(r"`((?:SELECT|OPTIMIZE) [^`]+)`")
ROW = re.compile(r"^\| `([A-Z]+) (/v1/stub/[a-z]+)` \|\s*(?:`(.*?)`)?\s*\|", re.MULTILINE)
FAULT = re.compile(r"`((?:fail|delay|silent|lost|nonsense|times)[^`]*)`")
FILES = {
    "FLOW.json": "front-desk.json",
    "flows/front-desk.json": "front-desk.json",
    "scripts/front-desk/support.yaml": "support.yaml",
}
"""Files that commands in running text name, and which file of docs/simulate.md each is."""
PARKED = 8
SECONDS = 60.0


def reader(installation: Installation, folder: Path) -> Terminals:
    """Somebody at a terminal of that installation."""
    settings = installation.environment()
    known = {name: settings[name] for name in ("RABBITMQ_ADDRESS", "DATABASE_DSN", "FLOWMANAGER_QUEUE_PREFIX")}
    made = Terminals(folder / "project", folder / "embedded", known)
    made.instead |= {SHOWN_BROKER: installation.url, SHOWN_PREFIX: installation.names.prefix}
    return made


@pytest.fixture
def terminals(installation: Installation, tmp_path: Path) -> Iterator[Terminals]:
    made = reader(installation, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def worker(installation: Installation) -> Program:
    """One worker for all tests."""
    return installation.serve()


@pytest.fixture
def parked(installation: Installation, worker: Program) -> None:
    """Events that nobody can read, in the dead queue."""
    del worker
    with closing(Session(installation.url)) as session:
        channel = session.channel()
        channel.queue_purge(installation.names.dead)
        for number in range(PARKED):
            message = channel.prepare_message(f"rubbish {number}".encode())
            channel.basic_publish(message, "", installation.names.event)
        eventually(lambda: depth(channel, installation.names.dead) == PARKED, seconds=SECONDS)


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """Commands configure the log of their process, which is ours here."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def depth(channel: Any, queue: str) -> int:
    """How many messages wait in a queue."""
    return int(channel.queue_declare(queue, passive=True).message_count)


@pytest.mark.usefixtures("parked")
def test_the_page_about_operations_can_be_followed(terminals: Terminals) -> None:
    """The command about a policy needs the broker's own rights: tests/integration/test_broker_alarm.py has it."""
    used = [
        block for block in follow(OPERATIONS, terminals, without=("rabbitmqctl",)) if block.kind in ("sh", "python")
    ]
    assert len(used) == 4


@pytest.mark.usefixtures("parked", "stubs", "log_as_before")
def test_commands_in_running_text_can_be_typed(
    installation: Installation, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of all pages, one after the other, with files and ids of the names that the text uses."""
    flow = client.flow([act("answer")])
    files_of_the_text(tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = [command for page in PAGES for command in spoken(page) if "serve" not in command]
    assert len(commands) > 10
    for command in commands:
        words = shlex.split(command.partition(" > ")[0].replace(SHOWN_ID, flow["id"]))
        shown = CliRunner().invoke(main, words[1:], env=installation.environment(), input="y\n")
        assert shown.exit_code == 0, f"{command}: {shown.output}"


def files_of_the_text(folder: Path) -> None:
    """A flow under each name that the pages use, and scripts for it: those of the page about scripts."""
    shown = {block.name: block.text for block in blocks(ROOT / "docs" / "simulate.md")}
    for path, name in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(shown[name])


def test_statements_for_the_database_are_understood(installation: Installation) -> None:
    statements = SQL.findall(OPERATIONS.read_text())
    assert len(statements) == 2
    engine = create_engine(installation.dsn)
    with closing(engine.raw_connection()), engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement)).all()
    engine.dispose()


@pytest.fixture
def link(installation: Installation) -> Iterator[StandingLink]:
    """Somebody who asks stub managers."""
    with closing(open_link(installation.url, names=installation.names)) as made:
        yield made


@pytest.mark.usefixtures("stubs")
def test_what_stub_managers_take_is_what_the_tables_say(link: StandingLink) -> None:
    """Every request, and every way to misbehave."""
    shown = OPERATIONS.read_text().partition("\n## Stub managers\n")[2]
    requests, faults = ROW.findall(shown), FAULT.findall(shown)
    assert (len(requests), len(faults)) == (7, 11)
    for method, uri, body in requests:
        given = orjson.loads(body.replace("…", "queue * * delay=1")) if body else None
        link.call(Ask(peer="queue", method=method, uri=uri, body=given))
    for fault in faults:
        rule = f"queue GET /v1/nothing {fault if 'times' not in fault else f'lost {fault}'}"
        link.call(Ask(peer="email", method="POST", uri="/v1/stub/rules", body={"rules": [rule]}))


def test_running_activeflows_are_shown_again_and_again(
    installation: Installation, worker: Program, client: Client
) -> None:
    """On a terminal, as a person sees it: in place, until Ctrl-C, with status 0."""
    del worker
    flow = client.flow([act("talk", text="hello")], name="front desk")
    activeflow_id = client.activeflow(flow)
    client.ask("GET", f"/v1/activeflows/{activeflow_id}/next", {"current_action_id": START})
    child, screen = on_a_terminal(installation, "activeflows", "--watch", "--flow", flow["id"])
    shown = seen(screen, "waiting: caller", times=2)
    os.write(screen, b"\x03")
    _, status = os.waitpid(child, 0)
    os.close(screen)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert "1 activeflow at" in shown
    assert "\x1b[H\x1b[J" in shown


@pytest.mark.usefixtures("log_as_before")
@pytest.mark.parametrize(("queue", "why"), [("there", "no answer within 0.2 s"), ("missing", "does not exist)")])
def test_who_was_asked_in_vain_is_told(installation: Installation, queue: str, why: str) -> None:
    """Without a password."""
    names = Names(f"{installation.names.prefix}-{queue}")
    with closing(Session(installation.url)) as session:
        if queue == "there":
            session.channel().queue_declare(names.request)
        told = CliRunner().invoke(
            main,
            ["rpc", "GET", "/v1/flows", "--seconds", "0.2"],
            env=installation.environment(FLOWMANAGER_QUEUE_PREFIX=names.prefix),
        )
        session.channel().queue_delete(names.request)
    whom = (
        f"does a worker take from {names.request} at {urlsplit(installation.url).hostname}? `flowmanager doctor` says"
    )
    assert told.exit_code == 2
    assert f"{why}: {whom} what to do\n" in told.stderr


def test_a_long_import_shows_how_far_it_is(installation: Installation, tmp_path: Path) -> None:
    """A bar, on a terminal, and at the end what was done."""
    flows = [{"id": str(uuid4()), "customer_id": str(uuid4()), "actions": [act("answer")]} for _ in range(30)]
    (tmp_path / "flows.json").write_bytes(orjson.dumps(flows))
    child, screen = on_a_terminal(installation, "flow", "import", str(tmp_path / "flows.json"))
    shown = seen(screen, "30 flows stored", times=1)
    _, status = os.waitpid(child, 0)
    os.close(screen)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert "storing" in shown
    assert "[####################################]  100%" in shown


def on_a_terminal(installation: Installation, *arguments: str) -> tuple[int, int]:
    """Run a command as a person would; return its process, and the terminal to read from."""
    child, screen = pty.fork()
    if not child:
        try:
            environment = installation.environment(COLUMNS="160", LINES="30")
            os.execve(sys.executable, [sys.executable, "-m", "flowmanager", *arguments], environment)
        finally:
            os._exit(127)  # else the tests would go on in two processes
    return child, screen


def seen(screen: int, wanted: str, *, times: int) -> str:
    """Read a terminal until it has shown a text so often."""
    shown, limit = "", monotonic() + SECONDS
    while shown.count(wanted) < times:
        assert monotonic() < limit, shown
        if select.select([screen], [], [], 1.0)[0]:
            shown += os.read(screen, 65536).decode()
    return shown


def test_the_readme_can_be_followed(services: Services, tmp_path: Path) -> None:
    """From an empty database to an answer, which is the one that it shows; then it ends in order."""
    with (
        private_database(services.database_dsn) as dsn,
        installed(dsn, services.rabbitmq_address) as installation,
    ):
        terminals = Terminals(
            tmp_path / "project", tmp_path / "embedded", {"FLOWMANAGER_QUEUE_PREFIX": installation.names.prefix}
        )
        installation.stack.callback(terminals.close)
        addresses = f"TEST_DATABASE_DSN='{dsn}'\nTEST_RABBITMQ_ADDRESS='{installation.url}'"
        terminals.script("services", f'[ "$1" = up ] || cat <<"END"\n{addresses}\nEND\n')
        assert len([block for block in follow(ROOT / "README.md", terminals) if block.kind == "sh"]) == 2
        request, answer = [orjson.loads(block.text) for block in code(ROOT / "README.md", "json")]
        client = installation.client()
        client.until_answered()
        status, kind, data = client.caller.call(request["method"], request["uri"])
        assert {"status_code": status, "data_type": kind, "data": data} == answer
        [(_, program, _)] = terminals.running
        terminals.close()
        assert program.returncode == 0
