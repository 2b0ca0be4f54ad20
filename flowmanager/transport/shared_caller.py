"""Ask flow-manager from many threads over one connection: one thread owns it, the others hand it their questions."""

from __future__ import annotations

import select
import socket
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from random import uniform
from threading import Condition, Event, Lock, Thread
from typing import Any
from uuid import uuid4

from flowmanager.errors import BrokerLost, FlowManagerError, PeerTimeout, PeerUnroutable
from flowmanager.transport.connection import POLL_SECONDS, check_url
from flowmanager.transport.envelope import Letter, read_delivery
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.rpc_client import DIRECT_REPLY
from flowmanager.transport.session import TICK_SECONDS, Session

REDIAL_SECONDS = 0.1
REDIAL_LIMIT = 2.0
JOIN_SECONDS = 10.0


class CallerClosed(FlowManagerError):
    """The caller was closed."""

    reason = "CLOSED"


class Question:
    """One request from its first sending to its answer; it belongs to the thread that asks."""

    def __init__(self, caller: SharedCaller, letter: Letter, peer: str) -> None:
        """Nothing is sent yet."""
        self.id = uuid4().hex
        self.letter = letter
        self.sent = False
        """Whether the request went out and its connection still stands."""
        self._caller = caller
        self._peer = peer
        self._news = Condition()
        self._answer: bytes | None = None
        self._error: FlowManagerError | None = None

    def ask(self, seconds: float) -> bytes:
        """Send it, once more when that was done before, and return the answer.

        All sendings have one correlation id, so an answer that came meanwhile is taken without another sending.
        Raises PeerTimeout, BrokerLost, CallerClosed, PeerUnroutable when the request queue does not exist.
        """
        with self._news:
            if self._answer is None:
                self._error, self.sent = None, False
                self._caller.post(self)
                self._news.wait_for(lambda: self._answer is not None or self._error is not None, seconds)
            return self._taken(seconds)

    def _taken(self, seconds: float) -> bytes:
        answer, self._answer = self._answer, None
        if answer is not None:
            return answer
        if self._error is not None:
            raise self._error
        raise PeerTimeout(self._peer, seconds) if self.sent else BrokerLost(why=self._caller.trouble)

    def rest(self, seconds: float) -> None:
        """Wait so long, or until an answer to an earlier sending comes."""
        with self._news:
            self._news.wait_for(lambda: self._answer is not None or isinstance(self._error, CallerClosed), seconds)

    def answered(self, body: bytes) -> None:
        """Wake the thread that asks."""
        with self._news:
            self._answer = body
            self._news.notify()

    def failed(self, error: FlowManagerError) -> None:
        """Wake the thread that asks."""
        with self._news:
            self._error, self.sent = error, False
            self._news.notify()

    def unroutable(self) -> None:
        """The broker has no such queue."""
        self.failed(PeerUnroutable(self._peer))


class Bell:
    """Wakes the thread that waits for the broker."""

    def __init__(self) -> None:
        """Open both ends."""
        self.near, self._far = socket.socketpair()
        self.near.setblocking(False)
        self._far.setblocking(False)

    def ring(self) -> None:
        """Wake it. A bell that is full rings already, one that is closed wakes nobody."""
        with suppress(OSError):
            self._far.send(b"\0")

    def hush(self) -> None:
        """Forget the rings so far."""
        with suppress(OSError):
            self.near.recv(4096)

    def close(self) -> None:
        """Close both ends."""
        self.near.close()
        self._far.close()


class WatchedSession(Session):
    """A session whose socket can be watched together with something else."""

    @property
    def socket(self) -> Any:
        """What the broker writes to. Raises BrokerLost."""
        with self.guard():
            return self._wire.sock

    def tick(self) -> None:
        """Keep the connection alive. Raises BrokerLost."""
        with self.guard():
            self._tick()


