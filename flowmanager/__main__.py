"""`python -m flowmanager`."""

from __future__ import annotations

from flowmanager.cli import main

if __name__ == "__main__":
    main()
