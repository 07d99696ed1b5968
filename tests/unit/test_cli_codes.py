"""`riskadj maps codes` against the lines of the mappings themselves."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.cli_runs import run
from tests.members import TOY_MAPS


def naive_codes(maps_dir: Path) -> list[tuple[str, str, str, str]]:
    """Return code, year, model and HCC of every line of every mappings.csv, in no order."""
    found = []
    for path in maps_dir.rglob("mappings.csv"):
        year, model = path.parent.parent.name.removeprefix("py"), path.parent.name
        with path.open(newline="", encoding="utf-8") as file:
            found += [(row["icd10"], year, model, row["hcc"]) for row in csv.DictReader(file)]
    return found


def test_codes_as_csv_are_every_line_of_every_mapping() -> None:
    done = run("maps", "codes", "--format", "csv", "--maps-dir", TOY_MAPS)
    assert done.status == 0
    rows = list(csv.DictReader(done.out.splitlines()))
    found = [(row["icd10"], row["payment_year"], row["model_id"], row["hcc"]) for row in rows]
    assert sorted(found) == sorted(naive_codes(TOY_MAPS))


def test_a_code_is_looked_up_in_any_spelling() -> None:
    done = run("maps", "codes", "q5.3", "Q05", "Z99.9", "--maps-dir", TOY_MAPS)
    assert (done.status, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    for code, _, model, hcc in naive_codes(TOY_MAPS):
        assert any(line[:4] == [code, "2099", model, hcc] for line in lines) is (code in ("Q53", "Q05"))
    (kept,) = {" ".join(line[-7:]) for line in lines if line[:1] == ["Q53"]}
    assert kept.endswith("sex M, age_max 17, mce_age_min 2")
    assert "Z99.9: no model has an HCC for it" in done.out


def test_no_code_is_refused_where_it_would_print_every_one() -> None:
    done = run("maps", "codes", "--maps-dir", TOY_MAPS)
    assert (done.status, done.err.split(":")[0]) == (2, "OptionError")
