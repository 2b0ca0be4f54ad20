"""The command line in this process: what it says about itself, about wrong arguments and about missing settings."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click import Context
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, inspect

from flowmanager import __version__
from flowmanager.cli import main
from flowmanager.serve import SIGNALS
from flowmanager.transport.responder import Responder

SECRET = "s3cr3t"
COMMANDS = {"serve", "migrate", "dead", "purge", "demo", "rpc", "stub-managers"}
BROKER = "amqp://guest:guest@localhost:1/"
ANSWERING = {"RABBITMQ_ADDRESS": "memory://", "FLOWMANAGER_QUEUE_PREFIX": "test-cli"}


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """Commands configure the log and the signals of their process, which is ours here."""
    log = structlog.get_config()
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    structlog.configure(**log)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def run(*arguments: str, **settings: str) -> Result:
    """Run a command with some settings."""
    return CliRunner().invoke(main, list(arguments), env=settings)


def test_version_is_told() -> None:
    """The name of the program and its version."""
    assert run("--version").output == f"flowmanager, version {__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_the_commands(flag: str) -> None:
    """Every command is listed with what it does."""
    shown = run(flag)
    assert shown.exit_code == 0
    assert all(command in shown.output for command in COMMANDS)


@pytest.mark.parametrize("command", main.list_commands(Context(main)))
def test_every_command_explains_itself(command: str) -> None:
    """The help of each command says what it does in a sentence."""
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert "." in shown.output.partition("\n\n")[2].partition("\n\n")[0]


@pytest.mark.parametrize("group", [(), ("dead",), ("flow",)])
def test_a_list_of_commands_is_cut_nowhere(group: tuple[str, ...]) -> None:
    """On a terminal of 80 columns each has its whole sentence."""
    shown = run(*group, "--help", COLUMNS="80").output.partition("Commands:")[2]
    assert all(line.endswith(".") and not line.endswith("...") for line in shown.strip().splitlines())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("fly",), "No such command 'fly'"),
        (("serve", "--threads", "0"), "0 is not in the range"),
        (("serve", "--threads", "257"), "257 is not in the range"),
        (("serve", "--processes", "65"), "65 is not in the range"),
        (("serve", "--processes", "two"), "'two' is not a valid integer"),
        (("rpc", "GET"), "Missing argument 'URI'"),
        (("rpc", "GET", "/v1/flows", "{"), "DATA is not JSON"),
        (("activeflows", "--older-than", "999999d"), "'999999d' is longer than 100 years."),
        (("purge", "--older-than", "999999999w"), "'999999999w' is longer than 100 years."),
        (("trace", "nobody"), "'nobody' is not an id: `flowmanager activeflows` lists those that run."),
        (("rpc", "GET", "/v1/flows", "@/no/such/file"), "DATA cannot be read"),
        (("rpc", "GET", "/v1/flows", "@/"), "DATA cannot be read"),
        (("stub-managers", "--speed", "0"), "0.0 is not in the range"),
        (("rpc", "GET", "/v1/flows", "--seconds", "soon"), "'soon' is not a valid float"),
    ],
)
def test_wrong_arguments_are_explained(arguments: tuple[str, ...], told: str) -> None:
    """What cannot be understood ends with status 2 and a hint."""
    ended = run(*arguments, RABBITMQ_ADDRESS=BROKER)
    assert ended.exit_code == 2
    assert told in ended.output


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        (("serve",), {}, "RABBITMQ_ADDRESS is not set; an example: amqp://guest:guest@localhost:5672/"),
        (("serve",), {"RABBITMQ_ADDRESS": BROKER}, "DATABASE_DSN is not set; an example: mysql://"),
        (("serve",), {"FLOWMANAGER_THREADS": "-3"}, "FLOWMANAGER_THREADS must be a whole number above 0"),
        (("serve",), {"FLOWMANAGER_QUORUM_QUEUES": "maybe"}, "FLOWMANAGER_QUORUM_QUEUES must be true or false"),
        (("migrate",), {}, "DATABASE_DSN is not set"),
        (("migrate",), {"DATABASE_DSN": f"oracle://u:{SECRET}@h/d"}, "the address of the database is not valid"),
        (("migrate",), {"DATABASE_DSN": "sqlite:////no/such/folder/file"}, "The database cannot be reached: unable to"),
        (
            ("dead", "list"),
            {"RABBITMQ_ADDRESS": BROKER},
            "The connection to the message broker broke: ConnectionRefusedError(111, 'Connection refused'); "
            "`flowmanager doctor` says what to do",
        ),
        (("stub-managers",), {}, "RABBITMQ_ADDRESS is not set"),
        (("stub-managers", "--rule", "call"), {"RABBITMQ_ADDRESS": BROKER}, "a rule is: manager method uri fault"),
        (
            ("rpc", "GET", "/v1/flows"),
            {"RABBITMQ_ADDRESS": f"kafka://u:{SECRET}@h"},
            "the broker's URL must begin with amqp",
        ),
        (
            ("rpc", "GET", "/v1/flows", "--seconds", "0.3"),
            {"RABBITMQ_ADDRESS": BROKER},
            "The connection to the message broker broke. (why=ConnectionRefusedError",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: tuple[str, ...], settings: dict[str, str], told: str) -> None:
    """A known failure is told without a traceback and without a password, with status 2."""
    ended = run(*arguments, **settings)
    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"flowmanager: {told}")
    assert len(ended.stderr.splitlines()) == 1
    assert SECRET not in ended.output


def test_migrate_makes_the_tables_and_may_be_repeated(tmp_path: Path) -> None:
    """The tables are there afterwards, whether it is run once or twice; what is to be done is told before."""
    dsn = f"sqlite:///{tmp_path}/flow.sqlite"
    first, second = run("migrate", DATABASE_DSN=dsn), run("migrate", DATABASE_DSN=dsn)
    assert first.stdout == second.output == "the tables are current\n"
    assert " migrations to do, minutes on large tables: 0001, 0002_from_0001, " in first.stderr
    engine = create_engine(dsn)
    assert {"flows", "activeflows", "executed_actions", "outbox"} <= set(inspect(engine).get_table_names())
    engine.dispose()


@pytest.mark.parametrize("arguments", [("migrate",), ("serve",), ("serve", "--processes", "2")])
def test_tables_that_are_too_new_are_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A version whose tables do not allow this one ends it with one sentence, and what to do."""
    dsn = f"sqlite:///{tmp_path}/flow.sqlite"
    run("migrate", DATABASE_DSN=dsn)
    engine = create_engine(dsn)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9000_from_8999'")
    engine.dispose()
    ended = run(*arguments, DATABASE_DSN=dsn, RABBITMQ_ADDRESS=BROKER)
    assert (ended.exit_code, ended.stderr) == (
        2,
        "flowmanager: the database's tables are of a newer version, on which this program cannot work:"
        " install the newer program\n",
    )


