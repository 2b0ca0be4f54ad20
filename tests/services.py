"""Where tests get a real MySQL and RabbitMQ: addresses from the environment, else containers, else native servers.

There is no way to skip: with none of the three a test fails and says what to do.
"""

from __future__ import annotations

import gc
import os
import shlex
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from docker.errors import DockerException
from sqlalchemy import URL, create_engine, make_url, text
from testcontainers.community.mysql import MySqlContainer
from testcontainers.community.rabbitmq import RabbitMqContainer
from testcontainers.core.docker_client import DockerClient

SCRIPT = Path(__file__).parent.parent / "scripts" / "services"
START_SECONDS = 900  # the first start may have to download and install both servers
STOP_SECONDS = 120
DROP_SECONDS = 10  # a test that left a transaction open fails here instead of hanging


@dataclass(frozen=True)
class Services:
    """The two addresses: a SQLAlchemy URL whose user may create databases, and an AMQP URL."""

    database_dsn: str
    rabbitmq_address: str


def given_services(environment: Mapping[str, str]) -> Services | None:
    """The servers named in the environment, if any; fails if only one of the two is."""
    database_dsn = environment.get("TEST_DATABASE_DSN", "")
    rabbitmq_address = environment.get("TEST_RABBITMQ_ADDRESS", "")
    if bool(database_dsn) != bool(rabbitmq_address):
        pytest.fail("set both TEST_DATABASE_DSN and TEST_RABBITMQ_ADDRESS, or neither", pytrace=False)
    return Services(database_dsn, rabbitmq_address) if database_dsn else None


def docker_answers() -> bool:
    """Whether a Docker daemon answers where the environment says, or at its usual place."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        answers = ping_docker()
        # When nobody answers, the client leaves its socket to the garbage collector: now, not in the middle of a test.
        gc.collect()
    return answers


def ping_docker() -> bool:
    try:
        with closing(DockerClient().client) as client:
            return bool(client.ping())
    except DockerException:
        return False


@contextmanager
def container_services() -> Iterator[Services]:
    """Both servers in containers, removed at the end. root, because the tests create databases."""
    database = MySqlContainer("mysql:9", username="root", password="flowmanager", root_password="flowmanager")
    broker = RabbitMqContainer("rabbitmq:4", username="guest", password="guest")
    with database, broker:
        host, port = broker.get_container_host_ip(), broker.get_exposed_port(broker.port)
        yield Services(database.get_connection_url(), f"amqp://guest:guest@{host}:{port}//")


@contextmanager
def native_services() -> Iterator[Services]:
    """Both servers as processes of this machine; left running if they ran before."""
    was_up = run_script("status").returncode == 0
    try:
        yield read_addresses(run_script("up", "--native"))
    finally:
        if not was_up:
            run_script("down")


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    limit = STOP_SECONDS if arguments == ("down",) else START_SECONDS
    return subprocess.run(
        [SCRIPT, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit, check=False
    )


def read_addresses(finished: subprocess.CompletedProcess[str]) -> Services:
    """The addresses from the script's `export NAME='value'` lines."""
    if finished.returncode != 0:
        pytest.fail(finished.stderr.strip(), pytrace=False)
    assignments = (word for word in shlex.split(finished.stdout) if word != "export")
    values = dict(assignment.split("=", 1) for assignment in assignments)
    return Services(values["TEST_DATABASE_DSN"], values["TEST_RABBITMQ_ADDRESS"])


def start_services(stack: ExitStack) -> Services:
    """The first way that works; what it starts is stopped by the stack."""
    given = given_services(os.environ)
    if given:
        return given
    if docker_answers():
        # A daemon that cannot fetch the images is as good as none.
        with suppress(DockerException):
            return stack.enter_context(container_services())
    return stack.enter_context(native_services())


@contextmanager
def private_database(dsn: str) -> Iterator[str]:
    """The URL of a new empty database on that server, dropped at the end."""
    url = make_url(dsn).set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"})
    name = f"flowmanager_test_{uuid4().hex}"
    execute(url, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        execute(url, f"SET SESSION lock_wait_timeout = {DROP_SECONDS}", f"DROP DATABASE {name}")


def execute(url: URL, *statements: str) -> None:
    # `tls` is the program's own word: the driver does not know it.
    engine = create_engine(url.set(database=None).difference_update_query(["tls"]))
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def database_dsn(services: Services) -> Iterator[str]:
    """A SQLAlchemy URL of this session's own MySQL database."""
    with private_database(services.database_dsn) as dsn:
        yield dsn


@pytest.fixture
def fresh_database(services: Services) -> Iterator[str]:
    """A SQLAlchemy URL of an empty MySQL database for one test."""
    with private_database(services.database_dsn) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def rabbitmq_address(services: Services) -> str:
    """The AMQP URL of the broker. Its virtual host is shared: give queues and exchanges names of your own."""
    return services.rabbitmq_address
