"""How tests are shared out among processes: the files that are named are there, and each test goes where it should."""

from __future__ import annotations

from pathlib import Path

from tests.schedule import LONGEST, SPREAD, TOGETHER, processes

ROOT = Path(__file__).parents[2]
LINE = "\nfrom tests.own_servers import"


def test_the_files_that_are_named_are_there() -> None:
    """One that is renamed would silently be begun last."""
    assert [name for name in (*LONGEST, *SPREAD, *TOGETHER) if not (ROOT / name).is_file()] == []


def test_files_that_want_servers_of_their_own_go_together() -> None:
    """Else each process would start a set of them."""
    wanting = {path for path in (ROOT / "tests").rglob("test_*.py") if LINE in path.read_text()}
    assert {str(path.relative_to(ROOT)) for path in wanting} == set(TOGETHER)


def test_there_is_more_than_one_process() -> None:
    """Some wait for servers while others compute."""
    assert processes() >= 2
