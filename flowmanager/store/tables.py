"""The tables. Ids that mean `none` are the zero id, not NULL, where lists filter by them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from flowmanager.store.columns import BYTES, DOCUMENT, KEY, LONG_TEXT, NAME, IdColumn, StacksColumn, TimeColumn

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

metadata = MetaData()

flows = Table(
    "flows",
    metadata,
    Column("id", IdColumn, primary_key=True),
    Column("customer_id", IdColumn, nullable=False),
    Column("type", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("detail", Text, nullable=False),
    Column("persist", Boolean, nullable=False),
    Column("actions", DOCUMENT, nullable=False),
    Column("direct_id", IdColumn, nullable=False),
    Column("direct_hash", String(255), nullable=False),
    Column("on_complete_flow_id", IdColumn, nullable=False),
    Column("on_drop_flow_id", IdColumn, nullable=False),
    Column("tm_create", TimeColumn),
    Column("tm_update", TimeColumn),
    Column("tm_delete", TimeColumn),
    Column("tm_expire", TimeColumn),
    Index("flows_customer", "customer_id", "tm_create", "id"),
    Index("flows_create", "tm_create", "id"),
    Index("flows_expire", "tm_expire"),
    **OPTIONS,
)

activeflows = Table(
    "activeflows",
    metadata,
    Column("id", IdColumn, primary_key=True),
    Column("customer_id", IdColumn, nullable=False),
    Column("flow_id", IdColumn, nullable=False),
    Column("reference_type", NAME, nullable=False),
    Column("reference_id", IdColumn, nullable=False),
    Column("reference_activeflow_id", IdColumn, nullable=False),
    Column("on_complete_flow_id", IdColumn, nullable=False),
    Column("on_drop_flow_id", IdColumn, nullable=False),
    Column("webhook_uri", String(1024), nullable=False),
    Column("webhook_method", String(16), nullable=False),
    Column("after_reference", Boolean, nullable=False),
    Column("status", NAME, nullable=False),
    Column("state", NAME, nullable=False),
    Column("stack_map", StacksColumn, nullable=False),
    Column("stack_depth", Integer, nullable=False),
    Column("current_stack_id", IdColumn, nullable=False),
    Column("cursor_action_id", IdColumn, nullable=False),
    Column("current_action_id", IdColumn, nullable=False),
    Column("current_action", DOCUMENT, nullable=False),
    Column("forward_stack_id", IdColumn, nullable=False),
    Column("forward_action_id", IdColumn, nullable=False),
    Column("variables", DOCUMENT, nullable=False),
    Column("wait_driver", NAME),
    Column("wait_until", TimeColumn),
    Column("covered", Boolean, nullable=False),
    Column("suspension", DOCUMENT),
    Column("turn", DOCUMENT),
    Column("early_signals", DOCUMENT, nullable=False),
    Column("details", DOCUMENT),
    Column("fence", BigInteger, nullable=False),
    Column("owner", IdColumn),
    Column("execute_count", Integer, nullable=False),
    Column("executed_count", Integer, nullable=False),
    Column("reported_count", Integer, nullable=False),
    Column("complete_count", Integer, nullable=False),
    Column("ended_reason", NAME),
    Column("error", DOCUMENT),
    Column("on_complete_blocked", Boolean, nullable=False),
    Column("tm_execute", TimeColumn),
    Column("tm_create", TimeColumn),
    Column("tm_update", TimeColumn),
    Column("tm_end", TimeColumn),
    Column("tm_delete", TimeColumn),
    Index("activeflows_reference", "reference_id", "status"),
    Index("activeflows_customer", "customer_id", "tm_create", "id"),
    Index("activeflows_create", "tm_create", "id"),
    Index("activeflows_wait", "wait_until"),
    Index("activeflows_owner", "state", "owner"),
    Index("activeflows_end", "tm_end"),
    Index("activeflows_starter", "reference_activeflow_id"),
    **OPTIONS,
)

executed_actions = Table(
    "executed_actions",
    metadata,
    Column("activeflow_id", IdColumn, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("action", DOCUMENT, nullable=False),
    Column("result", NAME, nullable=False),
    Column("cause", String(255), nullable=False),
    Column("error", LONG_TEXT, nullable=False),
    Column("tm_execute", TimeColumn),
    Column("tm_end", TimeColumn),
    Column("details", DOCUMENT),
    **OPTIONS,
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", IdColumn, nullable=False),
    Column("activeflow_id", IdColumn, nullable=False),
    Column("kind", NAME, nullable=False),
    Column("target", String(255), nullable=False),
    Column("body", BYTES, nullable=False),
    Column("tm_create", TimeColumn, nullable=False),
    Index("outbox_activeflow", "activeflow_id"),
    sqlite_autoincrement=True,
    **OPTIONS,
)

answers = Table(
    "answers",
    metadata,
    Column("request_key", KEY, primary_key=True),
    Column("body", BYTES, nullable=False),
    Column("tm_expire", TimeColumn, nullable=False),
    Index("answers_expire", "tm_expire"),
    **OPTIONS,
)

workers = Table(
    "workers",
    metadata,
    Column("id", IdColumn, primary_key=True),
    Column("tm_heartbeat", TimeColumn, nullable=False),
    **OPTIONS,
)
