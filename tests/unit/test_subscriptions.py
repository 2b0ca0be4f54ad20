"""Events of other managers, in both formats, become the right signals, and rubbish becomes none."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmanager import subscriptions
from flowmanager.core.ids import NIL
from flowmanager.core.signals import SignalKind
from flowmanager.discover import collect
from flowmanager.errors import InvalidEnvelope
from flowmanager.subscription import CustomerGone, Event, News, Notice, Subscription, decode_event, plain

FLOW = "4d2f8a71-0b9e-4f36-8d0c-c1e5a7b3f920"
CALL = "9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3"
THING = "a15d7c30-94be-4f0a-8d6e-2b7fc93e0d48"
ALL = collect(subscriptions, Subscription)
TABLE = {key: one for one in ALL for key in one.events}


def decode(body: object) -> Event:
    return decode_event(orjson.dumps(body), limit=100_000, depth=50)


def notice(body: object) -> News | None:
    event = decode(body)
    subscription = TABLE.get((event.source, event.name))
    return subscription.read(event) if subscription else None


def told(body: object) -> Notice:
    found = notice(body)
    assert isinstance(found, Notice)
    return found


def own(publisher: str, event_type: str, **data: Any) -> dict[str, Any]:
    """An event in the managers' own format."""
    return {"type": event_type, "publisher": f"{publisher}-manager", "data_type": "application/json", "data": data}


def short(kind: str, event: str, *, data: Any = None, **beside: Any) -> dict[str, Any]:
    """An event in the short format."""
    return {"type": kind, "event": event, **beside, "data": data or {}}


BY_FLOW, BY_CALL = (FLOW, None), (None, CALL)
CASES: list[tuple[dict[str, Any], SignalKind, tuple[str | None, str | None], dict[str, Any]]] = [
    (own("call", "call_hangup", id=CALL, activeflow_id=FLOW), SignalKind.REFERENCE_ENDED, BY_FLOW, {}),
    (own("call", "call_hangup", id=CALL, activeflow_id=NIL), SignalKind.REFERENCE_ENDED, BY_CALL, {}),
    (short("call", "hangup", reference_id=CALL), SignalKind.REFERENCE_ENDED, BY_CALL, {}),
    (short("call", "CallHangup", call_id=CALL), SignalKind.REFERENCE_ENDED, BY_CALL, {}),
    (short("media", "done", call_id=CALL), SignalKind.DONE, BY_CALL, {}),
    (short("media", "done", call_id=CALL, data={"action_id": THING}), SignalKind.DONE, BY_CALL, {"action_id": THING}),
    (short("media", "done", data={"activeflow_id": FLOW}), SignalKind.DONE, BY_FLOW, {}),
    (short("media", "PlaybackFinished", reference_id=CALL), SignalKind.DONE, BY_CALL, {}),
    (own("call", "dtmf_received", call_id=CALL, digit="7"), SignalKind.DIGIT, BY_CALL, {"text": "7"}),
    (short("media", "DTMFReceived", call_id=CALL, data={"digit": "#"}), SignalKind.DIGIT, BY_CALL, {"text": "#"}),
    (short("media", "dtmf", call_id=CALL, digit=5), SignalKind.DIGIT, BY_CALL, {"text": "5"}),
    (short("call", "dtmf", reference_id=CALL, data={"digits": "12*"}), SignalKind.DIGIT, BY_CALL, {"text": "12*"}),
    (short("call", "dtmf_received", activeflow_id=FLOW, digit="0"), SignalKind.DIGIT, BY_FLOW, {"text": "0"}),
    (
        own("call", "confbridge_leaved", id=THING, activeflow_id=FLOW, leaved_call_id=CALL),
        SignalKind.DONE,
        BY_CALL,
        {"action_types": {"confbridge_join"}, "text": THING},
    ),
    (short("call", "BridgeDestroyed", call_id=CALL), SignalKind.DONE, BY_CALL, {"action_types": {"confbridge_join"}}),
    (
        short("call", "bridge_destroyed", data={"activeflow_id": FLOW, "action_id": THING}),
        SignalKind.DONE,
        BY_FLOW,
        {"action_types": {"confbridge_join"}, "action_id": THING},
    ),
    *(
        (
            own("queue", name, id=THING, reference_id=CALL, reference_activeflow_id=FLOW),
            SignalKind.SERVICE_DONE,
            BY_FLOW,
            {"service_id": THING},
        )
        for name in ("queuecall_done", "queuecall_abandoned")
    ),
    *(
        (short("queue", name, reference_id=CALL), SignalKind.SERVICE_DONE, BY_CALL, {"action_types": {"queue_join"}})
        for name in (
            "agent_answered",
            "AgentAnswered",
            "QueueTimeout",
            "queue_timeout",
            "QueueEmpty",
            "timeout",
            "empty",
        )
    ),
    (
        short("queue", "AgentAnswered", activeflow_id=FLOW, data={"queuecall_id": THING}),
        SignalKind.SERVICE_DONE,
        BY_FLOW,
        {"action_types": {"queue_join"}, "service_id": THING},
    ),
    (
        own("ai", "aicall_status_terminated", id=THING, activeflow_id=FLOW),
        SignalKind.SERVICE_DONE,
        BY_FLOW,
        {"service_id": THING},
    ),
    *(
        (short("ai", name, reference_id=CALL), SignalKind.SERVICE_DONE, BY_CALL, {"action_types": {"ai_talk"}})
        for name in ("AITalkComplete", "ai_talk_complete", "talk_complete", "done")
    ),
    (
        short("ai", "done", activeflow_id=FLOW, data={"aicall_id": THING}),
        SignalKind.SERVICE_DONE,
        BY_FLOW,
        {"action_types": {"ai_talk"}, "service_id": THING},
    ),
    (
        own("conference", "conferencecall_leaved", id=THING, activeflow_id=FLOW),
        SignalKind.SERVICE_DONE,
        BY_FLOW,
        {"service_id": THING},
    ),
    *(
        (
            own("call", f"call_{status}", id=CALL, activeflow_id=FLOW),
            SignalKind.VARIABLES,
            BY_FLOW,
            {"variables": {"voipbin.call.status": status}},
        )
        for status in ("dialing", "ringing", "progressing", "terminating", "canceling")
    ),
    *(
        (
            short("call", name, reference_id=CALL),
            SignalKind.VARIABLES,
            BY_CALL,
            {"variables": {"voipbin.call.status": "progressing"}},
        )
        for name in ("answered", "CallAnswered", "call_answered", "progressing")
    ),
    (
        own(
            "call",
            "recording_started",
            id=THING,
            activeflow_id=FLOW,
            reference_type="call",
            reference_id=CALL,
            format="wav",
            recording_name="r1",
            filenames=["a.wav", "b.wav", 3],
        ),
        SignalKind.VARIABLES,
        BY_FLOW,
        {
            "variables": {
                "voipbin.recording.id": THING,
                "voipbin.recording.reference_type": "call",
                "voipbin.recording.reference_id": CALL,
                "voipbin.recording.format": "wav",
                "voipbin.recording.recording_name": "r1",
                "voipbin.recording.filenames": "a.wav,b.wav",
            }
        },
    ),
    (
        own("call", "recording_finished", id=THING, activeflow_id=FLOW, filenames="rubbish"),
        SignalKind.VARIABLES,
        BY_FLOW,
        {"variables": {"voipbin.recording.id": THING}},
    ),
    (
        short("media", "RecordingFinished", call_id=CALL, data={"format": "mp3"}),
        SignalKind.VARIABLES,
        BY_CALL,
        {"variables": {"voipbin.recording.format": "mp3"}},
    ),
    (
        own("transcribe", "transcribe_done", id=THING, activeflow_id=FLOW, text="hello"),
        SignalKind.VARIABLES,
        BY_FLOW,
        {"variables": {"voipbin.transcribe.text": "hello"}},
    ),
    *(
        (
            short(kind, "TranscribeResult", call_id=CALL, data={"message": "hi"}),
            SignalKind.VARIABLES,
            BY_CALL,
            {"variables": {"voipbin.transcribe.text": "hi"}},
        )
        for kind in ("ai", "transcribe")
    ),
]


