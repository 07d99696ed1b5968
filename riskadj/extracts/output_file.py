"""One file to disk, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from riskadj.errors import OutputExistsError
from riskadj.extracts.write import output_errors


@contextmanager
def output_file(path: str | os.PathLike[str], *, overwrite: bool) -> Iterator[Path]:
    """Give the place to write a file that takes its name when the ``with`` block ends without an error.

    Parameters
    ----------
    path : path
        The file to make, in a directory that exists.
    overwrite : bool
        Replace an earlier file; until the end of the block it stays as it is.

    Yields
    ------
    Path
        A hidden sibling, ``.NAME.partial-PID``.

    Raises
    ------
    OutputExistsError
        At once, if the file exists and may not be replaced.
    OutputError
        It cannot be written there.
    """
    target = Path(path)
    if target.exists() and not overwrite:
        raise OutputExistsError(f"{target} exists; choose another name, or give overwrite=True.")
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        with output_errors(target):
            yield partial
            os.replace(partial, target)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
