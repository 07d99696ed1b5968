"""Make the synthetic extracts; `--program` alone remakes the bundled ones of a program. See data/README.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from riskadj.synthetic import make_synthetic

HERE = Path(__file__).resolve().parent
#: The bundled extracts: folder and year of service of each program.
BUNDLED = {"medicare_part_c": ("synthetic", 2025), "hhs": ("synthetic_aca", 2026)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", choices=[*BUNDLED], default="medicare_part_c")
    parser.add_argument("--members", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument(
        "--service-year",
        type=int,
        help="year of diagnoses and claims; enrollment is one year later, or for hhs of the same year",
    )
    parser.add_argument("--out", type=Path, help="folder to write to")
    parser.add_argument("--order", choices=["random", "member"], default="random")
    parser.add_argument(
        "--rows-per-group", type=int, default=1_000_000, help="most rows in a Parquet row group"
    )
    parser.add_argument("--no-claims", action="store_true", help="enrollment and diagnoses only")
    return parser.parse_args()


def main() -> None:
    """Write the extracts that the command line asks for."""
    options = _arguments()
    folder, year = BUNDLED[options.program]
    written = make_synthetic(
        options.members,
        seed=options.seed,
        service_year=year if options.service_year is None else options.service_year,
        program=options.program,
        directory=options.out or HERE / folder,
        order=options.order,
        rows_per_group=options.rows_per_group,
        claims=not options.no_claims,
    )
    for path in written.values():
        print(path)


if __name__ == "__main__":
    main()