def name_of(value: object) -> str | None:
    return "-".join(str(value.get(key)) for key in ("type", "event", "publisher")) if isinstance(value, dict) else None


@pytest.mark.parametrize(("body", "kind", "whom", "facts"), CASES, ids=name_of)
def test_an_event_becomes_its_signal(
    body: dict[str, Any], kind: SignalKind, whom: tuple[str | None, str | None], facts: dict[str, Any]
) -> None:
    found = told(body)
    assert (found.signal.kind, (found.activeflow_id, found.reference_id)) == (kind, whom)
    assert {name: getattr(found.signal, name) for name in facts} == facts
    unsaid: dict[str, Any] = {
        "action_id": None,
        "action_types": frozenset(),
        "service_id": None,
        "text": "",
        "variables": {},
    }
    for name, empty in unsaid.items():
        assert name in facts or getattr(found.signal, name) == empty


def test_every_subscribed_event_is_in_the_table() -> None:
    events = [decode(body) for body in (GONE, *(body for body, *_ in CASES))]
    assert {(event.source, event.name) for event in events} >= TABLE.keys() - SAME_AS_OTHERS


GONE = own("customer", "customer_deleted", id=THING, name="Mera", status="deleted")


def test_a_deleted_customer_is_gone() -> None:
    assert notice(GONE) == CustomerGone(THING)


@pytest.mark.parametrize(
    "body",
    [
        *(own("customer", "customer_deleted", id=rubbish) for rubbish in (None, "", NIL, "bad", 5, [THING])),
        own("customer", "customer_deleted", customer_id=THING),
        own("customer", "customer_frozen", id=THING),
        own("other", "customer_deleted", id=THING),
    ],
    ids=name_of,
)
def test_nobody_else_is_gone(body: dict[str, Any]) -> None:
    assert notice(body) is None


