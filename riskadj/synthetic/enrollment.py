"""Enrollment rows: the twelve months of the payment year, cut into spans of constant status."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.synthetic.columns import coded, dates, flags, strings, whole_numbers
from riskadj.synthetic.members import Flags, Members, member_ids, month_starts
from riskadj.synthetic.randomness import Bits
from riskadj.synthetic.recipe import Recipe, load_counties

DUAL_CODES = (None, "NA", "00", "02", "04", "08", "01", "03", "05", "06")
_NOT_DUAL, _FULL, _PARTIAL = (0, 0, 0, 0, 0, 1, 2), (3, 3, 4, 5), (6, 7, 7, 7, 8, 9)
ESRD_STATUS = ("none", "dialysis", "transplant_1", "transplant_2", "transplant_3", "graft")
_DIALYSIS, _TRANSPLANT, _GRAFT = 1, 2, 5
PART_D = ("mapd",)
SEXES = ("M", "F")
ORECS = ("0", "1", "2", "3")
PLANS = ("001", "002", "003", "801", "901")
_SPECIAL_NEEDS, _PACE = 3, 4

Months = npt.NDArray[np.int32]  # shape (n, 12)


@dataclass(frozen=True)
class Year:
    """Status of each member in each month of the payment year; arrays of shape (n, 12)."""

    enrolled: npt.NDArray[np.bool_]
    dual_code: Months  # position in DUAL_CODES
    institutional: npt.NDArray[np.bool_]
    hospice: npt.NDArray[np.bool_]
    esrd: Months  # position in ESRD_STATUS
    graft_months: Months  # 0 outside graft


def event_month(bits: Bits, share: npt.ArrayLike, n: int, earliest: int = 2) -> npt.NDArray[np.int64]:
    """Return the month, `earliest` to 12, of an event that strikes each member with that probability; 99: never."""
    strikes = bits.words(n) < np.minimum(np.asarray(share) * 2.0**32, 2.0**32 - 1).astype(np.uint32)
    return np.where(strikes, earliest + bits.below(n, 13 - earliest), 99)


def _dual_codes(bits: Bits, members: Members, share: dict[str, float]) -> Months:
    n, month = members.n, np.arange(1, 13)
    kinds = [np.array(codes)[bits.below(n, len(codes))] for codes in (_NOT_DUAL, _PARTIAL, _FULL)]
    now = np.choose(members.dual, kinds)
    is_dual = members.dual > 0
    change = event_month(bits, np.where(is_dual, share["loses_dual"], share["gains_dual"]), n)
    later = np.where(is_dual, kinds[0], np.choose(1 + bits.below(n, 2), kinds))
    return np.where(month >= change[:, None], later[:, None], now[:, None]).astype(np.int32)


def _kidney(bits: Bits, members: Members, share: dict[str, float]) -> tuple[Months, Months]:
    n, month = members.n, np.arange(1, 13)
    onset = np.where(members.dialysis, 1, event_month(bits, share["starts_dialysis"] * ~members.graft, n))
    transplant = event_month(bits, share["kidney_transplant"] * members.dialysis, n)
    esrd = np.where(month >= onset[:, None], _DIALYSIS, 0)
    since = month - transplant[:, None]
    esrd = np.where(since >= 0, np.minimum(_TRANSPLANT + since, _GRAFT), esrd)
    graft_months = np.where(esrd == _GRAFT, since + 1, 0)
    esrd = np.where(members.graft[:, None], _GRAFT, esrd)
    graft_months = np.where(members.graft[:, None], members.graft_months[:, None] + month - 1, graft_months)
    return esrd.astype(np.int32), graft_months.astype(np.int32)


def draw_year(recipe: Recipe, seed: tuple[int, ...], block: int, members: Members) -> Year:
    """Return the month-by-month status of the members of a block."""
    bits, share, n = Bits(seed, 3, block), dict(recipe.shares), members.n
    month = np.arange(1, 13)
    settled = members.entry_month == 1
    entry = np.where(
        event_month(bits, share["enters_late"] * settled, n) < 99, 2 + bits.below(n, 11), members.entry_month
    )
    hospice = event_month(bits, share["elects_hospice"] * np.maximum(members.age - 55, 0) / 20, n)
    death = np.minimum(
        hospice + bits.below(n, 4), event_month(bits, share["dies"] * np.maximum(members.age - 50, 2) / 25, n)
    )
    last = np.minimum(death, event_month(bits, share["leaves"], n) - 1)
    last = np.maximum(np.minimum(last, 12), entry)
    gap = event_month(bits, share["returns"], n, earliest=3)
    enrolled = (month >= entry[:, None]) & (month <= last[:, None])
    away = (
        (month >= gap[:, None])
        & (month <= gap[:, None] + 1)
        & (month < last[:, None])
        & (month > entry[:, None])
    )
    in_home = np.where(
        members.institutional, 1, event_month(bits, share["becomes_institutional"] * (members.age > 69), n)
    )
    esrd, graft_months = _kidney(bits, members, share)
    return Year(
        enrolled=enrolled & ~away,
        dual_code=_dual_codes(bits, members, share),
        institutional=month >= in_home[:, None],
        hospice=month >= hospice[:, None],
        esrd=esrd,
        graft_months=graft_months,
    )


def _status(year: Year) -> Months:
    status: Months = (
        year.dual_code * 256 + year.institutional * 128 + year.hospice * 64 + year.esrd * 2
        + (year.graft_months > 9)
    )  # fmt: skip
    return status


def spans(
    status: Months, enrolled: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return member, first and last month (0 to 11) of each run of months with one status, members in order."""
    change = np.ones((len(status), 13), dtype=bool)
    change[:, 1:12] = (status[:, 1:] != status[:, :-1]) | (enrolled[:, 1:] != enrolled[:, :-1])
    member, first = np.nonzero(change[:, :12] & enrolled)
    _, last = np.nonzero(change[:, 1:] & enrolled)
    return member, first, last


