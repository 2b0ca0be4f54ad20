"""The flow that the tests of `simulate` try: a menu, a queue, a colleague."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner, Result

from flowmanager import demo_flows
from flowmanager.cli import main

AFTER_ID = "a0000000-0000-4000-8000-0000000000af"
FRONT_DESK = demo_flows.ivr_flow(AFTER_ID)
AFTER_CALL = demo_flows.after_call_flow()


def write(folder: Path, name: str, content: Any) -> str:
    """Write a file, JSON unless it is a text, and return its path."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else orjson.dumps(content))
    return str(path)


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["simulate", *arguments])


def play(folder: Path, script: str, flow: Any = None) -> Result:
    """Run the command on a flow with a script."""
    path = write(folder, "flow.json", FRONT_DESK if flow is None else flow)
    write(folder, "after.json", AFTER_CALL)
    return run(path, "--script", write(folder, "caller.yaml", script))
