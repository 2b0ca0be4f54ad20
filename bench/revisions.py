"""Other revisions of this tree, in folders of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.room import ROOT


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A folder with a revision. Raises CalledProcessError when there is no such one."""
    with TemporaryDirectory(prefix="flowmanager-bench-") as folder:
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)