class Line:
    """The connection as its thread sees it: one channel that sends requests and takes answers."""

    def __init__(self, session: WatchedSession, names: Names, caller: SharedCaller) -> None:
        """Begin to consume. Raises BrokerLost."""
        self._session = session
        self._caller = caller
        self._request_queue = names.request
        self._channel = session.channel()
        self._reply_to = self._listen(names)
        self._socket = None if session.embedded else session.socket
        self._poll = select.poll()
        for end in (caller.bell.near, self._socket):
            if end is not None:
                self._poll.register(end, select.POLLIN)

    def _listen(self, names: Names) -> str:
        tag = uuid4().hex
        queue = f"{names.reply}.{tag}" if self._session.embedded else DIRECT_REPLY
        with self._session.guard():
            if self._session.embedded:
                self._channel.queue_declare(queue, durable=False, auto_delete=True)
                self._session.before_close(partial(self._channel.queue_delete, queue))
            else:
                self._channel.events["basic_return"].add(self._on_return)
            self._channel.basic_consume(queue=queue, consumer_tag=tag, no_ack=True, callback=self._on_answer)
        return queue

    def _on_answer(self, raw: Any) -> None:
        answer = read_delivery(self._channel.message_to_python(raw), self._reply_to)
        for question in self._caller.waiting(answer.correlation_id):
            question.answered(answer.body)

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        for question in self._caller.waiting(message.properties.get("correlation_id") or ""):
            question.unroutable()

    def send(self, question: Question) -> None:
        """Send a request. Raises BrokerLost."""
        address = {"reply_to": self._reply_to, "correlation_id": question.id}
        letter = replace(question.letter, properties={**question.letter.properties, **address})
        question.sent = True
        self._session.send(self._channel, replace(letter, routing_key=self._request_queue, mandatory=True))

    def wait(self, *, busy: bool) -> None:
        """Take what has arrived, or wait for it or for the bell. `busy`: somebody waits for an answer."""
        if self._session.embedded:
            self._wait_embedded(busy)
            return
        pending = getattr(self._socket, "pending", int)()  # what TLS has read ahead, no poll would tell
        ready = {end for end, _ in self._poll.poll(0 if pending else TICK_SECONDS * 1000)}
        self._caller.bell.hush()
        if pending or self._socket is None or self._socket.fileno() in ready:
            self._session.drain(0)
        else:
            self._session.tick()

    def _wait_embedded(self, busy: bool) -> None:
        # There is nothing to watch: answers are looked for again and again, but only while somebody waits for one.
        if busy:
            self._session.drain(POLL_SECONDS)
        else:
            self._poll.poll(TICK_SECONDS * 1000)
        self._caller.bell.hush()


class SharedCaller:
    """Asks flow-manager for any number of threads. It connects at the first question, and again after a loss."""

    def __init__(self, url: str, *, names: Names = NAMES) -> None:
        """Nothing is opened yet. Raises InvalidSetting for a URL nobody can connect to."""
        check_url(url)
        self.bell = Bell()
        self.trouble = "not connected yet"
        """Why there is no connection."""
        self._url = url
        self._names = names
        self._lock = Lock()
        self._waiting: dict[str, Question] = {}
        self._outbox: OrderedDict[str, Question] = OrderedDict()
        self._closing = Event()
        self._thread: Thread | None = None
        self._failures = 0

    @contextmanager
    def question(self, letter: Letter, *, peer: str = "flow") -> Iterator[Question]:
        """A question for the length of a block; when it ends, an answer that comes late is dropped."""
        question = Question(self, letter, peer)
        with self._lock:
            self._waiting[question.id] = question
        try:
            yield question
        finally:
            with self._lock:
                self._waiting.pop(question.id, None)
                self._outbox.pop(question.id, None)

    def waiting(self, question_id: str) -> tuple[Question, ...]:
        """Return the question of that id; nothing when it was given up."""
        with self._lock:
            return (self._waiting[question_id],) if question_id in self._waiting else ()

    def post(self, question: Question) -> None:
        """Have a question sent as soon as there is a connection. Raises CallerClosed."""
        with self._lock:
            if self._closing.is_set():
                raise CallerClosed
            self._outbox[question.id] = question
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="flowmanager-caller", daemon=True)
                self._thread.start()
        self.bell.ring()

    def close(self) -> None:
        """Close the connection; who still waits gets CallerClosed."""
        with self._lock:
            self._closing.set()
            waiting, thread = list(self._waiting.values()), self._thread
        for question in waiting:
            question.failed(CallerClosed())
        self.bell.ring()
        if thread is not None:
            thread.join(JOIN_SECONDS)
        self.bell.close()

    def _run(self) -> None:
        lost = BrokerLost(why="the thread of the connection ended")
        try:
            while not self._closing.is_set():
                self._serve_until_lost()
        finally:
            self._interrupt(lost)

    def _serve_until_lost(self) -> None:
        try:
            with closing(WatchedSession(self._url)) as session:
                line = Line(session, self._names, self)
                self._failures = 0
                self._serve(line)
        except BrokerLost as lost:
            self._interrupt(lost)
            seconds = min(REDIAL_SECONDS * 2 ** min(self._failures, 16), REDIAL_LIMIT)
            self._failures += 1
            self._closing.wait(seconds * uniform(0.5, 1.5))

    def _serve(self, line: Line) -> None:
        while not self._closing.is_set():
            while question := self._next():
                line.send(question)
            line.wait(busy=bool(self._waiting))

    def _next(self) -> Question | None:
        with self._lock:
            return self._outbox.popitem(last=False)[1] if self._outbox else None

    def _interrupt(self, lost: BrokerLost) -> None:
        # What was not sent yet waits for the next connection.
        self.trouble = str(lost.facts.get("why", lost))
        with self._lock:
            interrupted = [question for question in self._waiting.values() if question.sent]
        for question in interrupted:
            question.failed(BrokerLost(**lost.facts))
