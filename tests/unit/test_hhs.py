"""Rules that came with HHS-HCC, on an invented model whose sums are worked by hand, and the extracts of its program."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import riskadj
from riskadj.errors import ColumnMissingError, OptionError, RiskAdjError, UnknownModelError
from riskadj.scoring.drugs import clean_ndc
from riskadj.tables.check import check_all
from riskadj.tables.importers.writing import Manifest, SourceFile, TableOrigin, write_tables
from tests.members import exact

#: Table -> header and rows. Shells are adults from 21; pearls children of 2 to 20; eggs infants.
TABLES: dict[str, str] = {
    "mappings": """icd10,hcc,sex,age_min,age_max,mce_age_min,mce_age_max,valid_from,valid_to
        A01,SEA_HCC1,,,,,,, A02,SEA_HCC2,,,,,,, A03,SEA_HCC3,,,,,,, A05,SEA_HCC5,,,,,,, A06,SEA_HCC6,,,,,,,
        A07,SEA_HCC3,,,,,,2098-10-01, A08,SEA_HCC3,,,,,,,2098-09-30""",
    "drug_mappings": """code_system,code,hcc,age_min,age_max
        hcpcs,J0001,PEARL_1,21, ndc,00012345678,PEARL_1,21,""",
    "hierarchies": """hcc,drops
        SEA_HCC3,PEARL_1""",
    "exclusions": """hcc,age_min,age_max
        SEA_HCC6,2,""",
    "labels": """hcc,label,payment,counted
        SEA_HCC1,Coral,1,1 SEA_HCC2,Reef,1,1 SEA_HCC3,Storm,1,1 SEA_HCC5,Salt,1,0 SEA_HCC6,Hatchling,1,1
        PEARL_1,Pearl,0,0""",
    "groups": """group,hcc,age_min,age_max,counted
        G1,SEA_HCC1,2,,1 G1,SEA_HCC2,2,,1 SEVERE,SEA_HCC3,,,0 EARLY,SEA_HCC6,,,0 ILL,SEA_HCC1,,,0 ILL,SEA_HCC3,,,0""",
    "demographics": """variable,sex,age_min,age_max,orec,enrollment_duration
        SHELL,,21,,, CHILD,,2,20,, EGG,,,1,, EGG_MALE,M,,1,, MONTHS_2,,21,,,2""",
    "counts": """variable,hccs_min,hccs_max
        HCCS_1PLUS,1, HCCS_2,2,2""",
    "interactions": """interaction,term,absent
        SHORT,MONTHS_2,0 SHORT,HCCS_1PLUS,0 STORM_2,SEVERE,0 STORM_2,HCCS_2,0 WELL,EGG,0 WELL,ILL,1
        EARLY_WELL,WELL,0 EARLY_WELL,EARLY,0 LATE_WELL,WELL,0 LATE_WELL,EARLY,1 SICK,EGG,0 SICK,ILL,0
        BOY,EGG_MALE,0 BOY,EARLY,1""",
    "segments": """segment,factor_column,metal_level,age_min,age_max
        Gold,Shell_Gold,gold,21, Gold,Young_Gold,gold,,20
        Silver,Shell_Silver,silver|platinum|bronze|catastrophic,21,
        Silver,Young_Silver,silver|platinum|bronze|catastrophic,,20""",
    "relative_factors": """variable,segment,factor
        SHELL,Shell_Gold,0.2 SHELL,Shell_Silver,0.1 CHILD,Young_Gold,0.15 CHILD,Young_Silver,0.05
        G1,Shell_Silver,1.01 G1,Young_Silver,2.01 SEA_HCC3,Shell_Silver,4.003 SEA_HCC5,Shell_Silver,0.5
        PEARL_1,Shell_Silver,0.25 STORM_2,Shell_Silver,-1 SHORT,Shell_Silver,0.75
        EARLY_WELL,Young_Silver,30 EARLY_WELL,Young_Gold,31 LATE_WELL,Young_Silver,0.4 LATE_WELL,Young_Gold,0.5
        SICK,Young_Silver,9 SICK,Young_Gold,10 BOY,Young_Silver,0.07 BOY,Young_Gold,0.08""",
}  # fmt: skip

YEAR = """
[payment_year]
program = "lemuria"
year = 2098
title = "Lemuria benefit year 2098"
[[sources]]
id = "tablet"
title = "The pearl tablets"
publisher = "The council of Lemuria"
carried_by = "invented for the tests"
[age_as_of]
value = "2098-12-31"
at = "end_of_enrollment"
source = "tablet"
where = "tablet 1"
[collection]
start = "2098-01-01"
end = "2098-12-31"
source = "tablet"
where = "tablet 1"
[enrollment_duration]
last_days = [31, 62, 92, 123, 153, 184, 214, 245, 275, 306, 335, 366]
source = "tablet"
where = "tablet 1"
[rounding]
decimals = 3
after = ["raw", "cost_sharing", "blend"]
source = "tablet"
where = "tablet 1"
[[normalization]]
model = "toy_aca"
value = "1"
source = "tablet"
where = "none"
[[coding_intensity]]
model = "toy_aca"
value = "0"
source = "tablet"
where = "none"
[[cost_sharing]]
model = "toy_aca"
value = "1"
when = { csr_indicator = "0|1" }
source = "tablet"
where = "tablet 2"
[[cost_sharing]]
model = "toy_aca"
value = "1.12"
segments = "Silver"
when = { csr_indicator = "3" }
source = "tablet"
where = "tablet 2"
[[policy]]
program = "lemuria"
name = "Market"
blend = [{ model = "toy_aca", weight = "1" }]
source = "tablet"
where = "tablet 3"
"""


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("maps")
    folder = root / "lemuria" / "by2098" / "toy_aca"
    tables = {}
    for name, text in TABLES.items():
        header, *cells = text.split()
        columns = header.split(",")
        tables[name] = [dict(zip(columns, row.split(","), strict=True)) for row in cells]
    source = SourceFile("tablet", "The pearl tablets", "The council", "invented for the tests", "0")
    origins = {name: TableOrigin("tablet", "tablet 4") for name in tables}
    manifest = Manifest(
        "toy_aca", "Toy", 2098, "sequential", program="lemuria", sources=[source], tables=origins
    )
    write_tables(folder, tables, manifest)
    (folder.parent / "payment_year.toml").write_text(YEAR, encoding="utf-8")
    return root


def score(
    maps: Path | None, row: dict[str, Any], codes: tuple[Any, ...] = (), **options: Any
) -> riskadj.Scores:
    """Score one member; a code is a diagnosis code, or a pair of it and its service date."""
    given = {
        "member_id": "A",
        "sex": "F",
        "age_years": 40,
        "metal_level": "silver",
        "csr_indicator": "1",
    } | row
    pairs = [code if isinstance(code, tuple) else (code, None) for code in codes]
    diagnoses = {"member_id": ["A"] * len(pairs), "diagnosis_code": [code for code, _ in pairs]}
    if any(day for _, day in pairs):
        diagnoses["service_date"] = [day for _, day in pairs]
    tables = {name: pa.array(values, pa.string()) for name, values in diagnoses.items()}
    program = {"program": "lemuria", "payment_year": 2098, "maps_dir": maps}
    return riskadj.score(rows_of(given), pa.table(tables), **program, **options)


def rows_of(given: dict[str, Any]) -> pa.Table:
    """A value that is a list stands for several rows."""
    n_rows = max([len(value) for value in given.values() if isinstance(value, list)], default=1)
    columns = {name: value if isinstance(value, list) else [value] * n_rows for name, value in given.items()}
    return pa.table(columns)


def result(scores: riskadj.Scores) -> tuple[Decimal | None, Decimal | None, set[str], list[str]]:
    (row,) = scores.model_scores.to_pylist()
    names = ("raw_risk_score", "payment_risk_score")
    return (*(exact(row[name]) for name in names), set(row["variables"]), list(row["hccs"]))


def test_invented_model_keeps_every_law(maps: Path) -> None:
    assert check_all(maps) == []


def test_group_counts_once_and_prices_its_hccs(maps: Path) -> None:
    """0.1 + group 1.01 + storm 4.003 + two of them -1; the two grouped HCCs count as one."""
    raw, _, variables, hccs = result(score(maps, {}, ("A01", "A02", "A03")))
    assert (raw, variables) == (Decimal("4.113"), {"SHELL", "G1", "SEA_HCC3", "STORM_2"})
    assert hccs == ["SEA_HCC1", "SEA_HCC2", "SEA_HCC3"]


def test_hcc_that_is_not_counted_is_still_priced(maps: Path) -> None:
    """Salt (0.5) beside storm: one HCC counts, not two."""
    raw, _, variables, _ = result(score(maps, {}, ("A03", "A05")))
    assert (raw, variables) == (Decimal("4.603"), {"SHELL", "SEA_HCC3", "SEA_HCC5"})


def test_cost_sharing_multiplies_the_sum_before_it_is_rounded(maps: Path) -> None:
    """(0.1 + 4.003) x 1.12 = 4.59536."""
    raw, payment, _, _ = result(score(maps, {"csr_indicator": 3}, ("A03",)))
    assert (raw, payment) == (Decimal("4.103"), Decimal("4.595"))


def test_sub_model_leaves_an_hcc_out_and_drops_nothing_else(maps: Path) -> None:
    raw, _, variables, hccs = result(score(maps, {"age_years": 12}, ("A06", "A02")))
    assert (raw, variables, hccs) == (Decimal("2.06"), {"CHILD", "G1"}, ["SEA_HCC2"])


@pytest.mark.parametrize(
    ("sex", "codes", "raw", "variables"),
    [
        ("F", (), "0.4", {"LATE_WELL"}),
        ("M", (), "0.47", {"LATE_WELL", "BOY"}),
        ("M", ("A06",), "30", {"EARLY_WELL"}),
        ("F", ("A06", "A01"), "9", {"SICK"}),  # infants are not grouped
    ],
)
def test_terms_that_must_be_off(
    maps: Path, sex: str, codes: tuple[str, ...], raw: str, variables: set[str]
) -> None:
    found = result(score(maps, {"sex": sex, "age_years": 0}, codes))
    assert (found[0], found[2]) == (Decimal(raw), variables)


def test_factor_that_needs_no_diagnosis_is_demographic(maps: Path) -> None:
    (row,) = score(maps, {"sex": "M", "age_years": 0}).model_scores.to_pylist()
    assert (row["demographic_score"], row["disease_score"]) == (0.47, 0)


@pytest.mark.parametrize(
    ("code", "day", "counts"),
    [
        ("A07", "2098-09-30", False),
        ("A07", "2098-10-01", True),
        ("A08", "2098-09-30", True),
        ("A08", "2098-10-01", False),
        ("A07", None, True),
        ("A08", None, True),
        ("A03", "2097-12-31", False),
    ],
)
def test_code_counts_on_the_days_on_which_it_is_valid(
    maps: Path, code: str, day: str | None, counts: bool
) -> None:
    scores = score(maps, {}, ((code, day),))
    assert ("SEA_HCC3" in result(scores)[2]) is counts
    found = scores.run["counts"]["diagnoses"]
    in_window = day is None or day >= "2098-01-01"
    assert (found["rows_mapped"], found["rows_unmapped"]) == (int(counts), int(in_window and not counts))


def test_explanation_says_why_a_code_or_an_hcc_is_not_there(maps: Path) -> None:
    enrollment = rows_of(
        {
            "member_id": "A",
            "sex": "F",
            "age_years": 12,
            "metal_level": "silver",
            "csr_indicator": "1",
            "x": ["1"],
        }
    )
    diagnoses = pa.table(
        {
            "member_id": ["A", "A"],
            "diagnosis_code": ["A07", "A06"],
            "service_date": ["2098-02-01", "2098-02-01"],
        }
    )
    drugs = pa.table({"member_id": ["A"], "hcpcs": ["j0001"]})
    text = str(
        riskadj.explain(
            enrollment,
            diagnoses,
            drugs=drugs,
            member_id="A",
            payment_year=2098,
            program="lemuria",
            maps_dir=maps,
        )
    )
    assert "the code is not valid on these dates" in text
    assert "left out: no HCC of members of this age or status" in text
    assert "not given: asks age 21 or more" in text


# --- enrollment ---


@pytest.mark.parametrize(
    ("last_day", "months"), [("01-31", 1), ("02-01", 2), ("03-03", 2), ("03-04", 3), ("12-31", 12)]
)
def test_duration_follows_from_days(maps: Path, last_day: str, months: int) -> None:
    span = {"enrollment_start_date": "2098-01-01", "enrollment_end_date": f"2098-{last_day}"}
    variables = result(score(maps, span, ("A05", "A03")))[2]
    assert ("SHORT" in variables) is (months == 2)


@pytest.mark.parametrize(
    ("plans", "short"),
    [
        (("12345CA0010001", "12345CA0020001-03"), False),  # 59 + 30 days with one issuer
        (("12345CA0010001", "54321CA0010001"), True),  # 59 days with the first, 30 with the second
    ],
)
def test_plan_switch_inside_an_issuer_adds_up(maps: Path, plans: tuple[str, str], short: bool) -> None:
    rows = {
        "enrollment_start_date": ["2098-01-01", "2098-03-01"],
        "enrollment_end_date": ["2098-02-28", "2098-03-30"],
        "plan_id": list(plans),
    }
    scores = score(maps, rows, ("A03",))
    assert ["SHORT" in row["variables"] for row in scores.model_scores.to_pylist()] == [short, False]


def test_age_is_that_on_the_last_day_with_the_issuer(maps: Path) -> None:
    rows = {
        "age_years": None,
        "birth_date": "2077-06-15",
        "enrollment_start_date": ["2098-01-01", "2098-04-01"],
        "enrollment_end_date": ["2098-03-31", None],
        "issuer_id": ["11111", "22222"],
    }
    ages = score(maps, rows).model_scores["age_years"].to_pylist()
    assert ages == [20, 21]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"metal_level": "gold", "csr_indicator": "3"}, "the plan's metal level cannot have this csr_indicator"),
        ({"metal_level": "tin"}, "column 'metal_level'"),
        ({"csr_indicator": "12"}, "column 'csr_indicator'"),
        ({"plan_id": "12345CA001"}, "plan_id is no HIOS plan id (14 characters, or 16 with the variant)"),
        ({"issuer_id": "CA123"}, "issuer_id is no HIOS issuer id (5 digits)"),
        ({"plan_id": "12345CA0010001", "issuer_id": "54321"}, "issuer_id is not the issuer in plan_id"),
        (
            {
                "age_years": None, "birth_date": "2098-08-01", "enrollment_start_date": "2098-01-01",
                "enrollment_end_date": "2098-06-30",
            },
            "birth_date lies after enrollment_end_date",
        ),
    ],
)  # fmt: skip
def test_rows_that_cannot_be(maps: Path, row: dict[str, Any], words: str) -> None:
    with pytest.raises(RiskAdjError) as caught:
        score(maps, row)
    assert words in str(caught.value)


@pytest.mark.parametrize("spelling", ["Silver", " SILVER", "s", "S"])
def test_metal_levels_are_read_in_any_spelling(maps: Path, spelling: str) -> None:
    assert result(score(maps, {"metal_level": spelling}))[0] == Decimal("0.1")


@pytest.mark.parametrize("blank", [None, "", " ", "0", 0])
def test_no_cost_sharing_reduction_may_be_blank_or_0(maps: Path, blank: Any) -> None:
    """(0.1 + 4.003) x 1: the factor of code 0, in the year's own table."""
    raw, payment, _, _ = result(score(maps, {"csr_indicator": blank}, ("A03",)))
    assert (raw, payment) == (Decimal("4.103"), Decimal("4.103"))


