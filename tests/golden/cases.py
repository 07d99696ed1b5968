"""Files of published and independent cases, and what the engine and the naive scorer say of each.

A file of cases names its model and the payment years it holds for; a new year adds a file, no code. A file of HHS-HCC
stands in the folder of its release: the benefit year and the model are those of the folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

import riskadj
from tests import naive
from tests.members import REAL_MAPS, exact, pairs_table

Case = dict[str, Any]

#: What only the ESRD and Part D cases state.
OTHER_FLAGS = ("mcaid", "is_esrd", "is_long_term_institutional")
#: Rounding that a copy of factors with fewer decimals than the original may leave in each factor, and in the sum.
HALF = Decimal("0.0005")
HERE = Path(__file__).parent


@dataclass(frozen=True)
class GoldenFile:
    """The cases of one release, of program/year/model."""

    place: str
    path: Path

    @property
    def name(self) -> str:
        """Year, model and file, to know it by."""
        return "-".join((*self.place.split("/")[1:], self.path.stem))

    @property
    def folder(self) -> Path:
        """The tables of the release."""
        return REAL_MAPS / self.place

    @property
    def year(self) -> int:
        """Payment or benefit year."""
        return int(self.folder.parent.name[2:])

    @property
    def document(self) -> dict[str, Any]:
        """The file as it stands."""
        return _read(self.path)

    @property
    def cases(self) -> list[Case]:
        """Its cases."""
        return list(self.document["cases"])


@dataclass(frozen=True)
class Difference:
    """Something that a scorer says of a case and the case does not."""

    case_id: str
    what: str
    found: Any
    expected: Any

    @property
    def size(self) -> Decimal:
        """How far two scores are apart; infinite where it is no score that differs."""
        if isinstance(self.found, Decimal) and isinstance(self.expected, Decimal):
            return abs(self.found - self.expected)
        return Decimal("Infinity")


@lru_cache(maxsize=32)
def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return found


def golden_files() -> list[GoldenFile]:
    """Return every file of cases, once for each release that it holds for."""
    found = []
    for path in sorted((HERE / "medicare").rglob("*.json")):
        document = _read(path)
        found += [GoldenFile(f"medicare/py{y}/{document['model']}", path) for y in document["payment_years"]]
    for path in sorted((HERE / "hhs").rglob("*.json")):
        found.append(GoldenFile(path.parent.relative_to(HERE).as_posix(), path))
    return found


def tolerance(golden: GoldenFile, case: Case) -> Decimal:
    """0 where the copy of the factors has the original's decimals; else what rounding each factor can make."""
    if "decimals_of_factors" not in golden.document:
        return Decimal(0)
    return HALF * (len(case["variables"]) + 1)


def beyond_tolerance(golden: GoldenFile, differences: list[Difference]) -> list[Difference]:
    """Return the differences that the decimals of the copied factors do not account for."""
    allowed = {case["id"]: tolerance(golden, case) for case in golden.cases}
    return [item for item in differences if item.size > allowed[item.case_id]]


# --- the engine ------------------------------------------------------------------------------------------------------


def engine_differences(golden: GoldenFile) -> list[Difference]:
    """Return what the engine gives that the cases do not say."""
    return _hhs_differences(golden) if golden.place.startswith("hhs/") else _medicare_differences(golden)


def _medicare_differences(golden: GoldenFile) -> list[Difference]:
    cases = golden.cases
    scores = riskadj.score(
        enrollment=medicare_enrollment(cases),
        diagnoses=pairs_table([(case["id"], code) for case in cases for code in case["dx"]]),
        payment_year=golden.year,
        models=[golden.folder.name],
        segments="all",
    )
    rows = {(row["member_id"], row["segment"]): row for row in scores.model_scores.to_pylist()}
    segments = naive.segments_of(golden.folder)
    assert len(rows) == scores.model_scores.num_rows == len(cases) * len(segments)
    found = []
    for case in cases:
        for segment in segments:
            row = rows[case["id"], segment]
            said = {segment: exact(row["raw_risk_score"]), "age": row["age_years"], "hccs": list(row["hccs"])}
            found += _unlike(case, said, segment)
    return found


def _unlike(case: Case, said: dict[str, Any], segment: str) -> list[Difference]:
    expected = {name: case[name] for name in ("age", "hccs") if name in case}
    if segment in case["raw"]:
        expected[segment] = case["raw"][segment]
    return [
        Difference(case["id"], name, said[name], value)
        for name, value in expected.items()
        if said[name] != value
    ]


def medicare_enrollment(cases: list[Case]) -> pa.Table:
    """Return the enrollment extract of Medicare cases."""
    birth_dates = [date.fromisoformat(case["birth_date"]) if "birth_date" in case else None for case in cases]
    known = "birth_date" if any(birth_dates) else "age_years"
    ages = birth_dates if known == "birth_date" else [case["age_years"] for case in cases]
    return pa.table(
        {
            "member_id": [case["id"] for case in cases],
            known: ages,
            "sex": [case["sex"] for case in cases],
            "orec": [case["orec"] for case in cases],
            "ltimcaid": [bool(case["ltimcaid"]) for case in cases],
            "nemcaid": [bool(case["nemcaid"]) for case in cases],
            "part_d_plan_type": ["mapd"] * len(cases),
            **{name: [bool(case[name]) for case in cases] for name in OTHER_FLAGS if name in cases[0]},
            **{name: [case[name] for case in cases] for name in ("dual_status_code",) if name in cases[0]},
        }
    )


