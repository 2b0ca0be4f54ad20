"""What is written on a message: incoming deliveries, outgoing letters, and the answer of a peer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

import orjson

from flowmanager.core.frozen import frozen
from flowmanager.errors import PeerError, PeerGarbled
from flowmanager.ports import Ask, Message, MessageKind
from flowmanager.schemas.envelopes import deeper_than
from flowmanager.transport.names import NAMES, REDELIVERED, SERVICE, Names

PERSISTENT = 2
LARGEST = 16_777_216
"""Bytes of another manager's answer, which read takes ten times as much; newer brokers refuse larger messages."""
DEEPEST = 64
"""Levels of it: what it says is stored, and the database refuses JSON of 100 levels and more."""
REASON_CHARACTERS = 1000
"""More could exceed the frame that holds all headers, and the broker would close the connection."""
KEPT_PROPERTIES = ("message_id", "correlation_id", "reply_to")
REASON, QUEUE, TIME, CUT = "x-reason", "x-queue", "x-time", "x-cut"
"""Headers of a parked message: why it is there, from which queue, since when, and its size when not all was kept."""


@frozen(kw_only=True)
class Delivery:
    """A message that was taken from a queue and is not acknowledged yet."""

    queue: str
    body: bytes
    reply_to: str = ""
    correlation_id: str = ""
    message_id: str = ""
    redelivered: bool = False
    headers: Mapping[str, Any] = field(default_factory=dict)
    tag: Any = None
    """What the broker calls it on this connection."""


@frozen(kw_only=True)
class Letter:
    """A message to be sent. Without an exchange the routing key is the name of a queue."""

    body: bytes
    routing_key: str = ""
    exchange: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    mandatory: bool = False
    """Have it returned when no queue takes it."""


def read_delivery(message: Any, queue: str) -> Delivery:
    """Read a kombu message."""
    properties, headers = message.properties, message.headers or {}
    return Delivery(
        queue=queue,
        body=as_bytes(message.body),
        reply_to=properties.get("reply_to") or "",
        correlation_id=properties.get("correlation_id") or "",
        message_id=properties.get("message_id") or "",
        redelivered=bool((message.delivery_info or {}).get("redelivered") or headers.get(REDELIVERED)),
        headers=headers,
        tag=message.delivery_tag,
    )


def as_bytes(body: bytes | str | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def reply_letter(delivery: Delivery, body: bytes) -> Letter:
    """The answer to a request that has a `reply_to`."""
    properties = {"correlation_id": delivery.correlation_id} if delivery.correlation_id else {}
    return Letter(body=body, routing_key=delivery.reply_to, properties=properties)


def request_letter(ask: Ask, *, names: Names = NAMES) -> Letter:
    """A request that somebody waits for; who sends it adds the address of the answer."""
    properties = {"message_id": ask.key} if ask.key else {}
    return Letter(
        body=request_body(ask),
        routing_key=names.request_queue(ask.peer),
        properties=properties,
        headers=ask.headers,
        mandatory=True,
    )


def request_body(ask: Ask, *, publisher: str = SERVICE) -> bytes:
    """The envelope of a request; `data` and `request_id` are left out when there are none."""
    has_body = ask.body is not None
    envelope: dict[str, Any] = {
        "uri": ask.uri,
        "method": ask.method,
        "publisher": publisher,
        "data_type": "application/json" if has_body or ask.json else "",
    }
    if has_body:
        envelope["data"] = ask.body
    if ask.key:
        envelope["request_id"] = ask.key
    return orjson.dumps(envelope)


def message_letter(message: Message, *, names: Names = NAMES) -> Letter:
    """A message of the outbox: an event to our exchange or a request that nobody answers."""
    properties = {"message_id": message.id, "delivery_mode": PERSISTENT}
    if message.kind is MessageKind.EVENT:
        return Letter(body=message.body, exchange=names.event, properties=properties, headers=message.headers)
    queue = names.request_queue(message.target)
    return Letter(body=message.body, routing_key=queue, properties=properties, headers=message.headers)


def dead_letter(delivery: Delivery, why: str, *, names: Names = NAMES, most: int | None = None) -> Letter:
    """A message nobody could handle, with the reason, the queue it came from and the time; of its body at most `most`
    bytes.
    """
    headers = {REASON: why[:REASON_CHARACTERS], QUEUE: delivery.queue, TIME: datetime.now(UTC).isoformat()}
    if most is not None and len(delivery.body) > most:
        headers[CUT] = str(len(delivery.body))
    return Letter(
        body=delivery.body[:most],
        routing_key=names.dead,
        properties=kept_properties(delivery),
        headers=headers,
        mandatory=True,
    )


def crowd_letter(delivery: Delivery, *, names: Names = NAMES) -> Letter:
    """A request on its way to the queue of the crowd, with everything that matters of what it came with."""
    return Letter(
        body=delivery.body,
        routing_key=names.crowd,
        properties=kept_properties(delivery),
        headers=delivery.headers,
        mandatory=True,
    )


def replay_letter(parked: Delivery, queue: str) -> Letter:
    """A parked message on its way back to a queue, with the properties that it came with."""
    return Letter(body=parked.body, routing_key=queue, properties=kept_properties(parked), mandatory=True)


def kept_properties(delivery: Delivery) -> dict[str, Any]:
    """What stays on a message while it is parked and sent back."""
    known = {name: getattr(delivery, name) for name in KEPT_PROPERTIES}
    return {"delivery_mode": PERSISTENT, **{name: value for name, value in known.items() if value}}


def read_answer(peer: str, body: bytes) -> Any:
    """Return the `data` of a good answer, else None. Raises PeerError for a status of 300 and more, PeerGarbled."""
    if len(body) > LARGEST:
        raise PeerGarbled(peer, f"it is larger than {LARGEST} bytes")
    answer = parse_answer(peer, body)
    if deeper_than(answer, DEEPEST):
        raise PeerGarbled(peer, "it is nested too deep")
    if answer["status_code"] < 300:
        return answer.get("data")
    typed = answer.get("data") if answer.get("data_type") == "voipbin_error" else None
    raise PeerError(peer, answer["status_code"], typed if isinstance(typed, Mapping) else None)


def parse_answer(peer: str, body: bytes) -> dict[str, Any]:
    """Return the envelope of an answer. Raises PeerGarbled."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise PeerGarbled(peer, "not JSON") from error
    if not isinstance(answer, dict):
        raise PeerGarbled(peer, "not an object")
    if type(answer.get("status_code")) is not int:
        raise PeerGarbled(peer, "no status_code")
    return answer
