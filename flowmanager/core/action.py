"""One step of a flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import FINISH, NIL, START, Id

Option = Mapping[str, Any]


@frozen
class Action:
    """An action: `next_id` NIL means the following array item; `option` None means that none was given."""

    id: Id
    type: str = ""
    option: Option | None = None
    next_id: Id = NIL


START_ACTION = Action(START)
FINISH_ACTION = Action(FINISH)
BLOCK_ANSWER = Action(NIL)
"""What a caller is told when the flow stands on a `block`."""