def test_blank_cost_sharing_is_no_choice_of_a_year_whose_table_has_no_0(maps: Path, tmp_path: Path) -> None:
    shutil.copytree(maps, tmp_path / "maps")
    year = tmp_path / "maps" / "lemuria" / "by2098" / "payment_year.toml"
    year.write_text(year.read_text(encoding="utf-8").replace("0|1", "1"), encoding="utf-8")
    with pytest.raises(RiskAdjError, match="metal level cannot have this csr_indicator"):
        score(tmp_path / "maps", {"csr_indicator": None})


@pytest.mark.parametrize("benefit_year", [2022, 2023, 2024, 2025, 2026])
@pytest.mark.parametrize("metal", ["platinum", "gold", "silver", "bronze", "catastrophic"])
def test_no_reduction_leaves_the_sum_as_it_is_in_every_benefit_year(benefit_year: int, metal: str) -> None:
    rows = pa.table({"member_id": ["A", "B"], "sex": ["F", "F"], "age_years": [40, 40], "metal_level": [metal] * 2,
                     "csr_indicator": [None, "0"]})  # fmt: skip
    diagnoses = pa.table({"member_id": ["A", "B"], "diagnosis_code": ["E119"] * 2})
    scores = riskadj.score(rows, diagnoses, payment_year=benefit_year, program="hhs").model_scores
    assert scores["raw_risk_score"].to_pylist() == scores["payment_risk_score"].to_pylist()


