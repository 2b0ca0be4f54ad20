"""A kombu transport for several processes on one machine: every message is a file in a shared folder.

kombu's own filesystem transport can hand out a message that is not written completely yet, mixes up messages of one
millisecond, and loses what a killed process had in hand. Fanout is the only kind of exchange here.
"""

from __future__ import annotations

import fcntl
from contextlib import suppress
from pathlib import Path
from queue import Empty
from shutil import rmtree
from time import time_ns
from typing import IO, Any
from urllib.parse import quote, unquote
from uuid import uuid4

import orjson
from kombu.transport import virtual

from flowmanager.transport.names import REDELIVERED

Payload = dict[str, Any]


class Folder:
    """The files: messages that wait in `queues/<queue>`, that are in hand in `taken/<owner>/<queue>`; `bindings`."""

    def __init__(self, root: Path) -> None:
        """Make the folder where it is missing and return what dead owners had in hand. Raises OSError."""
        self.root = root
        self.owner = uuid4().hex
        self._writing = root / "writing"
        self._taken = root / "taken"
        self._lock = self._register()

    def _register(self) -> IO[bytes]:
        for folder in (self._writing, self._taken, self.root / "queues", self.root / "bindings"):
            folder.mkdir(parents=True, exist_ok=True)
        # The kernel drops the lock when its owner dies; nobody may look at it between its creation and its locking.
        with (self.root / "owners.lock").open("wb") as owners:
            fcntl.flock(owners, fcntl.LOCK_EX)
            self._inherit()
            lock = self._lock_file(self.owner).open("wb")
            fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def _lock_file(self, owner: str) -> Path:
        return self._taken / f"{owner}.lock"

    def _inherit(self) -> None:
        for path in self._taken.glob("*.lock"):
            with path.open("rb") as lock, suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._give_back_all(path.stem)

    def _give_back_all(self, owner: str) -> None:
        for path in sorted((self._taken / owner).glob("*/*")):
            self._return(path)
        rmtree(self._taken / owner, ignore_errors=True)
        self._lock_file(owner).unlink(missing_ok=True)

    def _return(self, path: Path) -> None:
        with suppress(orjson.JSONDecodeError):
            payload = orjson.loads(path.read_bytes())
            payload["headers"][REDELIVERED] = True
            # Under its old name it is the first in line again.
            self._write(self._queue(unquote(path.parent.name)) / path.name, payload)
        path.unlink()

    def _queue(self, name: str) -> Path:
        return self.root / "queues" / quote(name, safe="")

    def create(self, queue: str) -> None:
        """Make a queue where it is missing."""
        self._queue(queue).mkdir(exist_ok=True)

    def put(self, queue: str, payload: Payload) -> None:
        """Append a message; without such a queue it is dropped, as a broker does."""
        self._write(self._queue(queue) / f"{time_ns():020d}-{uuid4().hex}", payload)

    def _write(self, path: Path, payload: Payload) -> None:
        draft = self._writing / f"{self.owner}-{path.name}"
        draft.write_bytes(orjson.dumps(payload))
        try:
            draft.rename(path)
        except FileNotFoundError:
            draft.unlink()

    def take(self, queue: str) -> tuple[Path, Payload] | None:
        """Take the first message, and the file that keeps it until it is dropped or given back."""
        for path in self._waiting(queue):
            taken = self._taken / self.owner / path.parent.name / path.name
            taken.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # another process was faster
                path.rename(taken)
                return taken, orjson.loads(taken.read_bytes())
        return None

    def _waiting(self, queue: str) -> list[Path]:
        with suppress(FileNotFoundError):
            return sorted(self._queue(queue).iterdir())
        return []

    def give_back(self, taken: Path) -> None:
        """Return a taken message to its queue."""
        self._return(taken)

    def size(self, queue: str) -> int:
        """The number of messages that wait."""
        return len(self._waiting(queue))

    def delete(self, queue: str) -> None:
        """Remove a queue, its messages and its bindings."""
        rmtree(self._queue(queue), ignore_errors=True)
        for binding in (self.root / "bindings").glob(f"*/{quote(queue, safe='')}"):
            binding.unlink(missing_ok=True)

    def bind(self, exchange: str, queue: str) -> None:
        """Have an exchange's messages copied to a queue."""
        folder = self.root / "bindings" / quote(exchange, safe="")
        folder.mkdir(exist_ok=True)
        (folder / quote(queue, safe="")).touch()

    def bound(self, exchange: str) -> list[str]:
        """The queues an exchange's messages are copied to."""
        with suppress(FileNotFoundError):
            return [unquote(path.name) for path in (self.root / "bindings" / quote(exchange, safe="")).iterdir()]
        return []

    def close(self) -> None:
        """Give back what is in hand."""
        self._give_back_all(self.owner)
        self._lock.close()


class FolderChannel(virtual.Channel):
    """kombu's view of the folder."""

    supports_fanout = True

    @property
    def _folder(self) -> Folder:
        folder: Folder = self.connection.folder
        return folder

    def _new_queue(self, queue: str, **_: Any) -> None:
        self._folder.create(queue)

    def _put(self, queue: str, message: Payload, **_: Any) -> None:
        self._folder.put(queue, message)

    def _put_fanout(self, exchange: str, message: Payload, _routing_key: str = "", **_: Any) -> None:
        for queue in self._folder.bound(exchange):
            self._folder.put(queue, message)

    def _get(self, queue: str, timeout: float | None = None) -> Payload:  # noqa: ARG002, kombu names it
        taken = self._folder.take(queue)
        if taken is None:
            raise Empty
        path, payload = taken
        return {**payload, "taken": path}

    def _size(self, queue: str) -> int:
        return self._folder.size(queue)

    def queue_bind(self, queue: str, exchange: str = "", *_: Any, **__: Any) -> None:
        """Have an exchange's messages copied to a queue, for every process."""
        self._folder.bind(exchange, queue)

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """Return the bindings of an exchange as (routing key, pattern, queue)."""
        return [("", "", queue) for queue in self._folder.bound(exchange)]

    def queue_delete(self, queue: str, *_: Any, **__: Any) -> None:
        """Delete a queue with its messages."""
        self._folder.delete(queue)

    def basic_consume(self, queue: str, no_ack: bool, callback: Any, consumer_tag: str, **options: Any) -> None:
        """Consume; without acknowledgement a message is dropped as soon as it was handed over."""

        def drop_and_call(message: Any) -> None:
            message._raw["taken"].unlink()
            callback(message)

        base: Any = super()
        base.basic_consume(queue, no_ack, drop_and_call if no_ack else callback, consumer_tag, **options)

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Drop a message for good."""
        self.qos.get(delivery_tag)._raw["taken"].unlink()
        base: Any = super()
        base.basic_ack(delivery_tag, multiple)

    def _restore(self, message: Any) -> None:
        self._folder.give_back(message._raw["taken"])


class FolderTransport(virtual.Transport):
    """A connection to the folder named by the transport option `folder`."""

    Channel = FolderChannel
    driver_type = "filesystem"
    driver_name = "filesystem"
    folder: Folder

    def establish_connection(self) -> Any:
        """Open the folder."""
        client: Any = self.client
        base: Any = super()
        self.folder = Folder(Path(client.transport_options["folder"]))
        return base.establish_connection()

    def close_connection(self, connection: Any) -> None:
        """Give back what is in hand."""
        base: Any = super()
        base.close_connection(connection)
        self.folder.close()
