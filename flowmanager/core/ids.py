"""Ids are canonical lower-case uuid texts; a few of them are reserved and mean a place instead of a thing."""

from __future__ import annotations

Id = str

NIL: Id = "00000000-0000-0000-0000-000000000000"
"""No id: `generate one` or `none` in requests, the placeholder of a block in answers."""
START: Id = "00000000-0000-0000-0000-000000000001"
"""The place before the first action of a stack."""
FINISH: Id = "00000000-0000-0000-0000-000000000002"
"""The pseudo action at the end of a flow."""
NEXT: Id = "00000000-0000-0000-0000-000000000003"
"""Reserved: other implementations mean "go on" by it."""
MAIN: Id = START
"""The stack that holds the actions of the flow itself."""
