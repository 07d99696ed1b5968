"""The extracts that benchmarks score: synthetic, seeded, made once per size and order in a working directory."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from riskadj import list_models, load_payment_year, make_synthetic
from riskadj.errors import RiskAdjError
from riskadj.tables.payment_year import PaymentYear

SEED = 20260101
PROGRAM = "medicare_part_c"


def year_of_two_models() -> int:
    """Return the latest payment year in which every policy of the program blends two models."""
    years = sorted({release.payment_year for release in list_models()}, reverse=True)
    for year in years:
        try:
            policies = [item for item in load_payment_year(PROGRAM, year).policies if item.program == PROGRAM]
        except RiskAdjError:
            continue
        if policies and all(len(policy.blend) == 2 for policy in policies):
            return year
    raise ValueError("no payment year blends two models; name one with --payment-year")


def diagnosis_columns(year: PaymentYear, diagnosis_filter: str) -> tuple[str, ...]:
    """Return the columns of the diagnoses that the rules of a year need."""
    columns = ["member_id", "diagnosis_code", "service_date"]
    if diagnosis_filter != "none":
        columns += ["claim_type", "bill_type_code", "procedure_code"]
        columns += ["record_source"] if year.excluded_sources else []
    return tuple(columns)


def make_extracts(directory: Path, *, members: int, order: str, service_year: int) -> Path:
    """Return a directory with enrollment.parquet and diagnoses.parquet; made if it is not there yet."""
    path = directory / f"{members}-{order}-{service_year}"
    if not path.exists():
        partial = path.with_name(path.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        make_synthetic(
            members, seed=SEED, service_year=service_year, directory=partial, order=order, claims=False
        )
        partial.rename(path)
    return path


def repeat_rows(source: Path, target: Path, times: int, columns: Sequence[str]) -> Path:
    """Write every row group of a Parquet file `times` times over; return the new file."""
    with pq.ParquetFile(source) as file:
        codes = [name for name in columns if name not in ("member_id", "service_date")]
        schema = pa.schema([file.schema_arrow.field(name) for name in columns])
        with pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=codes) as writer:
            for group in range(file.metadata.num_row_groups):
                table = file.read_row_group(group, columns=list(columns)).select(list(columns))
                for _ in range(times):
                    writer.write_table(table)
    return target


def count_rows(path: Path) -> int:
    """Return the number of rows of a Parquet file."""
    with pq.ParquetFile(path) as file:
        return file.metadata.num_rows  # type: ignore[no-any-return]
