"""Scores that were made before, from memory or from their directory, a batch at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskadj.errors import ExtractError
from riskadj.results.scores import RUN, Scores, check_lists


@dataclass(frozen=True)
class Scored:
    """The tables of a scoring run and its report; `tables` reads them."""

    run: dict[str, Any]
    _scores: Scores | None
    _folder: Path | None

    @classmethod
    def of(cls, scores: Scores | str | os.PathLike[str]) -> Scored:
        """Return the scores of a run, or those that a directory holds.

        Raises
        ------
        ExtractError
            The directory holds no results of `riskadj score`.
        """
        if isinstance(scores, Scores):
            return cls(scores.run, scores, None)
        folder = Path(scores)
        try:
            return cls(json.loads((folder / RUN).read_text(encoding="utf-8")), None, folder)
        except (OSError, ValueError):
            raise ExtractError(
                f"{folder} holds no {RUN} of a scoring run; give a directory that `riskadj score` wrote."
            ) from None

    def tables(self, name: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the columns of payment_scores or model_scores, a batch at a time."""
        if self._scores is not None:
            for batch in getattr(self._scores, name).select(columns).to_batches():
                yield pa.Table.from_batches([batch])
            return
        assert self._folder is not None
        files = sorted(self._folder.glob(f"{name}*.parquet"))
        if not files:
            raise ExtractError(
                f"{self._folder} holds no {name}.parquet; give a directory that `riskadj score` wrote."
            )
        for file in files:
            yield from _batches(file, columns)

    @property
    def model_ids(self) -> list[str]:
        """Models of the run."""
        return [model["model_id"] for model in self.run["models"]]


def _batches(file: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(file) as opened:
            check_lists(file, opened.schema_arrow.names, columns)
            for group in range(opened.num_row_groups):
                yield opened.read_row_group(group, columns=list(columns))
    except (OSError, pa.ArrowInvalid) as error:
        raise ExtractError(f"{file} cannot be read: {type(error).__name__}; score again.") from None
