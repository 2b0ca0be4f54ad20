"""Whatever a text or a body holds, it is stored, compared and given back as it is, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from flowmanager.errors import InvalidRequest
from flowmanager.ports import Page, Transaction
from flowmanager.store.engine import Engines
from flowmanager.store.pages import ACTIVEFLOW_FILTERS, FLOW_FILTERS
from flowmanager.store.sql_store import SqlStore
from flowmanager.store.tables import metadata
from tests.contract.store_builders import add, full_flow, message, plain_activeflow

NASTY = (
    "' OR 1=1 -- ",
    "'; DROP TABLE flows; -- ",
    '"; DELETE FROM flows; #',
    "\\",
    "\\'; DROP TABLE answers; -- ",
    "%s %d %% %(key)s {} {0} :key ? __[POSTCOMPILE_keys]",
    "\0\n\r\x1a\t\x08\x7f",
    "*/ ; COMMIT; /*",
    "\u00bf'\u00bf\\",
    "\U0001f600'\u202e",
)
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.sampled_from("'\"\\;%-#/*\0\n\r\x1a`_:?{}()ab\u00bf\U0001f600"), max_size=40),
    st.text(st.characters(codec="utf-8"), max_size=40),
)
BODIES = st.one_of(st.binary(max_size=60), TEXTS.map(str.encode), st.just(bytes(range(256))))
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def listed(ask: Callable[[], list[Any]]) -> list[Any]:
    """Return what is found; a filter that means nothing is refused, which is as good."""
    try:
        return ask()
    except InvalidRequest:
        return []


def counts(engines: Engines) -> dict[str, int]:
    """How many rows each table has; fails when one is gone."""
    with engines.transactions.begin() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


@FEW
@given(text=TEXTS, body=BODIES)
@example(text=NASTY[1], body=bytes(range(256)))
def test_everything_comes_back_as_it_was(store: SqlStore, engines: Engines, text: str, body: bytes) -> None:
    before = counts(engines)
    flow = full_flow(name=text, detail=text, direct_hash=text[:255], tm_delete=None)
    flow = replace(flow, actions=(replace(flow.actions[0], option={text: [text, {"k": text}]}),))
    activeflow = plain_activeflow(variables={f"k{text}": text}, webhook_uri=text)
    add(store, flow, activeflow)
    told = message(activeflow.id, body=body)
    key = f"{text}{activeflow.id}"

    def work(transaction: Transaction) -> None:
        transaction.add_messages([told])
        transaction.add_answer(key, body)

    store.run(work)
    assert store.run(lambda transaction: transaction.get_flow(flow.id)) == flow
    assert store.run(lambda transaction: transaction.get_activeflow(activeflow.id)) == activeflow
    assert store.unpublished([activeflow.id]) == [told]
    assert store.get_answer(key) == body
    made = {"flows": 1, "activeflows": 1, "outbox": 1, "answers": 1}
    assert counts(engines) == {name: number + made.get(name, 0) for name, number in before.items()}


@pytest.mark.parametrize("key", sorted(FLOW_FILTERS | {"deleted", "nothing' OR 1=1 -- "}))
@FEW
@given(text=TEXTS, token=TEXTS)
def test_a_filter_finds_no_flow_but_its_own(store: SqlStore, key: str, text: str, token: str) -> None:
    found = listed(lambda: store.run(lambda transaction: transaction.list_flows(Page(filters={key: text}, size=10))))
    assert all(getattr(one, key, None) == text for one in found)
    listed(lambda: store.run(lambda transaction: transaction.list_flows(Page(token=token, size=10))))


@pytest.mark.parametrize("key", sorted(ACTIVEFLOW_FILTERS))
@FEW
@given(text=TEXTS.filter(len))
def test_a_filter_finds_no_activeflow_but_its_own(store: SqlStore, key: str, text: str) -> None:
    """A text without characters is the id of nobody, and no text in particular."""
    add(store, plain_activeflow())
    page = Page(filters={key: text}, size=10)
    found = listed(lambda: store.run(lambda transaction: transaction.list_activeflows(page)))
    assert all(str(getattr(one, key, "")) == text for one in found)
