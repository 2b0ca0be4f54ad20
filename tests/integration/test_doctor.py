"""The doctor on real servers: well ones, wrong ones, and some that are out of reach. It changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import create_engine, make_url, text

from flowmanager.check import Finding
from flowmanager.examination import all_checks, examine
from flowmanager.patient import Patient
from flowmanager.settings import read_settings
from flowmanager.transport.names import Names
from flowmanager.transport.session import Session
from flowmanager.transport.topology import Topology
from tests.certificates import new_authority
from tests.own_servers import Own
from tests.processes import Installation, free_port, migrated
from tests.proxy import Proxy, proxy_to
from tests.services import Services, private_database

SECONDS = 20.0
"""Longer than any check that does not hang takes on a busy machine."""
SECRET = "s3cr3t"


@pytest.fixture(scope="module")
def installation(services: Services) -> Iterator[Installation]:
    """Tables and queues; no worker."""
    with migrated(services) as made:
        with closing(Session(made.url)) as session:
            Topology(names=made.names).declare(session)
        yield made


def findings(
    environment: dict[str, str], *names: str, seconds: float = SECONDS, processes: int = 1
) -> dict[str, list[Finding]]:
    """What each check finds, or those of these names and what they need."""
    checks = [one for one in all_checks() if not names or one.name in names]
    settings = {key: value for key, value in environment.items() if key not in os.environ}
    patient = Patient(settings=read_settings(environment), environment=settings, processes=processes)
    return {one.name: list(one.findings) for one in examine(patient, checks, seconds=seconds)}


def levels(found: dict[str, list[Finding]]) -> dict[str, set[str]]:
    """How bad it is, by check."""
    return {name: {finding.level.value for finding in given} for name, given in found.items()}


def contents(installation: Installation) -> list[Any]:
    """Everything in the database, and which queues there are with how many messages."""
    engine = create_engine(installation.dsn)
    with engine.connect() as connection:
        tables = [row[0] for row in connection.execute(text("SHOW TABLES"))]
        rows = [connection.execute(text(f"CHECKSUM TABLE {table}")).one()[1] for table in tables if table != "workers"]
    engine.dispose()
    names = installation.names
    with closing(Session(installation.url)) as session:
        channel = session.channel()
        sizes = [channel.queue_declare(queue, passive=True)[1] for queue in names.own]
    return [tables, rows, sizes]


def test_a_well_installation_is_well(installation: Installation) -> None:
    """With a worker that serves nothing is found; status 0; nothing is changed; JSON says the same."""
    program = installation.serve(threads=1)
    before = contents(installation)
    found = installation.run("doctor", "--seconds", "30")
    shown = installation.run("doctor", "--json", "--seconds", "30")
    assert (found.process.returncode, shown.process.returncode) == (0, 0), found.out
    document = orjson.loads(shown.out)
    assert document["healthy"]
    assert document["counts"] == {"ok": len(all_checks())}
    assert {one["name"] for one in document["checks"]} == {one.name for one in all_checks()}
    assert all(one["found"] in found.out for one in document["checks"] if one["name"] not in ("clock", "database-room"))
    assert contents(installation) == before
    assert program.stop() == 0


def test_before_the_first_start_it_says_what_to_do(services: Services, installation: Installation) -> None:
    """No tables is a failure, no queues a hint. Neither is made."""
    names = Names(f"{installation.names.prefix}-none")
    with private_database(services.database_dsn) as dsn:
        environment = installation.environment(DATABASE_DSN=dsn, FLOWMANAGER_QUEUE_PREFIX=names.prefix)
        found = findings(environment)
        assert found["migrations"][0].advice.startswith("run `flowmanager migrate`")
        assert found["broker-queues"][0].advice == "nothing was ever served here: start `flowmanager serve`"
        assert levels(found)["workers"] == {"skip"}
        assert findings(environment)["broker-queues"] == found["broker-queues"]
        assert findings(environment, "database", "migrations")["migrations"] == found["migrations"]


ADDRESSES = {
    "wrong password": ("broker", {"RABBITMQ_ADDRESS": "amqp://guest:{secret}@{broker}//"}, "user or password"),
    "no such virtual host": ("broker", {"RABBITMQ_ADDRESS": "amqp://{login}@{broker}/nowhere"}, "virtual host"),
    "no such host": ("broker", {"RABBITMQ_ADDRESS": "amqp://u:{secret}@nowhere.invalid//"}, "not known here"),
    "nobody there": ("broker", {"RABBITMQ_ADDRESS": "amqp://u:{secret}@127.0.0.1:{free}//"}, "nobody listens"),
    "no TLS there": ("broker", {"RABBITMQ_ADDRESS": "amqps://u:{secret}@{broker}//"}, ""),
    "wrong database password": ("database", {"DATABASE_DSN": "mysql://flowmanager:{secret}@{database}/x"}, "password"),
    "no such database": ("database", {"DATABASE_DSN": "mysql://{entry}@{database}/nowhere"}, "CREATE DATABASE"),
    "no database there": ("database", {"DATABASE_DSN": "mysql://u:{secret}@127.0.0.1:{free}/x"}, "nobody answers"),
    "no such database host": ("database", {"DATABASE_DSN": "mysql://u:{secret}@nowhere.invalid/x"}, "nobody answers"),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_wrong_addresses_are_explained(installation: Installation, name: str) -> None:
    """What is wrong with each, in words of its own; never the password."""
    check, given, told = ADDRESSES[name]
    broker, database = urlsplit(installation.url), make_url(installation.dsn)
    values = {
        "secret": SECRET,
        "free": str(free_port()),
        "broker": f"{broker.hostname}:{broker.port}",
        "login": f"{broker.username}:{broker.password}",
        "database": f"{database.host}:{database.port}",
        "entry": f"{database.username}:{database.password}",
    }
    environment = installation.environment(**{key: text.format(**values) for key, text in given.items()})
    (found,) = findings(environment, check)[check]
    assert found.level == "fail"
    assert told in found.advice
    assert SECRET not in found.found + found.advice


@pytest.fixture
def broker_proxy(installation: Installation) -> Iterator[Proxy]:
    """A way to the broker that can be cut."""
    parts = urlsplit(installation.url)
    with proxy_to(str(parts.hostname), int(parts.port or 5672)) as proxy:
        yield proxy


@pytest.fixture
def database_proxy(installation: Installation) -> Iterator[Proxy]:
    """A way to the database that can be cut."""
    url = make_url(installation.dsn)
    with proxy_to(str(url.host), int(url.port or 3306)) as proxy:
        yield proxy


def through(
    installation: Installation, *, broker: Proxy | None = None, database: Proxy | None = None
) -> dict[str, str]:
    """The environment with the servers behind their proxies."""
    address, url = urlsplit(installation.url), make_url(installation.dsn)
    changed = {}
    if broker:
        place = f"{address.username}:{address.password}@127.0.0.1:{broker.port}"
        changed["RABBITMQ_ADDRESS"] = address._replace(netloc=place).geturl()
    if database:
        changed["DATABASE_DSN"] = url.set(host="127.0.0.1", port=database.port).render_as_string(hide_password=False)
    return installation.environment(**changed)


BEHIND_BROKER = {name for name in (one.name for one in all_checks()) if name.startswith("broker-")}
BEHIND_DATABASE = {one.name for one in all_checks() if one.after in ("database", "migrations")}


def test_a_broker_out_of_reach_does_not_hide_the_database(installation: Installation, broker_proxy: Proxy) -> None:
    """What needs the broker is not looked at, the rest is."""
    broker_proxy.down()
    found = levels(findings(through(installation, broker=broker_proxy)))
    assert found["broker"] == {"fail"}
    assert {name for name, level in found.items() if level == {"skip"}} == BEHIND_BROKER
    assert (found["database"], found["orphans"]) == ({"ok"}, {"ok"})


def test_a_database_out_of_reach_does_not_hide_the_broker(installation: Installation, database_proxy: Proxy) -> None:
    """The same the other way round."""
    database_proxy.down()
    found = levels(findings(through(installation, database=database_proxy)))
    assert found["database"] == {"fail"}
    assert {name for name, level in found.items() if level == {"skip"}} == BEHIND_DATABASE
    assert (found["broker"], found["broker-permissions"]) == ({"ok"}, {"ok"})


def test_servers_that_fall_silent_cost_no_more_than_the_limit(
    installation: Installation, broker_proxy: Proxy, database_proxy: Proxy
) -> None:
    """Each is a failure of its own; what needs them is not looked at."""
    broker_proxy.pause()
    database_proxy.pause()
    environment = through(installation, broker=broker_proxy, database=database_proxy)
    found = findings(environment, seconds=0.5)
    assert [found[name][0].found for name in ("broker", "database")] == ["no answer within 0.5 s"] * 2
    assert {name for name, level in levels(found).items() if level == {"skip"}} == BEHIND_BROKER | BEHIND_DATABASE


def execute(installation: Installation, *statements: str) -> None:
    """Change the database behind everybody's back."""
    engine = create_engine(installation.dsn)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def binary(an_id: str) -> str:
    """An id as the database keeps it."""
    return f"UNHEX('{an_id.replace('-', '')}')"


