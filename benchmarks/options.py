"""Options that benchmarks share."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every benchmark takes."""
    parser.add_argument(
        "--rounds", type=int, default=5, help="timed calls of each contestant; the median is shown"
    )
    parser.add_argument(
        "--payment-year", type=int, help="default: the latest whose policies blend two models"
    )
    parser.add_argument("--diagnosis-filter", choices=["cms", "none"], default="cms")
    parser.add_argument("--work", type=Path, help="keep extracts in this directory and reuse them")


@contextmanager
def working_directory(kept: Path | None) -> Iterator[Path]:
    """Yield the directory for extracts and outputs: `kept`, or one that is removed at the end."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)