SAME_AS_OTHERS = {
    ("call", "actiondone"),
    ("call", "dialing"),
    ("call", "ringing"),
    ("call", "terminating"),
    ("call", "canceling"),
    ("media", "bridgedestroyed"),
    ("media", "recordingstarted"),
    ("media", "transcriberesult"),
    ("transcribe", "result"),
    ("transcribe", "done"),
}
"""Spellings that share the function of an event in the table."""


def test_each_event_is_known_once() -> None:
    assert len(TABLE) == sum(len(one.events) for one in ALL)


@pytest.mark.parametrize(
    "spelling",
    [CALL, CALL.upper(), CALL.replace("-", ""), f"{{{CALL}}}", f"urn:uuid:{CALL}", f"URN:UUID:{CALL.upper()}"],
)
@pytest.mark.parametrize(
    ("kind", "event", "key"),
    [("call", "hangup", "reference_id"), ("media", "done", "call_id"), ("ai", "done", "call_id")],
)
def test_ids_come_in_every_spelling(kind: str, event: str, key: str, spelling: str) -> None:
    assert told(short(kind, event, **{key: spelling})).reference_id == CALL
    assert told(short(kind, event, data={key: spelling})).reference_id == CALL


@pytest.mark.parametrize("rubbish", [None, "", NIL, "call-456", 5, True, ["x"], {"id": CALL}])
@pytest.mark.parametrize("body", [body for body, *_ in CASES], ids=name_of)
def test_an_event_without_usable_ids_is_no_signal(body: dict[str, Any], rubbish: object) -> None:
    spoiled = {key: rubbish if key.endswith("_id") or key == "id" else value for key, value in body.items()}
    spoiled["data"] = {key: rubbish if key.endswith("id") else value for key, value in body["data"].items()}
    assert notice(spoiled) is None


@pytest.mark.parametrize(
    "digit", [None, "", " ", "x", "1 ", "1\n", True, 1.5, ["1"], {"digit": "1"}, "1" * 65, "\u0663"]
)
def test_what_is_not_a_key_is_no_digit(digit: object) -> None:
    assert notice(own("call", "dtmf_received", call_id=CALL, digit=digit)) is None


@pytest.mark.parametrize(
    "body",
    [
        own("tts", "call_hangup", id=CALL, activeflow_id=FLOW),
        own("queue", "call_hangup", id=CALL, activeflow_id=FLOW),
        own("call", "queuecall_done", id=THING, reference_activeflow_id=FLOW),
        own("tts", "recording_finished", id=THING, activeflow_id=FLOW),
        {"type": "call_hangup", "data": {"activeflow_id": FLOW}},
        short("queue", "hangup", reference_id=CALL),
        short("call", "done", reference_id=CALL),
        own("transcribe", "transcribe_done", id=THING, activeflow_id=FLOW),
        own("call", "recording_started", activeflow_id=FLOW),
        own("queue", "queuecall_done", id=THING),
        own("call", "confbridge_leaved", activeflow_id=FLOW, leaved_call_id=NIL),
    ],
    ids=name_of,
)
def test_other_senders_and_events_that_say_too_little_are_ignored(body: dict[str, Any]) -> None:
    assert notice(body) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b"1", b"null", b'{"type":3}', b'{"type":""}', b"{}", b'{"type":"call","data":[1]}', b"\xff"],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidEnvelope):
        decode_event(body, limit=1000, depth=5)


IDS = st.sampled_from([CALL, FLOW, NIL, CALL.upper(), "x", ""])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        *("id", "call_id", "reference_id", "activeflow_id", "reference_activeflow_id", "leaved_call_id", "action_id"),
        *("digit", "digits", "text", "message", "filenames", "format", "service_id", "publisher"),
    ]
)
DATA = st.dictionaries(KEYS, JSON, max_size=6)
NAMES = st.sampled_from(sorted({name for _, name in TABLE}))
SOURCES = st.sampled_from(sorted({source for source, _ in TABLE}))
OWN = st.fixed_dictionaries({"type": NAMES, "publisher": SOURCES.map("{}-manager".format), "data": DATA | JSON})
SHORT = st.builds(
    lambda beside, fixed: {**beside, **fixed},
    DATA,
    st.fixed_dictionaries({"type": SOURCES, "event": NAMES, "data": DATA | JSON}),
)
ANYTHING = st.dictionaries(
    st.sampled_from(["type", "event", "publisher", "data"]) | st.text(max_size=4), JSON, max_size=5
)


@given(body=OWN | SHORT | ANYTHING | JSON)
def test_no_json_makes_any_reader_fail(body: Any) -> None:
    try:
        event = decode(body)
    except InvalidEnvelope:
        return
    for subscription in ALL:
        found = subscription.read(event)
        assert found is None or isinstance(found, CustomerGone) or found.activeflow_id or found.reference_id


@given(name=st.sampled_from(["AgentAnswered", "agent_answered", "agent-answered", "AGENT.ANSWERED"]))
def test_separators_and_case_of_names_do_not_matter(name: str) -> None:
    assert plain(name) == "agentanswered"
