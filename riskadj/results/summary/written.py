"""Scores that `riskadj score` wrote, read back a row group at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskadj.errors import ExtractError, ManifestError
from riskadj.extracts.buffers import from_numpy, is_valid, one_chunk, values_of
from riskadj.extracts.parquet_parts import UNREADABLE, damaged
from riskadj.results.scores import MODEL_SCORES, PAYMENT_SCORES, RUN, check_lists
from riskadj.results.summary.groups import labels_of_column
from riskadj.tables.model import ModelTables, load_model

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_NO_DAY = np.int64(-1)


@dataclass(frozen=True)
class WrittenScores:
    """A directory of scores, and the model tables that they were made with.

    Attributes
    ----------
    folder : Path
    run : dict
        The run report, as in run.json.
    models : dict of str to ModelTables
    """

    folder: Path
    run: dict[str, Any]
    models: dict[str, ModelTables]

    @classmethod
    def of(cls, directory: str | Path, *, maps_dir: str | Path | None = None) -> WrittenScores:
        """Open a directory of scores.

        Raises
        ------
        ExtractError
            The directory holds no scores, or they cannot be read.
        ManifestError
            The tables are not those that the scores were made with.
        """
        folder = Path(directory)
        run = read_run(folder, "score", MODEL_SCORES, PAYMENT_SCORES)
        return cls(folder, run, _models(run, maps_dir))

    def payments(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield payment_scores, those of the columns that it has, a row group at a time."""
        yield from row_groups(self.folder / PAYMENT_SCORES, columns)

    def payment_columns(self) -> list[str]:
        """Return the columns of payment_scores."""
        names: list[str] = self._schema().names
        return names

    def id_type(self) -> pa.DataType:
        """Return the type of member ids."""
        return self._schema().field("member_id").type

    def _schema(self) -> pa.Schema:
        with readable(self.folder / PAYMENT_SCORES) as path:
            return pq.read_schema(path)

    def model_rows(self, columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
        """Yield model and columns of those rows of model_scores that pay, a row group at a time."""
        for group in row_groups(self.folder / MODEL_SCORES, ("model_id", "weight", *columns)):
            paid = group.filter(pc.not_equal(group["weight"], 0.0))
            models = labels_of_column(paid["model_id"])
            for model_id in models.names:
                table = paid.filter(from_numpy(models.is_name(model_id), pa.bool_()))
                if table.num_rows:
                    yield model_id, table.select(columns)


def _models(run: dict[str, Any], maps_dir: str | Path | None) -> dict[str, ModelTables]:
    """Return the tables of each model of a run."""
    found = {}
    for entry in run["models"]:
        model = load_model(entry["model_id"], payment_year=run["payment_year"], maps_dir=maps_dir)
        if model.checksums != entry["sha256"]:
            raise ManifestError(
                f"{entry['model_id']}: the scores were made with other tables than those here (checksums differ); "
                "give them as maps_dir= (--maps-dir), or score again."
            )
        found[entry["model_id"]] = model
    return found


def read_run(folder: Path, command: str, *files: str) -> dict[str, Any]:
    """Return the run report of a directory that a command wrote with these files.

    Raises
    ------
    ExtractError
        A file is missing, or the report cannot be read.
    """
    for name in (RUN, *files):
        if not (folder / name).is_file():
            raise ExtractError(f"{folder} has no {name}; give a directory that riskadj {command} wrote.")
    try:
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        run = None
    if not isinstance(run, dict):
        raise ExtractError(f"{folder / RUN} is damaged; run riskadj {command} again.")
    return run


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Raise ExtractError where a Parquet file is read that is damaged."""
    try:
        yield path
    except MemoryError:
        raise
    except UNREADABLE as error:
        raise damaged(path.name, error) from None


def row_groups(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield those of the columns that a file has, a row group at a time."""
    with readable(path), pq.ParquetFile(path) as file:
        check_lists(path, file.schema_arrow.names, columns)
        wanted = [name for name in columns if name in file.schema_arrow.names]
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns=wanted, use_threads=False)


def member_keys(column: pa.ChunkedArray) -> Keys:
    """Return a hash of each member id: different members are told apart without an index of them all."""
    from pandas.util import hash_array

    ids = one_chunk(column).to_numpy(zero_copy_only=False)
    keys: Keys = hash_array(ids, categorize=False)
    return keys


def row_keys(table: pa.Table, members: Keys) -> Keys:
    """Return a hash of member and start of each row: spans of one member do not start together."""
    starts = one_chunk(table["enrollment_start_date"])
    days = np.where(is_valid(starts), values_of(starts), _NO_DAY).astype(np.int64).view(np.uint64)
    keys: Keys = (members ^ (members >> np.uint64(32))) * _SPREAD + days * np.uint64(0xD6E8FEB86659FD93)
    return keys ^ (keys >> np.uint64(29))


def floats_of(column: pa.ChunkedArray) -> Floats:
    """Return numbers, NaN where there is none."""
    array = one_chunk(column)
    return np.where(is_valid(array), values_of(array), np.nan).astype(np.float64)
