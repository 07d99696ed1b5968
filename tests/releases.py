"""Releases as tests see them: which are final, which codes tell them apart, numbers lent to those without."""

from __future__ import annotations

import shutil
from pathlib import Path

import riskadj
from tests import naive
from tests.members import REAL_MAPS


def final_models() -> list[str]:
    """Return the folders of every final release, as program/year/model."""
    folders = [release.folder for release in riskadj.list_models()]
    return ["/".join(folder.parts[-3:]) for folder in folders if _status(folder) == "final"]


def _status(folder: Path) -> str:
    return naive.read_model(str(folder))["manifest"]["status"]


def telling_codes(folder: Path) -> list[str]:
    """Codes of a release, those with several HCCs or with a condition as often as all others together."""
    diagnoses = naive.read_model(str(folder))["diagnoses"]
    special = [code for code, rows in diagnoses.items() if len(rows) > 1 or any(list(rows[0].values())[2:])]
    by_hcc = {row["hcc"]: code for code, rows in diagnoses.items() for row in rows}
    plain = list(by_hcc.values()) * 3 + sorted(diagnoses)[::7]
    return plain + special * max(1, len(plain) // max(1, len(special)))


def drug_codes(folder: Path) -> list[tuple[str, str]]:
    """(code system, code) of each drug code of a release."""
    return [(row["code_system"], row["code"]) for row in naive.read_model(str(folder))["drug_mappings"]]


def maps_with_numbers(place: str, directory: Path) -> Path:
    """Return the maps directory that scores a release: the library's, or one in `directory` with numbers lent."""
    if (REAL_MAPS / place).parent.joinpath("payment_year.toml").exists():
        return REAL_MAPS
    lend_numbers(place, directory)
    return directory


def lend_numbers(place: str, maps: Path) -> None:
    """Copy a release whose year has no numbers of its own, with the numbers of a later year, re-dated."""
    shutil.copytree(REAL_MAPS / place, maps / place)
    lender = min(path for path in REAL_MAPS.glob("medicare/py*/payment_year.toml"))
    text = lender.read_text(encoding="utf-8").partition("[tables.")[0]
    year, lent = place.split("/")[1][2:], lender.parent.name[2:]
    (maps / place).parent.joinpath("payment_year.toml").write_text(
        text.replace(f"year = {lent}", f"year = {year}").replace(f'"{lent}-', f'"{year}-'), encoding="utf-8"
    )