SOME_ID = binary(str(uuid4()))
HOUR_AGO = "UTC_TIMESTAMP() - INTERVAL 1 HOUR"
WORK = ("broker", "database", "migrations", "orphans", "outbox", "timers", "workers")


def test_work_that_stands_still_is_told(installation: Installation) -> None:
    """Turns without an owner, timers nobody ends, events nobody publishes: with workers that live it is their fault."""
    program = installation.serve(threads=1, FLOWMANAGER_TIMER_SECONDS="1000", FLOWMANAGER_OUTBOX_SECONDS="1000")
    client = installation.client()
    waiting = client.activeflow(client.flow([{"type": "block"}]), reference_type="api")
    stuck = client.activeflow(client.flow([{"type": "block"}]), reference_type="api")
    assert program.stop() == 0
    execute(
        installation,
        f"UPDATE activeflows SET state = 'waiting', wait_until = {HOUR_AGO} WHERE id = {binary(waiting)}",
        f"UPDATE activeflows SET state = 'executing', owner = {SOME_ID} WHERE id = {binary(stuck)}",
        "INSERT INTO outbox (id, activeflow_id, kind, target, body, tm_create) VALUES"
        f" ({SOME_ID}, {SOME_ID}, 'event', '', '{{}}', {HOUR_AGO})",
        "DELETE FROM workers",
    )
    found = findings(installation.environment(), *WORK)
    assert levels(found) == {
        **{name: {"ok"} for name in WORK[:3]},
        **{name: {"warn"} for name in WORK[3:]},
    }
    assert stuck in found["orphans"][0].found
    assert "the oldest for 36" in found["outbox"][0].found
    execute(
        installation,
        "INSERT INTO workers VALUES (UNHEX(REPLACE(UUID(), '-', '')), UTC_TIMESTAMP() + INTERVAL 1 MINUTE)",
    )
    found = findings(installation.environment(), *WORK)
    assert (levels(found)["orphans"], levels(found)["workers"]) == ({"fail"}, {"ok"})
    execute(installation, "DELETE FROM outbox", "DELETE FROM activeflows", "DELETE FROM workers")


