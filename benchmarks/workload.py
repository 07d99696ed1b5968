"""What every contestant is asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """Which extracts, which rules, where to write.

    Attributes
    ----------
    enrollment, diagnoses : str
        Parquet files.
    output : str
        A directory for riskadj, a Parquet file for the others.
    diagnosis_columns : tuple of str
        Columns of the diagnoses that the rules need: what is read, and what a bare decode decodes.
    """

    enrollment: str
    diagnoses: str
    output: str
    payment_year: int
    diagnosis_filter: str
    diagnosis_columns: tuple[str, ...]
    threads: int
    program: str = "medicare_part_c"
