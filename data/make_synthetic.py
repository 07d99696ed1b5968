"""Make the synthetic extracts; without options, remake those of data/synthetic. See data/README.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from riskadj.synthetic import make_synthetic

HERE = Path(__file__).resolve().parent


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument(
        "--service-year",
        type=int,
        default=2025,
        help="year of diagnoses and claims; enrollment is one year later",
    )
    parser.add_argument("--out", type=Path, default=HERE / "synthetic", help="folder to write to")
    parser.add_argument("--order", choices=["random", "member"], default="random")
    parser.add_argument(
        "--rows-per-group", type=int, default=1_000_000, help="most rows in a Parquet row group"
    )
    parser.add_argument("--no-claims", action="store_true", help="enrollment and diagnoses only")
    return parser.parse_args()


def main() -> None:
    """Write the extracts that the command line asks for."""
    options = _arguments()
    written = make_synthetic(
        options.members,
        seed=options.seed,
        service_year=options.service_year,
        directory=options.out,
        order=options.order,
        rows_per_group=options.rows_per_group,
        claims=not options.no_claims,
    )
    for path in written.values():
        print(path)


if __name__ == "__main__":
    main()
