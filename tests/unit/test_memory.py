"""What is given back to the system; that it is so is held by `tests/integration/test_endurance.py`."""

from __future__ import annotations

import pytest

from flowmanager import memory
from flowmanager.memory import LARGE_BYTES, keep_little
from flowmanager.transport.rabbitmq import READ_BYTES


def test_what_every_message_is_read_into_is_not_large() -> None:
    """The system would be asked for it, and get it back, for each message."""
    header_of_bytes = 64
    assert READ_BYTES + header_of_bytes < LARGE_BYTES


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all of them have what glibc has."""
    monkeypatch.setattr(memory, "CDLL", lambda _: object())
    keep_little()
