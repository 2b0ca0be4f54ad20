"""The examples of docs/client.md work, one after the other, as a reader would run them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowmanager.transport.session import Session
from tests.client_room import ClientRoom, serving, serving_embedded
from tests.services import Services, private_database

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def embedded_room(tmp_path: Path) -> Iterator[ClientRoom]:
    with serving_embedded(tmp_path) as room:
        yield room


@pytest.fixture
def real_room(services: Services, tmp_path: Path) -> Iterator[ClientRoom]:
    with private_database(services.database_dsn) as dsn, serving(dsn, services.rabbitmq_address, tmp_path) as room:
        yield room
        session = Session(room.url)
        session.channel().queue_delete(f"{room.prefix}.billing-manager.flow-events")
        session.close()


@pytest.mark.parametrize("kind", ["embedded", "real"])
def test_the_examples_work(kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    room: ClientRoom = request.getfixturevalue(f"{kind}_room")
    monkeypatch.setenv("RABBITMQ_ADDRESS", room.url)
    monkeypatch.setenv("FLOWMANAGER_QUEUE_PREFIX", room.prefix)
    text = PAGE.read_text()
    names: dict[str, Any] = {}
    examples = list(EXAMPLE.finditer(text))
    assert len(examples) == text.count("```python")
    for example in examples:
        lines = text.count("\n", 0, example.start(1))
        # The lines above keep the place in a traceback that of the page.
        exec(compile("\n" * lines + example[1], str(PAGE), "exec"), names)
