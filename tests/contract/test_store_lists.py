"""Lists: pages without gaps, filters, deleted and temporary rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmanager.core.activeflow import Activeflow, ReferenceType, State
from flowmanager.core.flow import Flow
from flowmanager.core.ids import MAIN, NIL
from flowmanager.core.stacks import Place
from flowmanager.errors import InvalidRequest
from flowmanager.ports import NO_BODY, Page, Transaction
from flowmanager.store.pages import parse_token
from flowmanager.store.sql_store import SqlStore
from tests.contract.store_builders import NOON, add, full_activeflow, full_flow, new_id, plain_activeflow

SECOND = timedelta(seconds=1)


def listed(store: SqlStore, size: int = 100, token: str = "", filters: Mapping[str, Any] = NO_BODY) -> list[str]:
    page = Page(size=size, token=token, filters=filters)
    return [found.id for found in store.run(lambda transaction: transaction.list_activeflows(page))]


def listed_flows(store: SqlStore, filters: Mapping[str, Any]) -> list[str]:
    page = Page(size=100, filters=filters)
    return [found.id for found in store.run(lambda transaction: transaction.list_flows(page))]


def token_of(moment: datetime, last_id: str = "") -> str:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"{text},{last_id}" if last_id else text


def test_the_newest_come_first_and_whole(store: SqlStore) -> None:
    old, new = full_activeflow().evolve(tm_create=NOON), full_activeflow().evolve(tm_create=NOON + SECOND)
    add(store, old, new)
    page = Page(size=100)
    assert store.run(lambda transaction: transaction.list_activeflows(page)) == [new, old]


def test_a_list_of_large_records_is_given(store: SqlStore) -> None:
    reference = new_id()
    large = [plain_activeflow(reference_id=reference, variables={"a": "x" * 600_000}) for _ in range(5)]
    others = [plain_activeflow(reference_id=new_id()) for _ in range(100)]
    add(store, *large, *others)
    assert sorted(listed(store, filters={"reference_id": reference})) == sorted(record.id for record in large)


def test_records_without_a_time_come_last(store: SqlStore) -> None:
    timeless, timed = plain_activeflow(tm_create=None), plain_activeflow()
    add(store, timeless, timed)
    assert listed(store) == [timed.id, timeless.id]


def test_a_page_ends_where_its_token_says(store: SqlStore) -> None:
    add(store, *[plain_activeflow(tm_create=NOON + SECOND * number) for number in range(5)])
    everything = listed(store)
    assert listed(store, 2) == everything[:2]
    assert listed(store, 2, token_of(NOON + SECOND * 3)) == everything[2:4]
    assert listed(store, 0) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_with_the_tie_break_lose_no_row_of_the_same_moment(store: SqlStore, size: int) -> None:
    moments = [NOON, NOON, NOON + SECOND, NOON + SECOND, NOON + SECOND, NOON + SECOND, NOON - SECOND]
    records = {record.id: record for record in [plain_activeflow(tm_create=moment) for moment in moments]}
    add(store, *records.values())
    seen: list[str] = []
    page = listed(store, size)
    while page:
        seen += page
        last = records[page[-1]]
        assert last.tm_create is not None
        page = listed(store, size, token_of(last.tm_create, last.id))
    assert seen == sorted(records, key=lambda key: (records[key].tm_create, key), reverse=True)


def test_a_plain_token_excludes_its_whole_moment(store: SqlStore) -> None:
    add(store, plain_activeflow(), plain_activeflow())
    assert listed(store, 10, token_of(NOON)) == []
    assert len(listed(store, 10, token_of(NOON + timedelta(microseconds=1)))) == 2


@pytest.mark.parametrize(
    ("token", "moment"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.5Z", datetime(2026, 3, 1, 12, 0, 0, 500000, tzinfo=UTC)),
        ("2026-03-01T12:00:00.123456Z", NOON),
        ("2026-03-01T12:00:00.123456000Z", NOON),
        ("2026-03-01T12:00:00.123455001Z", NOON),
        ("2026-03-01T12:00:00.999999999Z", datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)),
    ],
)
def test_a_token_may_have_up_to_nine_digits(token: str, moment: datetime) -> None:
    assert parse_token(token) == (moment, None)


@given(moment=st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1)), key=st.uuids())
def test_a_written_token_is_read_back(moment: datetime, key: Any) -> None:
    assert parse_token(f"{moment.isoformat(timespec='microseconds')[:-6]}Z,{key}") == (moment, str(key))


@pytest.mark.parametrize(
    "token",
    [
        "yesterday",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00+00:00",
        "2026-02-30T12:00:00Z",
        "2026-03-01T25:00:00Z",
        "9999-12-31T23:59:59.9999999Z",
        "2026-03-01T12:00:00.1234567890Z",
        "2026-03-01T12:00:00Z,",
        "2026-03-01T12:00:00Z,------------------------------------",
        "2026-03-01T12:00:00Z\n",
        "\u0662\u0660\u0662\u0666-03-01T12:00:00Z",
    ],
)
def test_a_token_that_is_no_time_is_refused(store: SqlStore, token: str) -> None:
    with pytest.raises(InvalidRequest, match="page_token"):
        listed(store, 10, token)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", new_id()),
        ("customer_id", new_id()),
        ("flow_id", new_id()),
        ("reference_id", new_id()),
        ("reference_activeflow_id", new_id()),
        ("on_complete_flow_id", new_id()),
        ("webhook_uri", "https://example.com"),
        ("webhook_method", "POST"),
    ],
)
def test_activeflows_are_filtered_by_their_fields(store: SqlStore, name: str, value: str) -> None:
    wanted = plain_activeflow(**{name: value})
    add(store, wanted, plain_activeflow())
    assert listed(store, filters={name: value}) == [wanted.id]
    assert listed(store, filters={name: value.upper()}) == (
        [wanted.id] if name.endswith("id") or value.isupper() else []
    )


@pytest.mark.parametrize(
    ("filters", "changes"),
    [
        ({"status": "ended"}, {"state": State.ERROR}),
        ({"reference_type": "call"}, {"reference_type": ReferenceType.CALL}),
        ({"current_stack_id": MAIN[:-1] + "7"}, {"cursor": Place(MAIN[:-1] + "7", NIL)}),
        ({"forward_stack_id": MAIN, "forward_action_id": MAIN}, {"forward": Place(MAIN, MAIN)}),
        ({"webhook_uri": "a", "webhook_method": "GET"}, {"webhook_uri": "a", "webhook_method": "GET"}),
    ],
)
def test_activeflows_are_filtered_by_what_they_show(
    store: SqlStore, filters: dict[str, str], changes: dict[str, Any]
) -> None:
    wanted = plain_activeflow(**changes)
    add(store, wanted, plain_activeflow())
    assert listed(store, filters=filters) == [wanted.id]


def test_an_empty_id_means_none(store: SqlStore) -> None:
    free = plain_activeflow()
    add(store, free, plain_activeflow(flow_id=new_id(), forward=Place(MAIN, MAIN)))
    assert listed(store, filters={"flow_id": ""}) == listed(store, filters={"forward_stack_id": NIL}) == [free.id]


@pytest.mark.parametrize(("value", "wanted"), [(True, 1), ("true", 1), (False, 0), ("false", 0), ("yes", 0)])
def test_deleted_ones_are_shown_unless_filtered(store: SqlStore, value: Any, wanted: int) -> None:
    both = [plain_activeflow(), plain_activeflow(tm_delete=NOON)]
    add(store, *both)
    assert listed(store, filters={"deleted": value}) == [both[wanted].id]
    assert len(listed(store)) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nothing", "x"),
        ("stack_depth", "0"),
        ("variables", "x"),
        ("tm_create", "x"),
        ("id; DROP TABLE flows", "x"),
        ("customer_id", "no uuid"),
        ("customer_id", None),
        ("customer_id", 7),
        ("status", None),
        ("status", True),
        ("deleted", None),
        ("deleted", 1),
    ],
)
def test_a_filter_that_cannot_be_used_is_named(store: SqlStore, name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        listed(store, filters={name: value})
    assert refused.value.facts == {"filter": name}
    assert name in refused.value.sentence


def test_temporary_flows_are_in_no_list_and_no_count(store: SqlStore) -> None:
    customer = new_id()
    kept, deleted = full_flow(customer_id=customer, tm_delete=None), full_flow(customer_id=customer, tm_create=NOON)
    temporary = full_flow(customer_id=customer, persist=False, tm_delete=None)
    add(store, kept, deleted, temporary)
    assert sorted(listed_flows(store, filters={"customer_id": customer})) == sorted([kept.id, deleted.id])
    assert listed_flows(store, filters={"customer_id": customer, "deleted": False}) == [kept.id]
    assert store.run(lambda transaction: transaction.count_flows(customer)) == 1
    assert store.run(lambda transaction: transaction.get_flow(temporary.id)) == temporary


@pytest.mark.parametrize(
    "name", ["id", "customer_id", "type", "name", "direct_id", "direct_hash", "on_complete_flow_id"]
)
def test_flows_are_filtered_by_their_fields(store: SqlStore, name: str) -> None:
    wanted = full_flow(type="queue", name="a name", direct_hash="hash", detail="short")
    other = Flow(id=new_id(), persist=True)
    add(store, wanted, other)
    assert listed_flows(store, filters={name: getattr(wanted, name)}) == [wanted.id]
    assert listed_flows(store, filters={"detail": "short"}) == [wanted.id]
    with pytest.raises(InvalidRequest):
        listed_flows(store, filters={"persist": "true"})


def test_the_running_ones_of_a_reference_are_found_oldest_first(store: SqlStore) -> None:
    reference = new_id()
    young = plain_activeflow(reference_id=reference, tm_create=NOON + SECOND)
    old = plain_activeflow(reference_id=reference, state=State.SUSPENDED)
    ended = plain_activeflow(reference_id=reference, state=State.ENDED)
    add(store, young, old, ended, plain_activeflow(reference_id=new_id()))
    assert store.run(lambda transaction: transaction.running_by_reference(reference)) == [old.id, young.id]


def test_the_running_ones_of_a_reference_are_locked_newest_first(store: SqlStore) -> None:
    reference = new_id()
    young = plain_activeflow(reference_id=reference, tm_create=NOON + SECOND)
    old = plain_activeflow(reference_id=reference, state=State.SUSPENDED)
    add(store, young, old, plain_activeflow(reference_id=reference, state=State.ENDED), plain_activeflow())

    def work(transaction: Transaction) -> list[Activeflow]:
        found = transaction.lock_by_reference(reference)
        transaction.save_activeflow(old.evolve(covered=True))
        return found

    assert store.run(work) == [young, old]
    assert store.run(lambda transaction: transaction.get_activeflow(old.id)) == old.evolve(covered=True)
