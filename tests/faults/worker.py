"""`python -m tests.faults.worker …` is `python -m flowmanager …`, made to die at a commit, or broken on purpose."""

from __future__ import annotations

import os

from flowmanager.cli import main
from tests.faults.breakage import BROKEN, break_it
from tests.faults.clock import JUMPING, read_jumping_clock
from tests.faults.commits import KILL_AT, KILL_MOMENT, watch_commits

if __name__ == "__main__":
    if KILL_AT in os.environ:
        watch_commits(int(os.environ[KILL_AT]), os.environ.get(KILL_MOMENT, "after"))
    if BROKEN in os.environ:
        break_it(os.environ[BROKEN])
    if JUMPING in os.environ:
        read_jumping_clock()
    main()
