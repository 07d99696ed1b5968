"""The limit: decode the diagnosis columns that scoring needs with pyarrow, a row group per thread, and do nothing else.

Codes stay dictionaries, ids are plain text (as a dictionary they decode two to three times slower in random order).
One `read` of the whole file with pyarrow's own threads takes as long.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq

from benchmarks.workload import Workload

NOT_CODES = ("member_id", "service_date")


def score(work: Workload) -> None:
    """Decode; there are no scores."""
    codes = [name for name in work.diagnosis_columns if name not in NOT_CODES]
    with pq.ParquetFile(work.diagnoses, memory_map=True) as file:
        metadata = file.metadata

    def decode(group: int) -> int:
        with pq.ParquetFile(
            work.diagnoses, metadata=metadata, memory_map=True, read_dictionary=codes
        ) as file:
            table = file.read_row_group(group, columns=list(work.diagnosis_columns), use_threads=False)
            return table.num_rows  # type: ignore[no-any-return]

    with ThreadPoolExecutor(work.threads) as pool:
        n_rows = sum(pool.map(decode, range(metadata.num_row_groups)))
    if n_rows != metadata.num_rows:
        raise ValueError("the decode lost rows")
