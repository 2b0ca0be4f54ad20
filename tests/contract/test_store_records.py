"""What is stored comes back the same."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, insert

from flowmanager.core.activeflow import Activeflow, Step, StepResult
from flowmanager.core.flow import Flow
from flowmanager.core.ids import Id
from flowmanager.core.signals import SignalKind
from flowmanager.core.stacks import StackMap
from flowmanager.ports import MessageKind, Transaction
from flowmanager.store.columns import IdColumn, dump_json
from flowmanager.store.documents import (
    dump_action,
    dump_signal,
    dump_stacks,
    load_action,
    load_signal,
    load_stacks,
)
from flowmanager.store.engine import Engines
from flowmanager.store.prepared import prepare
from flowmanager.store.records import CAUSE_CHARACTERS, activeflow_columns
from flowmanager.store.sql_store import SqlStore
from flowmanager.store.tables import activeflows
from tests.contract.store_builders import (
    ODD_TEXT,
    action,
    full_activeflow,
    full_flow,
    full_signal,
    message,
    nested_stacks,
    new_id,
    plain_activeflow,
    step,
)

TEXTS = st.text(st.characters(codec="utf-8"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False)
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=10)
on_a_database = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
CHANGEABLE = [field.name for field in fields(Activeflow) if field.name != "id"]


def insert_and_get(store: SqlStore, activeflow: Activeflow) -> Activeflow | None:
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))
    return store.run(lambda transaction: transaction.get_activeflow(activeflow.id))


@pytest.mark.parametrize("build", [plain_activeflow, full_activeflow])
def test_an_activeflow_comes_back_the_same(store: SqlStore, build: Any) -> None:
    activeflow = build()
    assert insert_and_get(store, activeflow) == activeflow


@pytest.mark.parametrize("name", CHANGEABLE)
def test_each_field_can_be_changed_alone(store: SqlStore, name: str) -> None:
    before = plain_activeflow()
    after = before.evolve(**{name: getattr(full_activeflow(), name)})
    store.run(lambda transaction: transaction.insert_activeflow(before))

    def change(transaction: Any) -> None:
        transaction.lock_activeflow(before.id)
        transaction.save_activeflow(after)

    store.run(change)
    assert store.run(lambda transaction: transaction.get_activeflow(before.id)) == after


@pytest.mark.parametrize("name", CHANGEABLE)
def test_each_field_can_be_taken_back(store: SqlStore, name: str) -> None:
    before = full_activeflow()
    after = before.evolve(**{name: getattr(plain_activeflow(), name)})
    store.run(lambda transaction: transaction.insert_activeflow(before))

    def change(transaction: Any) -> None:
        transaction.lock_activeflow(before.id)
        transaction.save_activeflow(after)

    store.run(change)
    assert store.run(lambda transaction: transaction.get_activeflow(before.id)) == after


def test_a_locked_activeflow_is_the_stored_one(store: SqlStore) -> None:
    activeflow = full_activeflow()
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))
    assert store.run(lambda transaction: transaction.lock_activeflow(activeflow.id)) == activeflow


@on_a_database
@given(value=JSON)
def test_any_json_value_survives_in_an_option(store: SqlStore, value: Any) -> None:
    activeflow = plain_activeflow(stacks=StackMap.of((action({"value": value}),)))
    found = insert_and_get(store, activeflow)
    assert found is not None
    assert repr_sorted(found.stacks) == repr_sorted(activeflow.stacks)


@on_a_database
@given(variables=st.dictionaries(TEXTS, TEXTS))
def test_any_text_survives_as_a_variable(store: SqlStore, variables: dict[str, str]) -> None:
    found = insert_and_get(store, plain_activeflow(variables=variables))
    assert found is not None
    assert found.variables == variables


@pytest.mark.parametrize("build", [full_flow, lambda: Flow(id=new_id())])
def test_a_flow_comes_back_the_same(store: SqlStore, build: Any) -> None:
    flow = build()
    store.run(lambda transaction: transaction.insert_flow(flow))
    assert store.run(lambda transaction: transaction.get_flow(flow.id)) == flow
    assert store.run(lambda transaction: transaction.lock_flow(flow.id)) == flow


def test_a_changed_flow_comes_back_changed(store: SqlStore) -> None:
    flow = Flow(id=new_id())
    store.run(lambda transaction: transaction.insert_flow(flow))
    changed = full_flow(id=flow.id)
    store.run(lambda transaction: transaction.update_flow(changed))
    assert store.run(lambda transaction: transaction.get_flow(flow.id)) == changed


def test_what_does_not_exist_is_not_found(store: SqlStore) -> None:
    found = store.run(
        lambda transaction: (
            transaction.get_flow(new_id()),
            transaction.lock_flow(new_id()),
            transaction.get_activeflow(new_id()),
            transaction.lock_activeflow(new_id()),
        )
    )
    assert found == (None, None, None, None)
    assert store.get_answer("unknown") is None


def test_steps_come_back_the_same_and_in_order(store: SqlStore) -> None:
    activeflow_id, steps = new_id(), [step(0), step(1), Step(2, action(), StepResult.DONE, "")]
    store.run(lambda transaction: transaction.append_steps(activeflow_id, steps[:2]))
    store.run(lambda transaction: transaction.append_steps(activeflow_id, steps[2:]))
    assert store.run(lambda transaction: transaction.get_steps([activeflow_id])) == {activeflow_id: steps}


def test_steps_are_found_by_activeflow_and_from_a_number_on(store: SqlStore) -> None:
    first, second, unknown, third = new_id(), new_id(), new_id(), new_id()
    histories = {first: [step(0), step(1)], second: [step(0)], third: [step(0), step(1)]}
    for activeflow_id, steps in histories.items():
        store.run(partial(append, activeflow_id, steps))
    found = store.run(lambda transaction: transaction.get_steps([first, second, unknown], since=1))
    assert found == {first: histories[first][1:], second: [], unknown: []}


def test_details_come_back_only_when_they_are_asked_for(store: SqlStore) -> None:
    """Lists and events do not tell them; a trace reads a part of the history."""
    activeflow_id, told = new_id(), {"variables": {"a": ODD_TEXT}, "attempts": 2}
    steps = [step(0), replace(step(1), details=told), step(2)]
    store.run(partial(append, activeflow_id, steps))
    assert store.run(lambda transaction: transaction.get_trace(activeflow_id, since=1, until=3)) == steps[1:]
    assert store.run(lambda transaction: transaction.get_trace(activeflow_id, since=0, until=1)) == steps[:1]
    plain = store.run(lambda transaction: transaction.get_steps([activeflow_id], since=1))[activeflow_id][0]
    assert plain == replace(steps[1], details=None)


def test_no_steps_are_no_work(store: SqlStore) -> None:
    store.run(lambda transaction: transaction.append_steps(new_id(), []))
    assert store.run(lambda transaction: transaction.get_steps([])) == {}


def test_a_long_cause_is_cut(store: SqlStore) -> None:
    activeflow_id, long = new_id(), Step(0, action(), StepResult.DONE, "😀" * 300, error="e" * 100_000)
    store.run(lambda transaction: transaction.append_steps(activeflow_id, [long]))
    found = store.run(lambda transaction: transaction.get_steps([activeflow_id]))[activeflow_id][0]
    assert found.cause == "😀" * CAUSE_CHARACTERS
    assert found.error == long.error


def test_messages_come_back_the_same(store: SqlStore) -> None:
    activeflow_id = new_id()
    messages = [
        message(activeflow_id, body=bytes(range(256)) * 1000),
        message(activeflow_id, kind=MessageKind.REQUEST, target="call", body=b""),
    ]
    store.run(lambda transaction: transaction.add_messages(messages))
    assert store.unpublished([activeflow_id]) == messages


@pytest.mark.parametrize("key", ["short", "", ODD_TEXT, "k" * 128, "k" * 129, "😀" * 1000, "trailing ", "\ud800"])
def test_an_answer_is_found_by_exactly_its_key(store: SqlStore, key: str) -> None:
    body = bytes(range(256)) * 300
    store.run(lambda transaction: transaction.add_answer(key, body))
    assert store.get_answer(key) == body
    assert [store.get_answer(other) for other in (key + " ", key + "x", "K" * 128)] == [None, None, None]


def test_columns_for_lists_and_people_are_derived() -> None:
    columns = activeflow_columns(full_activeflow())
    assert (columns["status"], columns["stack_depth"]) == ("ended", 1)
    assert activeflow_columns(plain_activeflow())["status"] == "running"


def test_a_column_that_nobody_gives_is_null(engines: Engines) -> None:
    """The next version may have added it."""
    later = Table("flows", MetaData(), Column("id", IdColumn), Column("label", String(255)), Column("n", Integer))
    prepared = prepare(insert(later), engines.transactions.dialect, ["id", "label", "n"])
    _text, values = prepared.with_values({"id": new_id(), "n": 5})
    assert values[1:] in ([None, 5], ["NULL", "5"])


def test_every_column_is_written() -> None:
    assert activeflow_columns(full_activeflow()).keys() == set(activeflows.c.keys())


@pytest.mark.parametrize(
    ("value", "dump", "load"),
    [
        (action({"a": 1}), dump_action, load_action),
        (full_signal(), dump_signal, load_signal),
        (nested_stacks(), dump_stacks, load_stacks),
    ],
)
def test_unknown_keys_of_newer_or_older_rows_are_tolerated(value: Any, dump: Any, load: Any) -> None:
    document = dump(value)
    inner = document.values() if dump is dump_stacks else [document]
    assert load({**document} if dump is dump_stacks else {**document, "new": 1}) == value
    for part in inner:
        part["new"] = {}
    assert load(document) == value


def test_missing_optional_keys_of_older_rows_are_tolerated() -> None:
    identity = new_id()
    assert load_action({"id": identity}).option is None
    assert load_signal({"kind": "done", "cause": "x"}).kind is SignalKind.DONE


def test_what_is_no_json_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        dump_json({"a": object()})


def append(activeflow_id: Id, steps: list[Step], transaction: Transaction) -> None:
    transaction.append_steps(activeflow_id, steps)


def repr_sorted(stacks: StackMap) -> str:
    """Tell 1, 1.0 and True apart, but not the order of keys, which MySQL does not keep."""
    return repr([marked(one.option) for frame in stacks.frames.values() for one in frame.actions])


def marked(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, marked(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return [marked(inner) for inner in value]
    return 0.0 if value == 0 and isinstance(value, float) else value