@pytest.mark.parametrize(("version", "level"), [("9000_from_0001", "warn"), ("9000_from_8999", "fail")])
def test_tables_of_another_version_are_told(services: Services, version: str, level: str) -> None:
    """Newer ones that allow this version are well during an update; others are not."""
    with migrated(services) as other:
        execute(other, f"UPDATE alembic_version SET version_num = '{version}'")
        assert levels(findings(other.environment(), "database", "migrations"))["migrations"] == {level}


def test_room_for_many_processes_is_counted(installation: Installation) -> None:
    """Before they are started."""
    found = findings(installation.environment(), "database", "database-room", processes=500)["database-room"]
    assert (found[0].level, found[0].found[:21]) == ("warn", "27000 connections for")
    large = installation.environment(FLOWMANAGER_MAX_ANSWER_BYTES="2000000000")
    assert "max_allowed_packet" in findings(large, "database", "database-room")["database-room"][1].found


class Queues:
    """The queues of an installation that never served, made as a test wants them."""

    def __init__(self, installation: Installation, names: Names) -> None:
        self.names = names
        self.environment = installation.environment(FLOWMANAGER_QUEUE_PREFIX=names.prefix)
        self.session = Session(installation.url)
        Topology(names=names).declare(self.session)

    def found(self) -> dict[str, list[Finding]]:
        """What the doctor says."""
        names = ("broker", "broker-permissions", "broker-queues", "broker-dead-queue")
        return {name: given for name, given in findings(self.environment, *names).items() if name in names[2:]}

    def put(self, queue: str, number: int) -> None:
        """Put messages into a queue; returns when they are there."""
        channel = self.session.channel()
        channel.confirm_select()
        for _ in range(number):
            channel.basic_publish_confirm(channel.prepare_message(b"x"), "", queue)

    def close(self) -> None:
        """Delete them."""
        channel = self.session.channel()
        for queue in self.names.own:
            channel.queue_delete(queue)
        for exchange in (*self.names.subscribed_exchanges, self.names.event):
            channel.exchange_delete(exchange)
        self.session.close()


