"""A seeded scheduler: threads of which exactly one runs, and which change over only where they pause."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from threading import Semaphore, Thread


class Crash(BaseException):
    """The simulated process dies here; no `except Exception` of the program sees it."""


class Job(Thread):
    """A piece of work that runs only while it has the baton."""

    def __init__(self, scheduler: Scheduler, work: Callable[[], None], owner: object) -> None:
        super().__init__(daemon=True)
        self.scheduler, self.work, self.owner = scheduler, work, owner
        self.baton = Semaphore(0)
        self.doomed = False
        self.over = False
        self.wanted: Callable[[], bool] | None = None
        """What the job waits for."""
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Do the work."""
        self.baton.acquire()
        try:
            if not self.doomed:
                self.work()
        except Crash:
            pass
        except BaseException as error:  # noqa: BLE001, handed to the scheduler, which raises it
            self.failure = error
        self.over = True
        self.scheduler.baton.release()

    def ready(self) -> bool:
        """Say whether the job can go on."""
        return not self.over and (self.doomed or self.wanted is None or self.wanted())


class Scheduler:
    """Chooses who runs next, by the seed alone."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.baton = Semaphore(0)
        self.jobs: list[Job] = []
        self.current: Job | None = None
        self.switches = 0

    def spawn(self, work: Callable[[], None], owner: object = None) -> Job:
        """Add a piece of work. Everything of one owner dies together."""
        job = Job(self, work, owner)
        self.jobs.append(job)
        job.start()
        return job

    def pause(self, wanted: Callable[[], bool] | None = None) -> None:
        """Let others run; come back when the condition holds. Raises Crash when the job's owner died meanwhile."""
        job = self.current
        assert job is not None
        job.wanted = wanted
        self.baton.release()
        job.baton.acquire()
        job.wanted = None
        if job.doomed:
            raise Crash

    def kill(self, owner: object) -> None:
        """Let every job of an owner die where it stands."""
        for job in self.jobs:
            job.doomed = job.doomed or (job.owner is owner and not job.over)

    def step(self) -> bool:
        """Let one job run to its next pause; False: nobody can."""
        ready = [job for job in self.jobs if job.ready()]
        if not ready:
            return False
        job = self.current = self.random.choice(ready)
        self.switches += 1
        job.baton.release()
        self.baton.acquire()
        self.current = None
        if job.over:
            self.jobs.remove(job)
        if job.failure is not None:
            raise job.failure
        return True

    def close(self) -> None:
        """End everybody."""
        for job in self.jobs:
            job.doomed = True
        while self.jobs:
            self.step()
