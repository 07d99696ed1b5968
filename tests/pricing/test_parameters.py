"""Yearly parameters: numbers of the case list by year, a caller's own numbers, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pricing import load_rates
from pricing.errors import UnknownRateError
from pricing.medicare import defined_standard
from pricing.parameters import COLUMNS


@pytest.mark.parametrize(
    ("month", "share"),
    [
        ("2013-03", 0), ("2013-04", 0.02), ("2014-01", 0.02), ("2020-04", 0.02), ("2020-05", 0), ("2022-03", 0),
        ("2022-04", 0.01), ("2022-06", 0.01), ("2022-07", 0.02), ("2031-12", 0.02),
    ],
)  # fmt: skip
def test_sequestration_by_month(month: str, share: float):
    year, number = (int(part) for part in month.split("-"))
    assert load_rates("medicare", year).number("sequestration", number) == share


@pytest.mark.parametrize(
    ("year", "initial", "catastrophic"),
    [(2025, 1, 1), (2026, 2, 2), (2027, 5, 5), (2028, 8, 8), (2029, 10, 10), (2030, 10, 15), (2031, 10, 20)],
)
@pytest.mark.parametrize("who", ["lis", "small"])
def test_phase_in_of_the_manufacturer_discount(year: int, initial: float, catastrophic: float, who: str):
    """42 USC 1395w-114c(g)(4)(B), (C), percent."""
    rates = load_rates("medicare", year)
    assert 100 * rates.number("part_d_phase_in_initial", who) == pytest.approx(initial)
    assert 100 * rates.number("part_d_phase_in_catastrophic", who) == pytest.approx(catastrophic)


def test_a_year_to_come_takes_the_callers_own_numbers():
    """2028, threshold and deductible made up: 660 + .75 (the rest to 2,400) is paid by others than the enrollee."""
    own = load_rates("medicare", 2028, overrides={"part_d_deductible": 660, "part_d_threshold": 2400})
    found = defined_standard(10_000, payment_year=2028, discount="lis", rates=own)
    initial = (2400 - 660) / 0.25
    above = 10_000 - 660 - initial
    assert float(found.payers["enrollee"][0]) == pytest.approx(2400)
    assert float(found.payers["manufacturer"][0]) == pytest.approx(0.08 * (initial + above))
    assert float(found.gross[0]) == pytest.approx(10_000)
    given = own.parameter("part_d_deductible")
    assert (given.source, given.unit, given.verified) == ("user", "dollars a year", True)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"part_d_deductable": 1},
            r"medicare has no parameter 'part_d_deductable'; nearest: part_d_deductible",
        ),
        (
            {"part_d_initial": 0.25},
            r"'part_d_initial' has keys; give \(name, key\), such as \('part_d_initial', ",
        ),
        ({("part_d_deductible", "a"): 1}, r"parameter 'part_d_deductible' has no keys; 'a' is one"),
    ],
)
def test_numbers_that_nothing_would_read_are_refused(overrides, message, tmp_path: Path):
    with pytest.raises(UnknownRateError, match=message):
        load_rates("medicare", 2026, overrides=overrides)
    place, value = next(iter(overrides.items()))
    name, key = (place, "") if isinstance(place, str) else place
    own = tmp_path / "own.csv"
    own.write_text(f"{','.join(COLUMNS)}\n{name},{key},2026,2026,{value},x,mine,page 1,yes\n")
    with pytest.raises(UnknownRateError, match=message):
        load_rates("medicare", 2026, overrides=own)