@pytest.fixture
def queues(installation: Installation) -> Iterator[Queues]:
    """Queues for one test."""
    made = Queues(installation, Names(f"{installation.names.prefix}-{free_port()}"))
    yield made
    made.close()


def test_queues_that_nobody_takes_from_are_told(queues: Queues) -> None:
    """Each, with the messages that wait; the dead queue with its own advice."""
    queues.put(queues.names.dead, 2)
    queues.put(queues.names.request, 3)
    found = queues.found()
    assert [one.level for one in found["broker-queues"]] == ["warn"] * 4
    assert found["broker-queues"][0].found == f"nobody takes from {queues.names.request}; 3 messages wait"
    assert found["broker-dead-queue"][0].found.startswith(f"2 messages in {queues.names.dead}")
    assert queues.found() == found


def test_a_queue_that_grows_is_told(queues: Queues) -> None:
    """Although somebody takes from it."""
    channel = queues.session.channel()
    channel.basic_qos(0, 1, False)
    channel.basic_consume(queues.names.request, callback=lambda _: None)
    queues.put(queues.names.request, 110)
    assert "messages wait in" in queues.found()["broker-queues"][0].found
    channel.close()


def test_queues_of_another_type_are_told(queues: Queues) -> None:
    """Classic ones where replicated ones are set; they stay as they are."""
    queues.environment["FLOWMANAGER_QUORUM_QUEUES"] = "true"
    found = [one for one in queues.found()["broker-queues"] if one.level == "fail"]
    assert len(found) == 5
    assert "x-queue-type" in found[0].found


def test_what_somebody_deleted_is_told(queues: Queues) -> None:
    """A queue, the exchange; neither is made again."""
    channel = queues.session.channel()
    channel.queue_delete(queues.names.event)
    channel.exchange_delete(queues.names.event)
    for _ in range(2):
        told = [one.found for one in queues.found()["broker-queues"] if one.level == "fail"]
        assert told == [
            f"{queues.names.event} does not exist, others do",
            f"the exchange {queues.names.event} does not exist",
        ]


@pytest.fixture(scope="module")
def tables(own: Own) -> Iterator[Installation]:
    """An installation on servers that may be set up otherwise."""
    with migrated(own.services) as made:
        yield made


def test_permissions_that_are_missing_are_told(own: Own, tables: Installation) -> None:
    """One by one; what is advised gives them all."""
    with closing(Session(tables.url)) as session:
        Topology(names=tables.names).declare(session)
    own.control("add_user", "limited", SECRET)
    url = urlsplit(tables.url)
    environment = tables.environment(RABBITMQ_ADDRESS=f"amqp://limited:{SECRET}@{url.hostname}:{url.port}//")
    own.control("set_permissions", "limited", "^$", "^$", "^$")
    names = ("broker", "broker-permissions", "broker-queues", "broker-delay")
    found = findings(environment, *names)
    told = [one.found.removeprefix("the user may not ").split()[0] for one in found["broker-permissions"]]
    assert told == ["configure", "read", "write", "write"]
    assert (levels(found)["broker-queues"], levels(found)["broker-delay"]) == ({"skip"}, {"ok"})
    patterns = found["broker-permissions"][0].advice.split("USER ")[1].replace("'", "").split(" ")
    own.control("set_permissions", "limited", *patterns)
    assert levels(findings(environment, *names))["broker-permissions"] == {"ok"}
    program = tables.serve(threads=1, RABBITMQ_ADDRESS=environment["RABBITMQ_ADDRESS"])
    assert tables.client().status("GET", "/v1/flows?page_size=1") == 200
    assert program.stop() == 0


