"""CMS's ratebook layout: read, priced at a bonus, and refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pricing.errors import InputError
from pricing.medicare.ratebook import county_rates, read_ratebook

TITLES = "Medicare Advantage Monthly Capitation Rates for 2026,,,,,,\nInvented for a test,,,,,,\n"
HEADER = (
    "Code,State,County Name,Parts A&B 5% Bonus 2026 Rate,Parts A&B 3.5% Bonus 2026 Rate,"
    "Parts A&B 0% Bonus 2026 Rate,Parts A&B ESRD 2026 Rate\n"
)
COUNTIES = '01000,ALABAMA,AUTAUGA,"1,369.86","1,336.99","1,260.27","8,984.56"\n'
COUNTIES += "1010,ALABAMA,BALDWIN,1200.5,1180,1100,#N/A\n"


def book(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "CountyRate2026.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_ratebook(tmp_path: Path):
    found = read_ratebook(book(tmp_path, TITLES + HEADER + COUNTIES + ",,,,,,\n"), payment_year=2026)
    assert found.num_rows == 6
    first = found.to_pylist()[0]
    assert first == {
        "county_code": "01000", "state": "ALABAMA", "county": "AUTAUGA", "bonus": 0.05, "rate": 1369.86,
        "esrd_rate": 8984.56,
    }  # fmt: skip
    assert found["esrd_rate"].null_count == 3
    assert county_rates(found, payment_year=2026, stars=4.0) == {"01000": 1369.86, "01010": 1200.5}
    assert county_rates(found, payment_year=2026, stars=3.5) == {"01000": 1260.27, "01010": 1100.0}
    assert county_rates(found, payment_year=2026, stars=None, is_new_plan=True)["01000"] == 1336.99


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "is no ratebook: none of its first 12 lines begins with 'Code'"),
        ("Code,State,County Name,Part A Aged\n1,2,3,4\n", "its header names no bonus"),
        (HEADER.replace("2026", "2025") + COUNTIES, "is the ratebook of 2025, not of 2026"),
        (HEADER, "has no counties below its header"),
        (TITLES + HEADER + COUNTIES.replace("1200.5", "1200,5"), "line 5: 8 cells where the header has 7"),
        (TITLES + HEADER + COUNTIES.replace("1200.5", "-3"), r"line 5: '-3' is no amount above 0"),
        (TITLES + HEADER + COUNTIES.replace("1200.5", "none"), r"line 5: 'none' is no amount in dollars"),
        (TITLES + HEADER + COUNTIES.replace("1200.5", ""), r"line 5: no rate at a bonus of 5.0%"),
        (TITLES + HEADER + COUNTIES.replace("1010", "01000"), "line 5: the county of line 4 again"),
        (TITLES + HEADER + COUNTIES.replace("1010", "AL10"), "line 5: 'AL10' is no county code of 5 digits"),
        (TITLES + HEADER + "01000,ALABAMA\n", "line 4: 2 cells where the header has 7"),
    ],
)
def test_what_is_no_ratebook(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError, match=message):
        read_ratebook(book(tmp_path, text), payment_year=2026)


def test_a_rating_that_does_not_exist_and_a_bonus_that_is_not_there(tmp_path: Path):
    found = read_ratebook(book(tmp_path, HEADER + COUNTIES), payment_year=2026)
    with pytest.raises(InputError, match="star rating of 7 does not exist"):
        county_rates(found, payment_year=2026, stars=7)
    only = found.filter([bonus == 0.0 for bonus in found["bonus"].to_pylist()])
    with pytest.raises(InputError, match=r"no rates at a bonus of 5.0%"):
        county_rates(only, payment_year=2026, stars=5)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_ratebook(tmp_path / "none.csv", payment_year=2026)
