"""A broker and a database for tests that set them up otherwise: with TLS, with alarms, read-only.

They are always processes of this machine, as scripts/services starts them, also where the other tests use containers or
given addresses: only then can a test change their settings. It installs them where they are missing, or says how to.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pytest

from tests.certificates import Authority, new_authority
from tests.faults.servers import Server, own_servers
from tests.processes import free_port
from tests.services import Services

HERE = "127.0.0.1"
CONTROL_SECONDS = 60
CONTROL = ("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmqctl", "/usr/lib/rabbitmq/bin/rabbitmqctl")


@dataclass(frozen=True)
class Own:
    """Both servers, the certificates they show and trust, and the broker's port for TLS."""

    services: Services
    servers: dict[str, Server]
    authority: Authority
    tls_port: int

    def secure_broker(self, **parameters: object) -> str:
        """The broker's address with TLS."""
        return with_parameters(f"amqps://guest:guest@{HERE}:{self.tls_port}//", parameters)

    @property
    def client(self) -> dict[str, object]:
        """What the broker wants to see of a client."""
        folder = self.authority.folder
        return {"certfile": folder / "client.pem", "keyfile": folder / "client.key"}

    @property
    def root_dsn(self) -> str:
        """The database's address for its root, who may give rights."""
        return f"mysql+pymysql://root@localhost/mysql?unix_socket={self.servers['mysql'].folder}/mysql/data/mysql.sock"

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl`, with the environment of the broker: its cookie, its port mapper."""
        process = Path(f"/proc/{self.servers['rabbitmq'].pid}")
        pairs = [line.partition(b"=") for line in process.joinpath("environ").read_bytes().split(b"\0") if line]
        environment = {name: value for name, _, value in pairs}
        command = [control_program(), "--node", environment[b"RABBITMQ_NODENAME"].decode(), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=CONTROL_SECONDS, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def control_program() -> str:
    """Return the script itself where Debian hides it behind one that only root may run."""
    found = [path for pattern in CONTROL for path in Path("/").glob(pattern[1:])]
    return str(found[0]) if found else "rabbitmqctl"


def with_parameters(url: str, parameters: Mapping[str, object]) -> str:
    """Return an address with these parameters instead of its own."""
    url = urlsplit(url)._replace(query="").geturl()
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"{url}?{query}" if query else url


def write_settings(folder: Path, authority: Authority, tls_port: int) -> None:
    """Have both servers use TLS; the broker wants a certificate of the client too."""
    server, key = authority.sign("server", (HERE,)), authority.folder / "server.key"
    authority.sign("client")
    broker = folder / "rabbitmq" / "conf.d"
    broker.mkdir(parents=True)
    (broker / "tls.conf").write_text(
        f"listeners.ssl.1 = {HERE}:{tls_port}\nssl_options.cacertfile = {authority.path}\n"
        f"ssl_options.certfile = {server}\nssl_options.keyfile = {key}\n"
        "ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n"
    )
    (folder / "mysql.cnf").write_text(f"[mysqld]\nssl_ca={authority.path}\nssl_cert={server}\nssl_key={key}\n")


@pytest.fixture(scope="session")
def own() -> Iterator[Own]:
    """Servers of this session alone."""
    with TemporaryDirectory(prefix="flowmanager-own-") as folder:
        authority, tls_port = new_authority(Path(folder) / "certificates", "authority"), free_port()
        write_settings(Path(folder), authority, tls_port)
        with own_servers(Path(folder)) as (services, servers):
            yield Own(services, servers, authority, tls_port)