def test_a_broker_that_takes_no_messages_is_told(own: Own, tables: Installation) -> None:
    """While an alarm of its memory is raised."""
    names = ("broker", "broker-alarms")
    own.control("set_vm_memory_high_watermark", "0.000001")
    try:
        (found,) = findings(tables.environment(), *names)["broker-alarms"]
    finally:
        own.control("set_vm_memory_high_watermark", "0.6")
    assert found.level == "fail"
    assert found.found.startswith("the broker takes no messages")
    assert levels(findings(tables.environment(), *names))["broker-alarms"] == {"ok"}


def test_tls_is_looked_at(own: Own, tables: Installation) -> None:
    """Encrypted as it was asked, or why not."""
    trusted = own.secure_broker(cacertfile=own.authority.path, **own.client)
    connected, expiring = findings(tables.environment(RABBITMQ_ADDRESS=trusted), "broker")["broker"]
    assert (connected.level, "encrypted with TLSv1" in connected.found) == ("ok", True)
    assert (expiring.level, "the broker's certificate ends at" in expiring.found) == ("warn", True)
    stranger = new_authority(own.authority.folder.parent / "doctor", "stranger")
    unknown = own.secure_broker(cacertfile=stranger.path, **own.client)
    (found,) = findings(tables.environment(RABBITMQ_ADDRESS=unknown), "broker")["broker"]
    assert (found.level, "certificate" in found.advice) == ("fail", True)
    dsn = f"{tables.dsn.split('?')[0]}?tls=true&ssl_ca="
    assert (
        "encrypted with TLSv1"
        in findings(tables.environment(DATABASE_DSN=f"{dsn}{own.authority.path}"), "database")["database"][0].found
    )
    (found,) = findings(tables.environment(DATABASE_DSN=f"{dsn}{stranger.path}"), "database")["database"]
    assert (found.level, "TLS fails" in found.advice) == ("fail", True)


def as_root(own: Own, *statements: str) -> None:
    """Do what only the administrator may."""
    socket = own.servers["mysql"].folder / "mysql" / "data" / "mysql.sock"
    engine = create_engine(f"mysql+pymysql://root@localhost/mysql?unix_socket={socket}")
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_rights_in_the_database_that_are_missing_are_told(own: Own, tables: Installation) -> None:
    """For each table; what is advised gives them all."""
    url = make_url(tables.dsn)
    as_root(own, f"CREATE USER reader@'%' IDENTIFIED BY '{SECRET}'", f"GRANT SELECT ON {url.database}.* TO reader@'%'")
    reader = url.set(username="reader", password=SECRET).render_as_string(hide_password=False)
    environment = tables.environment(DATABASE_DSN=reader)
    names = ("database", "migrations", "database-privileges", "database-tables")
    (found,) = findings(environment, *names)["database-privileges"]
    assert (found.level, "INSERT on flows, UPDATE on flows, DELETE on flows" in found.found) == ("fail", True)
    as_root(own, found.advice.replace("the user", "reader@'%'"))
    assert levels(findings(environment, *names)) == {name: {"ok"} for name in names}


def test_a_database_that_takes_no_changes_is_told(tables: Installation) -> None:
    """As a replica is."""
    execute(tables, "SET GLOBAL read_only = ON")
    try:
        (found,) = findings(tables.environment(), "database", "database-writable")["database-writable"]
    finally:
        execute(tables, "SET GLOBAL read_only = OFF")
    assert (found.level, found.found) == ("fail", "the server is read-only: read_only")
