"""The servers of the tests answer, and do what flowmanager needs of them."""

from __future__ import annotations

from uuid import uuid4

import orjson
from kombu import Connection
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

DOCUMENT = '{"greeting": "grüß Gott", "emoji": "☎", "number": 9007199254740993}'


def test_the_database_says_its_version(database_dsn: str) -> None:
    engine = create_engine(database_dsn)
    with engine.connect() as connection:
        version = connection.scalar(text("SELECT VERSION()"))
    engine.dispose()
    assert version[0].isdigit()


def test_a_json_column_gives_back_as_text_what_it_was_given(fresh_database: str) -> None:
    engine = create_engine(fresh_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE documents (id BINARY(16) PRIMARY KEY, body JSON NOT NULL)"))
        row = {"id": uuid4().bytes, "body": DOCUMENT}
        connection.execute(text("INSERT INTO documents VALUES (:id, :body)"), row)
        stored = connection.scalar(text("SELECT body FROM documents WHERE id = :id"), row)
    engine.dispose()
    assert isinstance(stored, str)
    assert orjson.loads(stored) == orjson.loads(DOCUMENT)


def test_a_fresh_database_is_another_one_than_the_sessions(fresh_database: str, database_dsn: str) -> None:
    assert make_url(fresh_database).database != make_url(database_dsn).database


def test_the_broker_delivers_a_published_message(rabbitmq_address: str) -> None:
    with Connection(rabbitmq_address) as connection:
        with connection.SimpleQueue(f"test-{uuid4()}") as queue:
            queue.put({"hello": "broker"})
            message = queue.get(timeout=10)
            message.ack()
        queue.queue.delete()
    assert message.payload == {"hello": "broker"}