def _plans(
    recipe: Recipe, bits: Bits, members: Members, special: Flags
) -> tuple[Flags, Flags, npt.NDArray[np.int64]]:
    n, share = members.n, recipe.shares
    pace = (members.age >= 55) & bits.chances(n, share["pace"])
    special_needs = special & ~pace & bits.chances(n, share["special_needs_plan"])
    plan = bits.below(n, 3)
    return pace, special_needs, np.where(pace, _PACE, np.where(special_needs, _SPECIAL_NEEDS, plan))


def enrollment_table(
    recipe: Recipe, seed: tuple[int, ...], block: int, members: Members, special: Flags, payment_year: int
) -> pa.Table:
    """Return the enrollment extract of one block: a row per member and span of constant status.

    Parameters
    ----------
    special : ndarray of bool, shape (n,)
        Members with a condition that a chronic-condition special needs plan admits.
    """
    year = draw_year(recipe, seed, block, members)
    bits, n = Bits(seed, 4, block), members.n
    pace, special_needs, plan = _plans(recipe, bits, members, special)
    low_income = (members.dual > 0) | bits.chances(n, recipe.shares["low_income_not_dual"])
    counties = load_counties()
    county = counties.choices[bits.halves(n)]
    no_county = bits.chances(n, recipe.shares["missing_county"])
    contracts = sorted({contract for _, contract in counties.codes})
    contract_of_county = np.array([contracts.index(contract) for _, contract in counties.codes])

    row, first, last = spans(_status(year), year.enrolled)
    starts = month_starts(payment_year)
    graft_months = year.graft_months[row, first]
    dual_code = year.dual_code[row, first]
    ids = member_ids(seed, members.first, n)
    return pa.table(
        {
            "member_id": strings(ids[row]),
            "birth_date": dates(members.birth_day[row]),
            "sex": coded(members.female[row], SEXES),
            "enrollment_start_date": dates(starts[first]),
            "enrollment_end_date": dates(starts[last + 1] - 1),
            "orec": coded(members.orec[row], ORECS),
            "dual_status_code": coded(dual_code, DUAL_CODES),
            "is_long_term_institutional": flags(year.institutional[row, first]),
            "is_new_enrollee": flags(members.new_enrollee[row]),
            "is_c_snp": flags(special_needs[row]),
            "is_pace": flags(pace[row]),
            "is_hospice": flags(year.hospice[row, first]),
            "esrd_status": coded(year.esrd[row, first], ESRD_STATUS),
            "graft_months": whole_numbers(graft_months, np.int16, missing=graft_months == 0),
            "is_low_income": flags(low_income[row] | (dual_code > 2)),
            "part_d_plan_type": coded(np.zeros(len(row), dtype=np.int8), PART_D),
            "contract_id": coded(contract_of_county[county[row]], tuple(contracts)),
            "plan_id": coded(plan[row], PLANS),
            "county_code": coded(
                np.where(no_county, len(counties.codes), county)[row],
                (*(code for code, _ in counties.codes), None),
            ),
        }
    )
