"""Members of tests: one description, read as extract rows by the engine and as plain values by the naive scorer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

from tests import naive

TOY_MAPS = Path(__file__).parent / "toy_maps"
TOY_YEAR = TOY_MAPS / "atlantis" / "py2099"
REAL_MAPS = Path(__file__).parents[1] / "hcc_maps"

DUAL_STATUS_CODES = (None, "00", "01", "02", "03", "04", "05", "06", "08", "09", "NA")
#: Decimals to which the demographic and the disease part agree: after a divisor they are not rounded.
PART_DECIMALS = 9
FLAGS = (
    "is_new_enrollee", "is_long_term_institutional", "is_c_snp", "is_pace", "is_hospice", "is_low_income", "is_esrd",
)  # fmt: skip
#: Columns that the ESRD and Part D models read beside these.
PART_D_PLAN_TYPES = ("mapd", "pdp")
#: A cost-sharing variant that each metal level can have, beside none.
VARIANT_OF_METAL = {"platinum": "6", "gold": "8", "silver": "3", "bronze": "4", "catastrophic": "1"}
#: Ages at which any model changes cell, edit or segment, and the ages beside them.
TELLING_AGES = (
    0, 1, 2, 5, 6, 8, 9, 14, 15, 17, 18, 19, 20, 21, 34, 35, 44, 45, 49, 50, 54, 55, 59, 60, 63, 64,
    65, 66, 67, 68, 69, 70, 74, 75, 79, 80, 84, 85, 89, 90, 94, 95, 110,
)  # fmt: skip
#: Codes that map to nothing: valid without an HCC, or not a code.
CODES_WITHOUT_HCC = ("Z0000", "QQQ", "U071", "Z00.00", " z99.89")


@dataclass(frozen=True)
class Member:
    """One enrollment row and the member's diagnosis codes."""

    member_id: str
    sex: str = "F"
    age_years: int = 70
    codes: tuple[str, ...] = ()
    orec: str = "0"
    dual_status_code: str | None = None
    flags: frozenset[str] = frozenset()
    #: ltimcaid, nemcaid and mcaid given outright, as the official programs take them; None: what the dual status says.
    ltimcaid: bool | None = None
    nemcaid: bool | None = None
    mcaid: bool | None = None
    part_d_plan_type: str = "mapd"
    metal_level: str = "silver"
    #: None or "0": no cost-sharing reduction.
    csr_indicator: str | None = "1"
    months_enrolled: int | None = None
    #: (code system, code) pairs.
    drugs: tuple[tuple[str, str], ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, Any]:
        """The member's row of the enrollment extract."""
        return {
            "member_id": self.member_id,
            "sex": self.sex,
            "age_years": self.age_years,
            "orec": self.orec,
            "dual_status_code": self.dual_status_code,
            **{flag: flag in self.flags for flag in FLAGS},
            "ltimcaid": self.ltimcaid,
            "nemcaid": self.nemcaid,
            "mcaid": self.mcaid,
            "part_d_plan_type": self.part_d_plan_type,
            "metal_level": self.metal_level,
            "csr_indicator": self.csr_indicator,
            **({} if self.months_enrolled is None else {"months_enrolled": self.months_enrolled}),
            **self.extra,
        }

    @property
    def status(self) -> dict[str, str]:
        """The same in status codes, for the naive scorer."""
        status = {"orec": self.orec, **{flag: str(int(flag in self.flags)) for flag in FLAGS}}
        status |= naive.status_of_dual_code(self.dual_status_code)
        status |= {name: getattr(self, name) for name in ("part_d_plan_type", "metal_level")}
        status["csr_indicator"] = self.csr_indicator or "0"
        status["enrollment_duration"] = str(12 if self.months_enrolled is None else self.months_enrolled)
        given = {"ltimcaid": self.ltimcaid, "nemcaid": self.nemcaid, "mcaid": self.mcaid}
        return status | {name: str(int(value)) for name, value in given.items() if value is not None}


_TYPES = {
    "member_id": pa.string(),
    "sex": pa.string(),
    "age_years": pa.int16(),
    "birth_date": pa.date32(),
    "orec": pa.string(),
    "dual_status_code": pa.string(),
    "ltimcaid": pa.bool_(),
    "nemcaid": pa.bool_(),
    "mcaid": pa.bool_(),
    "part_d_plan_type": pa.string(),
    "metal_level": pa.string(),
    "csr_indicator": pa.string(),
} | {flag: pa.bool_() for flag in FLAGS}


def enrollment_table(members: Iterable[Member]) -> pa.Table:
    """Return the enrollment extract of the members, in their order."""
    rows = [member.row for member in members]
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(_TYPES)
    return pa.table({name: pa.array([row.get(name) for row in rows], _TYPES.get(name)) for name in names})


