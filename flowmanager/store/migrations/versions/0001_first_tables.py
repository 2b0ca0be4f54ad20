"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from flowmanager.store.columns import BYTES, DOCUMENT, KEY, LONG_TEXT, NAME, IdColumn, TimeColumn

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create all tables."""
    create_flows()
    create_activeflows()
    create_executed_actions()
    create_outbox()
    create_answers()
    create_workers()


def downgrade() -> None:
    """Drop all tables."""
    op.drop_table("workers")
    op.drop_table("answers")
    op.drop_table("outbox")
    op.drop_table("executed_actions")
    op.drop_table("activeflows")
    op.drop_table("flows")


def create_flows() -> None:
    """Create the table flows."""
    op.create_table(
        "flows",
        sa.Column("id", IdColumn, primary_key=True),
        sa.Column("customer_id", IdColumn, nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("persist", sa.Boolean, nullable=False),
        sa.Column("actions", DOCUMENT, nullable=False),
        sa.Column("direct_id", IdColumn, nullable=False),
        sa.Column("direct_hash", sa.String(255), nullable=False),
        sa.Column("on_complete_flow_id", IdColumn, nullable=False),
        sa.Column("on_drop_flow_id", IdColumn, nullable=False),
        sa.Column("tm_create", TimeColumn),
        sa.Column("tm_update", TimeColumn),
        sa.Column("tm_delete", TimeColumn),
        sa.Column("tm_expire", TimeColumn),
        **OPTIONS,
    )
    op.create_index("flows_customer", "flows", ["customer_id", "tm_create", "id"])
    op.create_index("flows_create", "flows", ["tm_create", "id"])
    op.create_index("flows_expire", "flows", ["tm_expire"])


def create_activeflows() -> None:
    """Create the table activeflows."""
    op.create_table(
        "activeflows",
        sa.Column("id", IdColumn, primary_key=True),
        sa.Column("customer_id", IdColumn, nullable=False),
        sa.Column("flow_id", IdColumn, nullable=False),
        sa.Column("reference_type", NAME, nullable=False),
        sa.Column("reference_id", IdColumn, nullable=False),
        sa.Column("reference_activeflow_id", IdColumn, nullable=False),
        sa.Column("on_complete_flow_id", IdColumn, nullable=False),
        sa.Column("on_drop_flow_id", IdColumn, nullable=False),
        sa.Column("webhook_uri", sa.String(1024), nullable=False),
        sa.Column("webhook_method", sa.String(16), nullable=False),
        sa.Column("after_reference", sa.Boolean, nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("stack_map", DOCUMENT, nullable=False),
        sa.Column("stack_depth", sa.Integer, nullable=False),
        sa.Column("current_stack_id", IdColumn, nullable=False),
        sa.Column("cursor_action_id", IdColumn, nullable=False),
        sa.Column("current_action_id", IdColumn, nullable=False),
        sa.Column("current_action", DOCUMENT, nullable=False),
        sa.Column("forward_stack_id", IdColumn, nullable=False),
        sa.Column("forward_action_id", IdColumn, nullable=False),
        sa.Column("variables", DOCUMENT, nullable=False),
        sa.Column("wait_driver", NAME),
        sa.Column("wait_until", TimeColumn),
        sa.Column("covered", sa.Boolean(), nullable=False),
        sa.Column("suspension", DOCUMENT),
        sa.Column("turn", DOCUMENT),
        sa.Column("early_signals", DOCUMENT, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("owner", IdColumn),
        sa.Column("execute_count", sa.Integer, nullable=False),
        sa.Column("executed_count", sa.Integer, nullable=False),
        sa.Column("reported_count", sa.Integer, nullable=False),
        sa.Column("complete_count", sa.Integer, nullable=False),
        sa.Column("ended_reason", NAME),
        sa.Column("error", DOCUMENT),
        sa.Column("on_complete_blocked", sa.Boolean, nullable=False),
        sa.Column("tm_execute", TimeColumn),
        sa.Column("tm_create", TimeColumn),
        sa.Column("tm_update", TimeColumn),
        sa.Column("tm_end", TimeColumn),
        sa.Column("tm_delete", TimeColumn),
        **OPTIONS,
    )
    op.create_index("activeflows_reference", "activeflows", ["reference_id", "status"])
    op.create_index("activeflows_customer", "activeflows", ["customer_id", "tm_create", "id"])
    op.create_index("activeflows_create", "activeflows", ["tm_create", "id"])
    op.create_index("activeflows_wait", "activeflows", ["wait_until"])
    op.create_index("activeflows_owner", "activeflows", ["state", "owner"])


def create_executed_actions() -> None:
    """Create the table executed_actions."""
    op.create_table(
        "executed_actions",
        sa.Column("activeflow_id", IdColumn, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("action", DOCUMENT, nullable=False),
        sa.Column("result", NAME, nullable=False),
        sa.Column("cause", sa.String(255), nullable=False),
        sa.Column("error", LONG_TEXT, nullable=False),
        sa.Column("tm_execute", TimeColumn),
        sa.Column("tm_end", TimeColumn),
        **OPTIONS,
    )


def create_outbox() -> None:
    """Create the table outbox."""
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", IdColumn, nullable=False),
        sa.Column("activeflow_id", IdColumn, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("body", BYTES, nullable=False),
        sa.Column("tm_create", TimeColumn, nullable=False),
        sqlite_autoincrement=True,
        **OPTIONS,
    )
    op.create_index("outbox_id", "outbox", ["id"], unique=True)
    op.create_index("outbox_activeflow", "outbox", ["activeflow_id"])


def create_answers() -> None:
    """Create the table answers."""
    op.create_table(
        "answers",
        sa.Column("request_key", KEY, primary_key=True),
        sa.Column("body", BYTES, nullable=False),
        sa.Column("tm_expire", TimeColumn, nullable=False),
        **OPTIONS,
    )
    op.create_index("answers_expire", "answers", ["tm_expire"])


def create_workers() -> None:
    """Create the table workers."""
    op.create_table(
        "workers",
        sa.Column("id", IdColumn, primary_key=True),
        sa.Column("tm_heartbeat", TimeColumn, nullable=False),
        **OPTIONS,
    )