def _hhs_differences(golden: GoldenFile) -> list[Difference]:
    cases = golden.cases
    scores = riskadj.score(
        hhs_enrollment(cases),
        hhs_diagnoses(cases),
        drugs=hhs_drugs(cases),
        payment_year=golden.year,
        program="hhs",
        segments="all",
    )
    rows = {(row["member_id"], row["segment"]): row for row in scores.model_scores.to_pylist()}
    assert len(rows) == scores.model_scores.num_rows == 5 * len(cases)
    paid = {row["member_id"]: row["payment_risk_score"] for row in scores.payment_scores.to_pylist()}
    found = []
    for case in cases:
        said: dict[str, Any] = {
            metal: exact(rows[case["id"], metal]["raw_risk_score"]) for metal in case["raw"]
        }
        expected: dict[str, Any] = dict(case["raw"])
        row = rows[case["id"], case["metal_level"].capitalize()]
        said |= {
            "payment": exact(paid[case["id"]]),
            "hccs": sorted(row["hccs"]),
            "variables": set(row["variables"]),
        }
        if "payment" in case:
            expected["payment"] = case["payment"]
        if "hccs" in case:
            expected |= {"hccs": sorted(case["hccs"]), "variables": _priced(golden, case)}
        found += [
            Difference(case["id"], name, said[name], value)
            for name, value in expected.items()
            if said[name] != value
        ]
    return found


def _priced(golden: GoldenFile, case: Case) -> set[str]:
    """The variables of a case that have a factor other than 0 under its own plan."""
    factors = naive.read_model(str(golden.folder))["factors"]
    sub_model = "Adult" if case["age_years"] >= 21 else "Child" if case["age_years"] >= 2 else "Infant"
    column = f"{sub_model}_{case['metal_level'].capitalize()}"
    return {name for name in case["variables"] if factors[name, column]}


def hhs_enrollment(cases: list[Case]) -> pa.Table:
    """Return the enrollment extract of HHS-HCC cases."""
    names = ("sex", "age_years", "months_enrolled", "metal_level", "csr_indicator")
    return pa.table(
        {"member_id": [case["id"] for case in cases]}
        | {name: [case[name] for case in cases] for name in names}
    )


def hhs_diagnoses(cases: list[Case]) -> pa.Table:
    """Return the diagnoses extract of HHS-HCC cases."""
    rows = [(case["id"], code, case.get("service_date")) for case in cases for code in case["dx"]]
    columns = {"member_id": [row[0] for row in rows], "diagnosis_code": [row[1] for row in rows]}
    if any(row[2] for row in rows):
        columns["service_date"] = [row[2] for row in rows]
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def hhs_drugs(cases: list[Case]) -> pa.Table:
    """Return the drugs extract of HHS-HCC cases."""
    rows = [(case["id"], code, None) for case in cases for code in case.get("ndc", ())]
    rows += [(case["id"], None, code) for case in cases for code in case.get("hcpcs", ())]
    names = ("member_id", "ndc", "hcpcs")
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})


# --- the naive scorer ------------------------------------------------------------------------------------------------


def naive_differences(golden: GoldenFile) -> list[Difference]:
    """Return what the naive scorer gives that the cases do not say."""
    known_of = hhs_member if golden.place.startswith("hhs/") else medicare_member
    year = naive.read_payment_year(str(golden.folder.parent))
    found = []
    for case in golden.cases:
        known = known_of(golden, case)
        for segment, expected in case["raw"].items():
            score = naive.score_member(golden.folder, **known, segment=segment)
            raw = naive.rounded(score["raw"], year, "raw")
            if raw != expected:
                found.append(Difference(case["id"], segment, raw, expected))
            if sorted(score["hccs"]) != sorted(case.get("hccs", score["hccs"])):
                found.append(Difference(case["id"], "hccs", score["hccs"], case["hccs"]))
    return found


def medicare_member(golden: GoldenFile, case: Case) -> dict[str, Any]:
    """Return a Medicare case as the naive scorer takes it."""
    age = case.get("age_years")
    if age is None:
        age = naive.age_in(golden.folder.parent, date.fromisoformat(case["birth_date"]))
    assert age == case.get("age", age)
    known = [name for name in ("orec", "ltimcaid", "nemcaid", *OTHER_FLAGS) if name in case]
    status = naive.status_of_dual_code(case.get("dual_status_code")) | {
        name: str(case[name]) for name in known
    }
    return {"sex": case["sex"], "age": age, "status": status, "codes": case["dx"]}


def hhs_member(golden: GoldenFile, case: Case) -> dict[str, Any]:
    """Return an HHS-HCC case as the naive scorer takes it."""
    day = date.fromisoformat(case["service_date"]) if "service_date" in case else None
    status = {
        "metal_level": case["metal_level"],
        "csr_indicator": case["csr_indicator"],
        "enrollment_duration": str(case["months_enrolled"]),
    }
    return {
        "sex": case["sex"],
        "age": case["age_years"],
        "status": status,
        "codes": [(code, day) for code in case["dx"]],
        "drugs": [(system, code) for system in ("ndc", "hcpcs") for code in case.get(system, ())],
    }
