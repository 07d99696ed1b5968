"""Contestants: each module has `score(work)`, which reads the extracts of a workload and writes scores as Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True)
class Contestant:
    """One way to do the work: its title in tables, its module, and the distribution it needs."""

    title: str
    module: str
    distribution: str

    @property
    def version(self) -> str | None:
        """Version of the distribution; None if it is not installed."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None


CONTESTANTS = {
    "decode": Contestant("bare decode", "benchmarks.peers.decode", "pyarrow"),
    "riskadj": Contestant("riskadj", "benchmarks.peers.ours", "riskadj"),
    "riskadj_light": Contestant("riskadj --no-lists", "benchmarks.peers.ours_light", "riskadj"),
    "duckdb": Contestant("DuckDB", "benchmarks.peers.duckdb_sql", "duckdb"),
    "polars": Contestant("Polars", "benchmarks.peers.polars_frames", "polars"),
    "hccinfhir": Contestant("hccinfhir", "benchmarks.peers.hccinfhir_members", "hccinfhir"),
}
