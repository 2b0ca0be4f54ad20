"""Broker and database of a run: given ones, or some of our own that may be killed and started again."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from tests.services import SCRIPT, Services

GIVEN = ("TEST_DATABASE_DSN", "TEST_RABBITMQ_ADDRESS")
START_SECONDS = 900
GONE_SECONDS = 30.0


@dataclass(frozen=True)
class Server:
    """One server that is ours, as the script has started it."""

    name: str
    folder: Path

    @property
    def pid(self) -> int:
        """Its process."""
        return int((self.folder / f"{self.name}.pid").read_text())

    @property
    def command(self) -> list[bytes]:
        """What it was started by: not what became of it, for a program may hand over to another one."""
        return (self.folder / f"{self.name}.command").read_bytes().split(b"\0")[:-1]

    def bounce(self, number: int, seconds: float) -> None:
        """Kill it, or ask it to end, and start it again some time after it is gone, as it was started."""
        process, command = Path(f"/proc/{self.pid}"), self.command
        os.kill(self.pid, number)
        await_end(process, GONE_SECONDS)
        sleep(seconds)
        with (self.folder / f"{self.name}.log").open("ab") as log:
            started = subprocess.Popen(
                command,
                cwd=self.folder / self.name,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (self.folder / f"{self.name}.pid").write_text(f"{started.pid}\n")


def await_end(process: Path, seconds: float) -> None:
    """Wait until a process is gone; one that takes too long is killed."""
    deadline = monotonic() + seconds
    while runs(process):
        if monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)
        sleep(0.05)


def runs(process: Path) -> bool:
    """Say whether a process runs; one that has ended and was not waited for does not."""
    try:
        state = process.joinpath("stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    if state != "Z":
        return True
    with suppress(ChildProcessError):
        os.waitpid(int(process.name), os.WNOHANG)
    return False


@contextmanager
def own_servers(folder: Path) -> Iterator[tuple[Services, dict[str, Server]]]:
    """Both servers as processes of this run alone, stopped and removed at its end.

    Their settings, if they need any, lie in the folder: `mysql.cnf` and `rabbitmq/conf.d/*.conf`.
    """
    kept = {name: value for name, value in os.environ.items() if name not in GIVEN}
    environment = {**kept, "FLOWMANAGER_SERVICES_DIR": str(folder)}

    def script(*arguments: str) -> str:
        command = [str(SCRIPT), *arguments]
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=START_SECONDS,
            check=True,
        )
        return done.stdout.decode()

    try:
        words = (word for word in shlex.split(script("up", "--native")) if word != "export")
        values = dict(word.split("=", 1) for word in words)
        services = Services(values["TEST_DATABASE_DSN"], values["TEST_RABBITMQ_ADDRESS"])
        yield services, {name: Server(name, folder) for name in ("mysql", "rabbitmq")}
    finally:
        script("down", "--clean")
