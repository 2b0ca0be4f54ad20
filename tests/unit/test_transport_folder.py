"""Messages as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowmanager.transport.folder import Folder
from flowmanager.transport.names import REDELIVERED


def payload(body: str) -> dict[str, object]:
    return {"body": body, "headers": {}}


def open_folder(root: Path) -> Folder:
    folder = Folder(root)
    folder.create("q")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = open_folder(tmp_path / "deep" / "room")
    yield folder
    folder.close()


def take(folder: Folder, queue: str = "q") -> object:
    taken = folder.take(queue)
    return taken and taken[1]["body"]


def test_messages_come_in_the_order_they_were_put(folder: Folder) -> None:
    for number in range(50):
        folder.put("q", payload(str(number)))
    assert [take(folder) for _ in range(51)] == [*map(str, range(50)), None]


def test_queues_are_apart(folder: Folder) -> None:
    folder.create("a")
    folder.put("a", payload("1"))
    assert (take(folder, "b"), take(folder, "a")) == (None, "1")


def test_message_for_no_queue_is_dropped(folder: Folder, tmp_path: Path) -> None:
    folder.put("missing", payload("1"))
    folder.create("missing")
    assert take(folder, "missing") is None
    assert list((tmp_path / "deep" / "room" / "writing").iterdir()) == []


def test_unreadable_file_is_dropped_when_it_is_given_back(folder: Folder) -> None:
    folder.put("q", payload("1"))
    taken = folder.take("q")
    assert taken
    taken[0].write_bytes(b"torn")
    folder.give_back(taken[0])
    assert take(folder) is None


def test_queue_names_may_hold_any_character(folder: Folder) -> None:
    folder.create("../x/ä")
    folder.put("../x/ä", payload("1"))
    assert take(folder, "../x/ä") == "1"


def test_message_given_back_is_first_in_line_and_marked(folder: Folder) -> None:
    folder.put("q", payload("1"))
    folder.put("q", payload("2"))
    taken = folder.take("q")
    assert taken
    folder.give_back(taken[0])
    again = folder.take("q")
    assert again
    assert again[1] == {"body": "1", "headers": {REDELIVERED: True}}


def test_closing_returns_what_was_in_hand(tmp_path: Path) -> None:
    first, second = open_folder(tmp_path), open_folder(tmp_path)
    first.put("q", payload("1"))
    assert take(first) == "1"
    assert take(second) is None
    first.close()
    assert take(second) == "1"
    second.close()


def test_several_processes_never_take_the_same_message(tmp_path: Path) -> None:
    folders = [open_folder(tmp_path) for _ in range(3)]
    for number in range(30):
        folders[0].put("q", payload(str(number)))
    taken = [take(folders[number % 3]) for number in range(31)]
    assert taken == [*map(str, range(30)), None]
    for folder in folders:
        folder.close()


def test_what_a_dead_owner_had_in_hand_is_returned(tmp_path: Path) -> None:
    dead = open_folder(tmp_path)
    dead.put("q", payload("1"))
    assert take(dead) == "1"
    dead._lock.close()  # what the kernel does when a process is killed
    heir = open_folder(tmp_path)
    assert take(heir) == "1"
    heir.close()


def test_living_owner_keeps_what_it_has_in_hand(tmp_path: Path) -> None:
    owner = open_folder(tmp_path)
    owner.put("q", payload("1"))
    assert take(owner) == "1"
    other = open_folder(tmp_path)
    assert take(other) is None
    other.close()
    owner.close()


def test_exchange_copies_to_the_queues_bound_to_it(folder: Folder) -> None:
    folder.bind("e", "a")
    folder.bind("e", "b")
    folder.bind("e", "a")
    assert sorted(folder.bound("e")) == ["a", "b"]
    assert folder.bound("other") == []


def test_deleted_queue_loses_messages_and_bindings(folder: Folder) -> None:
    folder.bind("e", "q")
    folder.put("q", payload("1"))
    folder.delete("q")
    assert (folder.bound("e"), folder.size("q")) == ([], 0)
    assert take(folder) is None