def diagnoses_table(members: Iterable[Member]) -> pa.Table:
    """Return the diagnoses extract of the members."""
    return pairs_table([(member.member_id, code) for member in members for code in member.codes])


def drugs_table(members: Iterable[Member]) -> pa.Table:
    """Return the drugs extract of the members."""
    rows = [(member.member_id, system, code) for member in members for system, code in member.drugs]
    columns = {"member_id": [row[0] for row in rows]}
    columns |= {
        name: [code if system == name else None for _, system, code in rows] for name in ("ndc", "hcpcs")
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def pairs_table(pairs: Sequence[tuple[str, str]]) -> pa.Table:
    """Return a diagnoses extract of (member_id, diagnosis_code) pairs."""
    return pa.table(
        {
            "member_id": pa.array([member_id for member_id, _ in pairs], pa.string()),
            "diagnosis_code": pa.array([code for _, code in pairs], pa.string()),
        }
    )


def exact(score: float | None) -> Decimal | None:
    """Return a score as the decimal number it prints as; a score off by one binary digit prints differently."""
    return None if score is None else Decimal(repr(score))


def naive_model_row(
    year_folder: Path, model_id: str, member: Member, segment: str, edits: str
) -> dict[str, Any]:
    """Return what model_scores must say of one member, model and segment."""
    known = {"sex": member.sex, "age": member.age_years, "status": member.status}
    score = naive.score_member(
        year_folder / model_id, **known, codes=member.codes, drugs=member.drugs, edits=edits, segment=segment
    )
    paid = naive.model_payment_score(year_folder, model_id, score["raw"], segment=segment, **known)
    return {
        "segment": segment,
        "age_years": member.age_years,
        "demographic_score": round(score["demographic"], PART_DECIMALS),
        "disease_score": round(score["disease"], PART_DECIMALS),
        "raw_risk_score": paid["raw"],
        "normalized_risk_score": paid["normalized"],
        "payment_risk_score": paid["payment"],
        "hccs": score["hccs"],
        "variables": score["variables"],
    }


def engine_model_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return one row of model_scores in the same shape."""
    scores = [f"{name}_risk_score" for name in ("raw", "normalized", "payment")]
    return {
        "segment": row["segment"],
        "age_years": row["age_years"],
        **{
            name: round(Decimal(repr(row[name])), PART_DECIMALS)
            for name in ("demographic_score", "disease_score")
        },
        **{name: exact(row[name]) for name in scores},
        "hccs": list(row["hccs"]),
        "variables": set(row["variables"]),
    }


def random_members(random: Random, codes: Sequence[str], n_members: int) -> list[Member]:
    """Return members of every kind, with codes drawn from `codes` and spelt as extracts spell them."""
    return [random_member(random, codes, f"M{number}") for number in range(n_members)]


def random_member(random: Random, codes: Sequence[str], member_id: str) -> Member:
    """Return one random member."""
    n_codes = random.choice((0, 1, 1, 2, 3, 5, 8, 15, 30))
    drawn = [spelt(random, random.choice(codes)) for _ in range(n_codes)]
    drawn += [random.choice(CODES_WITHOUT_HCC) for _ in range(random.choice((0, 0, 1)))]
    metal = random.choice(list(VARIANT_OF_METAL))
    return Member(
        member_id,
        sex=random.choice("MF"),
        age_years=random.choice((*TELLING_AGES, random.randrange(111))),
        codes=tuple(drawn),
        orec=random.choice("0123"),
        dual_status_code=random.choice(DUAL_STATUS_CODES),
        flags=frozenset(flag for flag in FLAGS if random.random() < 0.2),
        ltimcaid=random.choice((None, None, True, False)),
        nemcaid=random.choice((None, None, True, False)),
        mcaid=random.choice((None, None, True, False)),
        part_d_plan_type=random.choice(PART_D_PLAN_TYPES),
        metal_level=metal,
        csr_indicator=random.choice((None, "0", "1", VARIANT_OF_METAL[metal])),
    )


def spelt(random: Random, code: str) -> str:
    """Return a code with the dots, blanks and case that extracts have."""
    manner = random.randrange(6)
    if manner == 0:
        return code.lower()
    if manner == 1 and len(code) > 3:
        return f"{code[:3]}.{code[3:]}"
    if manner == 2:
        return f" {code} "
    return code


def some_drugs(random: Random, known: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return drug codes as often of the few HCPCS codes as of the many NDCs."""
    short = [pair for pair in known if pair[0] == "hcpcs"]
    return tuple(random.choice(random.choice((known, short))) for _ in range(random.choice((0, 1, 3))))
