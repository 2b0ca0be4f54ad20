"""TLS to broker and database: only to the server that was meant, and with a certificate of ours where one is wanted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from ssl import SSLContext
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, text

from flowmanager.errors import BrokerLost, InvalidSetting, StoreLost
from flowmanager.store.engine import make_engine
from flowmanager.store.faults import translated
from flowmanager.transport.connection import check_url
from flowmanager.transport.session import Session
from tests.certificates import Authority, new_authority
from tests.own_servers import HERE, Own, with_parameters
from tests.processes import installed
from tests.services import private_database


@pytest.fixture(scope="module")
def dsn(own: Own) -> Iterator[str]:
    with private_database(own.services.database_dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def stranger(own: Own) -> Authority:
    """An authority that nobody trusts, with a certificate for the same place."""
    return new_authority(own.authority.folder.parent / "stranger", "stranger")


def secure(dsn: str, **parameters: object) -> str:
    return with_parameters(dsn, parameters)


def by_another_name(dsn: str) -> str:
    """The same place, called otherwise than in its certificate."""
    return dsn.replace(HERE, "localhost")


def cipher(connection: Connection) -> str:
    return str(connection.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).one()[1])


def test_a_worker_serves_over_tls(own: Own, dsn: str) -> None:
    """Migration, service and request, each over TLS, with certificates checked on both sides."""
    broker = own.secure_broker(cacertfile=own.authority.path, **own.client)
    database = secure(dsn, ssl_ca=own.authority.path)
    with installed(database, broker) as installation:
        assert installation.run("migrate").process.returncode == 0
        program = installation.serve(threads=1)
        client = installation.client()
        assert client.status("GET", "/v1/flows?page_size=1") == 200
        asked = installation.run("rpc", "GET", "/v1/flows?page_size=1")
        assert (asked.process.returncode, asked.err) == (0, "200\n")
        assert program.stop() == 0


def test_broker_is_spoken_to_in_secret(own: Own) -> None:
    with closing(Session(own.secure_broker(cacertfile=own.authority.path, **own.client))) as session:
        assert session.channel().connection.transport.sock.version() >= "TLSv1.2"


def test_connections_to_the_broker_share_what_encrypts_them(own: Own, tmp_path: Path) -> None:
    """Until somebody renews a certificate: who connects then shows the new one."""
    renewed = {name: Path(shutil.copy(str(path), tmp_path)) for name, path in own.client.items()}
    broker = own.secure_broker(cacertfile=own.authority.path, **renewed)
    first, second = encrypted(broker), encrypted(broker)
    assert first is second
    os.utime(renewed["certfile"], ns=(1, 1))
    third = encrypted(broker)
    assert third is not first
    assert third is encrypted(broker)


def encrypted(broker: str) -> SSLContext:
    """By what a connection to the broker is encrypted."""
    with closing(Session(broker)) as session:
        context: SSLContext = session.channel().connection.transport.sock.context
        return context


def test_broker_of_an_unknown_authority_is_refused(own: Own, stranger: Authority) -> None:
    nobody: dict[str, object] = {}
    for trusted in (nobody, {"cacertfile": stranger.path}):
        with pytest.raises(BrokerLost, match="CERTIFICATE_VERIFY_FAILED"):
            Session(own.secure_broker(**trusted, **own.client))


def test_broker_by_another_name_is_refused(own: Own) -> None:
    known = {"cacertfile": own.authority.path, **own.client}
    with pytest.raises(BrokerLost, match="certificate is not valid for 'broker"):
        Session(own.secure_broker(server_name_indication="broker.example", **known))


def test_broker_need_not_be_checked(own: Own) -> None:
    Session(own.secure_broker(verify="verify_none", **own.client)).close()


def test_broker_that_wants_a_certificate_refuses_without(own: Own, stranger: Authority) -> None:
    stranger.sign("client")
    of_stranger = {"certfile": stranger.folder / "client.pem", "keyfile": stranger.folder / "client.key"}
    for shown in ({}, of_stranger):
        with pytest.raises(BrokerLost):
            Session(own.secure_broker(cacertfile=own.authority.path, **shown))


def test_broker_without_tls_is_refused(own: Own) -> None:
    """Nothing is said in the clear when TLS was asked for."""
    plain = own.services.rabbitmq_address.replace("amqp:", "amqps:")
    with pytest.raises(BrokerLost):
        Session(plain)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("amqps://h?cacertfle=/x", "the parameter cacertfle is not known; known are cacertfile"),
        ("amqps://h?verify=no", "verify must be verify_peer or verify_none"),
        ("amqps://h?cacertfile=", "cacertfile is empty"),
        ("amqps://h?keyfile=/x", "keyfile is given without certfile"),
        ("amqps://h?cacertfile=/none", "cacertfile cannot be used: .*No such file"),
        ("amqps://h?certfile=/etc/hostname", "certfile cannot be used: "),
        ("amqp://h?cacertfile=/x", "cacertfile needs an address that begins with amqps://"),
    ],
)
def test_address_of_the_broker_is_checked(address: str, why: str) -> None:
    with pytest.raises(InvalidSetting, match=why):
        check_url(address)


def test_database_that_can_is_spoken_to_in_secret(dsn: str) -> None:
    """Also where nobody said so; then its certificate is not checked."""
    engine = make_engine(dsn)
    with engine.connect() as connection:
        assert cipher(connection)
    engine.dispose()


def test_database_is_spoken_to_in_secret(own: Own, dsn: str) -> None:
    engine = make_engine(secure(dsn, ssl_ca=own.authority.path))
    with engine.connect() as connection:
        assert cipher(connection)
    engine.dispose()


@pytest.mark.parametrize("mode", [{}, {"tls": "true"}])
def test_database_of_an_unknown_authority_is_refused(dsn: str, stranger: Authority, mode: dict[str, object]) -> None:
    refuse(secure(dsn, ssl_ca=stranger.path, **mode))


def test_database_of_an_authority_the_system_does_not_know_is_refused(dsn: str) -> None:
    refuse(secure(dsn, tls="true"))


def test_database_by_another_name_is_refused(own: Own, dsn: str) -> None:
    refuse(secure(by_another_name(dsn), ssl_ca=own.authority.path))


def test_database_need_not_be_checked(own: Own, dsn: str) -> None:
    for loose in ({"tls": "skip-verify"}, {"ssl_ca": own.authority.path, "ssl_check_hostname": "false"}):
        engine = make_engine(secure(by_another_name(dsn), **loose))
        with engine.connect() as connection:
            assert cipher(connection)
        engine.dispose()


def test_database_sees_our_certificate(own: Own, dsn: str) -> None:
    """A user that needs one gets in with it and not without."""
    run(dsn, "CREATE USER certified@'%' IDENTIFIED BY 'x' REQUIRE X509")
    place = urlsplit(dsn)._replace(
        netloc=f"certified:x@{urlsplit(dsn).netloc.rpartition('@')[2]}", path="/information_schema"
    )
    trusting = {"ssl_ca": own.authority.path}
    refuse(secure(place.geturl(), **trusting))
    shown = {"ssl_cert": own.client["certfile"], "ssl_key": own.client["keyfile"]}
    run(secure(place.geturl(), **trusting, **shown), "SELECT 1")
    run(dsn, "DROP USER certified@'%'")


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ("ssl_ca=/none", "ssl_ca cannot be used: .*No such file"),
        ("ssl_cert=/none", "ssl_cert cannot be used: .*No such file"),
        ("tls=false&ssl_ca=/none", "ssl_ca with tls=false"),
    ],
)
def test_address_of_the_database_is_checked(parameters: str, why: str) -> None:
    with pytest.raises(InvalidSetting, match=why):
        make_engine(f"mysql://u:secret@h/d?{parameters}")


def run(dsn: str, statement: str) -> None:
    engine = make_engine(dsn)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def refuse(dsn: str) -> None:
    """Expect that the database is taken for lost, and nothing else."""
    engine = make_engine(dsn)
    with pytest.raises(StoreLost), translated(), engine.connect():
        pass
    engine.dispose()
