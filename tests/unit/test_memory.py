"""What is given back to the system, as `tests/integration/test_endurance.py` shows, and what is not looked at again."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowmanager import memory
from flowmanager.memory import LARGE_BYTES, all_kept, keep_little
from flowmanager.transport.rabbitmq import READ_BYTES

FEW_OBJECTS = 50_000
"""Python alone has fewer, a worker at its start more."""


def test_what_every_message_is_read_into_is_not_large() -> None:
    """The system would be asked for it, and get it back, for each message."""
    header_of_bytes = 64
    assert READ_BYTES + header_of_bytes < LARGE_BYTES


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all of them have what glibc has."""
    monkeypatch.setattr(memory, "CDLL", lambda _: object())
    keep_little()


def test_garbage_is_collected_again_after_the_imports() -> None:
    """Also when one of them fails."""
    found: list[bool] = []

    def fail() -> None:
        with all_kept():
            found.append(gc.isenabled())
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert [*found, gc.isenabled()] == [False, True]


def test_a_worker_imports_only_what_it_needs() -> None:
    """Time before its first answer, and memory of each process."""
    program = (
        "import sys; from click import Context; from flowmanager.cli import main;"
        "main.get_command(Context(main), 'serve'); print(*sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "flowmanager.bootstrap" in shown
    assert not {"flowmanager.client", "flowmanager.simulation", "flowmanager.stub_managers", "alembic"} & set(shown)


def test_what_a_worker_has_at_its_start_is_not_looked_through_again(tmp_path: Path) -> None:
    program = (
        "import atexit, gc\n"
        "atexit.register(lambda: print(gc.get_freeze_count()))\n"
        "from flowmanager.cli import main\n"
        "main(['serve', '--embedded'])\n"
    )
    environment = {**os.environ, "FLOWMANAGER_EMBEDDED_FOLDER": str(tmp_path), "HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stderr is not None
        assert any("worker_started" in line for line in worker.stderr)
        worker.terminate()
        told, _ = worker.communicate(timeout=60)
    assert int(told.split()[-1]) > FEW_OBJECTS