@pytest.fixture
def answering() -> Iterator[Responder]:
    """Somebody who answers each request with itself, in the memory of this process."""
    names = "test-cli.flow-manager.request"
    responder = Responder("memory://", (names,), answer_with_itself)
    assert responder.start()
    yield responder
    responder.stop()


def answer_with_itself(_queue: str, request: dict[str, object]) -> dict[str, object]:
    """Refuse deletions, accept everything else."""
    return {"status_code": 404 if request["method"] == "DELETE" else 200, "data": request}


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize(("method", "status"), [("post", 200), ("DELETE", 404)])
def test_rpc_shows_the_answer(tmp_path: Path, method: str, status: int) -> None:
    """The data go to the output, the status beside it; an error status is the command's failure."""
    body = tmp_path / "body.json"
    body.write_text('{"b": 1, "a": [2]}')
    ended = run("rpc", method, "/v1/flows", f"@{body}", "--request-id", "r-1", **ANSWERING)
    assert ended.stderr == f"{status}\n"
    assert ended.exit_code == (0 if status == 200 else 1)
    assert ended.stdout.startswith('{\n  "data": {\n    "a": [\n      2\n    ],\n    "b": 1\n  },\n')
    assert '"publisher": "cli"' in ended.stdout
    assert '"request_id": "r-1"' in ended.stdout
    assert f'"method": "{method.upper()}"' in ended.stdout


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize(("field", "told"), [("method", "GET\n"), ("data", '{"a":[1]}\n')])
def test_rpc_shows_one_field_alone(field: str, told: str) -> None:
    """As a shell needs it: a text without quotes, everything else as JSON on one line."""
    ended = run("rpc", "GET", "/v1/flows", '{"a": [1]}', "--only", field, **ANSWERING)
    assert (ended.exit_code, ended.stdout) == (0, told)


@pytest.mark.usefixtures("answering")
def test_rpc_says_that_a_field_is_missing() -> None:
    """And a refusal is shown whole, whatever was wanted of the answer."""
    ended = run("rpc", "GET", "/v1/flows", "--only", "colour", **ANSWERING)
    assert (ended.exit_code, "--only colour: the answer has no such field" in ended.stderr) == (2, True)
    refused = run("rpc", "DELETE", "/v1/flows", "--only", "colour", **ANSWERING)
    assert (refused.exit_code, '"method": "DELETE"' in refused.stdout) == (1, True)


@pytest.fixture
def other_manager() -> Iterator[Responder]:
    """Another manager, in the memory of this process; it has no calls."""

    def answer(_queue: str, request: dict[str, object]) -> dict[str, object]:
        return {"status_code": 404 if request["uri"] == "/v1/calls" else 200, "data": request}

    responder = Responder("memory://", ("test-cli.call-manager.request",), answer)
    assert responder.start()
    yield responder
    responder.stop()


@pytest.mark.usefixtures("other_manager")
def test_rpc_asks_another_manager() -> None:
    """On its queue; its refusal is one sentence."""
    sent = run("rpc", "post", "/v1/stub/digits", '{"digits": "1"}', "--to", "call", "--request-id", "r-2", **ANSWERING)
    assert (sent.exit_code, sent.stderr) == (0, "200\n")
    asked = json.loads(sent.stdout)
    assert (asked["method"], asked["data"], asked["request_id"]) == ("POST", {"digits": "1"}, "r-2")
    refused = run("rpc", "GET", "/v1/calls", "--to", "call", **ANSWERING)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("flowmanager: ")
    assert "404" in refused.stderr


def test_rpc_says_that_another_manager_does_not_answer() -> None:
    """Nobody plays queue-manager here."""
    ended = run("rpc", "GET", "/v1/queues", "--to", "queue", "--seconds", "0.1", **ANSWERING)
    assert ended.exit_code == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "queue" in ended.stderr
