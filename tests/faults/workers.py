"""The workers of a run: real processes that are killed, held up, ended and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import orjson

from tests.faults.commits import KILL_AT, KILL_MOMENT, MARK, STOPS
from tests.faults.history import History, Json
from tests.faults.usage import Usage, state_of

ROOT = Path(__file__).parent.parent.parent
THREADS = 4
STOP_SECONDS = 20.0
REACH_SECONDS = 30.0
"""How long a process may take to come to the commit at which it is to die."""
STARTED, STOPPED = b'"worker_started"', b'"worker_stopped"'
"""In the log of a process: between the two it ends in order; told to end (again) outside, as any program does."""
FAULTY_LINES = frozenset(
    ("request_failed", "executor_failed", "message_parked", "sweeper_failed", "activeflow_not_recovered", "turn_failed")
)
"""Log lines that say: the program has a mistake."""


@dataclass
class Slot:
    """The place of one worker: another process takes it when one has ended."""

    number: int
    environment: Mapping[str, str]
    folder: Path
    history: History
    process: subprocess.Popen[bytes] | None = None
    back_at: float = 0.0
    """When a new process is started."""
    held: bool = False
    ending: float = 0.0
    """When it was told to end; 0: it was not."""
    starts: int = 0
    started: float = 0.0
    next_hook: dict[str, str] = field(default_factory=dict)
    """What the next process is told to die of."""
    next_pause: float = 0.0
    hooked: bool = False
    """Its process is told to die or stop at a commit."""
    pause_seconds: float = 0.0
    """How long this process is left alone when it has stopped by itself; 0: it is not told to."""
    resume_at: float = 0.0
    went_on: bool = False
    """It had stopped by itself and goes on."""
    usage: Usage = field(default_factory=Usage)

    @property
    def name(self) -> str:
        """What it is called in the history."""
        return f"worker {self.number}"

    @property
    def log(self) -> Path:
        """What the present process writes."""
        return self.folder / f"worker-{self.number}-{self.starts}.log"

    def start(self) -> None:
        """Start a process."""
        self.starts += 1
        hook, self.next_hook = self.next_hook, {}
        self.hooked, self.went_on = bool(hook), False
        self.pause_seconds, self.next_pause, self.resume_at = self.next_pause, 0.0, 0.0
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.worker", "serve", "--threads", str(THREADS)],
                env={**self.environment, **hook},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.held, self.ending, self.back_at, self.started = False, 0.0, 0.0, monotonic()

    @property
    def alive(self) -> bool:
        """Say whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal."""
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def hold(self) -> None:
        """Stop it as a machine that is paged out."""
        self.signal(signal.SIGSTOP)
        self.held = True

    def release(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)
        self.held, self.resume_at = False, 0.0

    def kill(self) -> None:
        """Kill it."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    def end(self) -> None:
        """Ask it to end."""
        self.ending = monotonic()
        self.signal(signal.SIGTERM)

    def arm(self, commit: int, moment: str, pause_seconds: float) -> None:
        """Have the next process die at one of its commits, or stop there for so long."""
        self.next_hook = {KILL_AT: str(commit), KILL_MOMENT: moment}
        self.next_pause = pause_seconds if moment in STOPS else 0.0

    @property
    def on_its_way(self) -> bool:
        """Say whether it is still to come to the commit at which it dies or stops, or stands there."""
        if self.next_hook:
            return True
        if not self.hooked or not self.alive:
            return False
        if self.struck and (self.went_on or not self.pause_seconds):
            return False
        return monotonic() - self.started < REACH_SECONDS + self.pause_seconds

    @property
    def struck(self) -> bool:
        """Say whether the present process has come to that commit."""
        return MARK in self.log.read_bytes()

    def calm(self) -> None:
        """Let it work undisturbed; one that was still to die at a commit dies now."""
        self.next_hook, self.next_pause, self.pause_seconds = {}, 0.0, min(self.pause_seconds, 0.1)
        self.release()
        if self.hooked and not self.struck:
            self.kill()
        self.back_at = self.back_at and 1.0

    @property
    def serving(self) -> bool:
        """Say whether it takes messages, and goes on to."""
        return self.alive and not self.ending and STARTED in self.log.read_bytes()

    def look(self, restart_seconds: float) -> None:
        """Start a new process some time after one has ended; one that does not end in time is a complaint."""
        if self.alive and self.process is not None:
            self.usage.measure(self.process.pid)
            self.look_whether_stopped()
            if self.ending and monotonic() - self.ending > STOP_SECONDS + 10:
                self.complain("worker_never_ends", "SIGTERM did not end it")
                self.kill()
            return
        if not self.back_at:
            self.note_end()
            self.back_at = monotonic() + restart_seconds
        elif monotonic() >= self.back_at:
            self.start()

    def look_whether_stopped(self) -> None:
        """Let a process that has stopped by itself go on after a while."""
        if self.resume_at:
            if monotonic() >= self.resume_at:
                self.release()
                self.went_on = True
        elif self.pause_seconds and not self.held and state_of_process(self.process) == "T":
            self.history.add("stopped", worker=self.name)
            self.held, self.resume_at = True, monotonic() + self.pause_seconds

    def note_end(self) -> None:
        """Write down how a process ended."""
        status = self.process.returncode if self.process else None
        self.history.add("worker_ended", worker=self.name, status=status, asked=bool(self.ending))
        log = self.log.read_bytes()
        outside = STARTED not in log or STOPPED in log
        fits = status == -signal.SIGKILL or (status == 0 and self.ending) or (status == -signal.SIGTERM and outside)
        if not fits:
            self.complain("worker_ended", f"status {status}, told to end: {bool(self.ending)}")

    def complain(self, event: str, text: str) -> None:
        """Write down what must not be."""
        self.history.add("complaint", worker=f"{self.name}.{self.starts}", event=event, text=text)


def state_of_process(process: subprocess.Popen[bytes] | None) -> str:
    """Return the letter of what a process does, nothing when there is none."""
    return state_of(process.pid) if process is not None else ""


@dataclass
class Crew:
    """All workers."""

    slots: Sequence[Slot]

    def start(self) -> None:
        """Start them."""
        for slot in self.slots:
            slot.start()

    def look(self, restart_seconds: float) -> None:
        """See who has ended."""
        for slot in self.slots:
            slot.look(restart_seconds)

    def calm(self) -> None:
        """Let all of them work undisturbed."""
        for slot in self.slots:
            slot.calm()

    def kill(self) -> None:
        """Kill them."""
        for slot in self.slots:
            slot.kill()


def faulty_lines(folder: Path) -> Iterator[Json]:
    """Yield what workers logged that says that the program has a mistake."""
    for path in sorted(folder.glob("worker-*.log")):
        for text in path.read_text(errors="replace").splitlines():
            line = parsed(text)
            if line is None:
                if text.startswith(("Traceback", "Fatal")):
                    yield {"worker": path.stem, "event": "traceback", "text": text}
            elif line.get("event") in FAULTY_LINES or "exception" in line:
                last = str(line.get("exception", text)).strip().splitlines()[-1]
                yield {"worker": path.stem, "event": line.get("event"), "text": last, "line": text[-3000:]}


def parsed(text: str) -> Json | None:
    """Read a log line; None: it is none of ours."""
    try:
        line = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return line if isinstance(line, dict) else None