def test_model_of_another_program_is_refused() -> None:
    with pytest.raises(UnknownModelError, match="is a model of hhs"):
        riskadj.score(
            rows_of({"member_id": ["A"], "sex": "F", "age_years": 40}),
            pa.table({"member_id": ["A"], "diagnosis_code": ["I10"]}),
            payment_year=2026,
            models=["hhs_hcc_v08"],
        )


# --- drugs ---


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("00012345678", "00012345678"),
        ("12345678", "00012345678"),
        ("0001-2345-67", "00001234567"),
        ("12345-678-90", "12345067890"),
        ("12345-6789-0", "12345678900"),
        ("12345-6789-01", "12345678901"),
        ("00117a52902", "00117A52902"),
        (" 12345678.0 ", "00012345678"),
        ("123", None),
        ("123456789012", None),
        ("1234-567-890", None),
        ("00000000000", None),
        ("UNKNOWN", None),
    ],
)
def test_ndc_is_read_in_its_eleven_characters(written: str, code: str | None) -> None:
    assert clean_ndc(written) == code


def test_drugs_count_by_code_date_and_age(maps: Path) -> None:
    drugs = pa.table(
        {
            "member_id": ["A", "A", "A", "A", "B", "A", "A"],
            "ndc": ["0001-2345-678", None, "12345678", "99999999999", "12345678", "nothing", None],
            "hcpcs": [None, "J0001", "J9999", None, None, None, None],
            "fill_date": ["2097-12-31"] + ["2098-05-05"] * 6,
        }
    )
    drugs = drugs.set_column(1, "ndc", [["12345678", *drugs["ndc"].to_pylist()[1:]]])
    scores = score(maps, {}, (), drugs=drugs, rejects="write")
    assert result(scores)[2] == {"SHELL", "PEARL_1"}
    found = scores.run["counts"]["drugs"]
    assert found["file_rows_read"] == 7
    assert found["rows_read"] == 8  # one row has two codes
    assert found["rows_outside_collection"] == 1
    assert (found["rows_mapped"], found["rows_unmapped"], found["rows_rejected"]) == (2, 2, 3)
    assert found["rows_read"] == found["rows_used"] + found["rows_rejected"]
    reasons = scores.rejects.select(["row_number", "reason"]).to_pylist()
    assert sorted((row["row_number"], row["reason"]) for row in reasons) == [
        (5, "member_not_enrolled"), (6, "ndc_malformed"), (7, "drug_code_missing"),
    ]  # fmt: skip
    young = score(maps, {"age_years": 12}, (), drugs=drugs, rejects="write")
    assert result(young)[2] == {"CHILD"}


def test_hcc_removes_a_drug_category(maps: Path) -> None:
    drugs = pa.table({"member_id": ["A"], "hcpcs": ["J0001"]})
    assert result(score(maps, {}, ("A03",), drugs=drugs))[2] == {"SHELL", "SEA_HCC3"}


def test_malformed_drug_codes_stop_a_run_that_stops(maps: Path) -> None:
    drugs = pa.table({"member_id": ["A"], "ndc": ["12"]})
    with pytest.raises(RiskAdjError, match="ndc is no national drug code"):
        score(maps, {}, (), drugs=drugs)


def test_drugs_without_codes_or_without_a_model_are_refused(maps: Path) -> None:
    with pytest.raises(ColumnMissingError, match="lacks 'ndc' and 'hcpcs'"):
        score(maps, {}, (), drugs=pa.table({"member_id": ["A"]}))
    with pytest.raises(OptionError, match="no model of medicare_part_c reads drugs"):
        riskadj.score(
            rows_of({"member_id": ["A"], "sex": "F", "age_years": 70}),
            pa.table({"member_id": ["A"], "diagnosis_code": ["I10"]}),
            drugs=pa.table({"member_id": ["A"], "ndc": ["12345678901"]}),
            payment_year=2026,
        )
