"""What an explanation shows beside its lines: scores alone, a chart that ends at the payment, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from tests.members import TOY_MAPS, Member, diagnoses_table, enrollment_table


@pytest.fixture(scope="module")
def explanation() -> riskadj.Explanation:
    people = [Member("A", age_years=72, codes=("Q05",))]
    scores = riskadj.score(
        enrollment_table(people),
        diagnoses_table(people),
        payment_year=2099,
        program="atlantis",
        maps_dir=TOY_MAPS,
    )
    return scores.explain("A")


@pytest.mark.parametrize(
    "as_id", [str, lambda claim: int(claim[1:]), str.encode], ids=["text", "number", "bytes"]
)
def test_a_diagnosis_names_the_claims_that_it_stands_on(as_id: Callable[[str], Any]) -> None:
    """Q05 gives HCC5: on C2 and C1; C3 is of the year before, the second row of C2 repeats it; Q99 gives nothing."""
    claims = [("Q05", "2098-05-01", "C2"), ("Q05", "2098-05-01", "C2"), ("Q05", "2098-01-31", "C1"),
              ("Q05", "2097-12-31", "C3"), ("Q05", "2098-06-01", None), ("Q99", "2098-05-01", "C4")]  # fmt: skip
    diagnoses = pa.table(
        {
            "member_id": ["A"] * len(claims),
            "diagnosis_code": [code for code, _, _ in claims],
            "service_date": [day for _, day, _ in claims],
            "claim_id": [None if claim is None else as_id(claim) for _, _, claim in claims],
        }
    )
    people = enrollment_table([Member("A", age_years=72)])
    scores = riskadj.score(people, diagnoses, payment_year=2099, program="atlantis", maps_dir=TOY_MAPS)
    details = {line.item: line.detail for line in scores.explain("A").lines if line.step == "diagnosis"}
    named = [str(claim[1:] if as_id("C1") == 1 else claim) for claim in ("C1", "C2")]
    assert details["Q05 -> HCC5"].endswith(f"; on claims {named[0]} (2098-01-31), {named[1]} (2098-05-01)")
    assert "claim" not in details["Q99"]


def test_without_claim_ids_no_claim_is_named(explanation: riskadj.Explanation) -> None:
    assert not any("claim" in line.detail for line in explanation.lines if line.step == "diagnosis")


def test_summary_has_the_scores_alone(explanation: riskadj.Explanation) -> None:
    """V1 F65_GT 0.400 + HCC5 0.300 = 0.700; / 1.1 = 0.636; x 0.941 = 0.598; V2 0.360; blended 0.420."""
    found = explanation.summary().set_index("model_id")["payment risk score"]
    assert found.to_dict() == {"toy_hcc_v1": 0.598, "toy_hcc_v2": 0.360, "as paid": 0.420}
    assert explanation.summary().set_index("model_id").loc["toy_hcc_v1", "raw risk score"] == 0.7


def test_chart_goes_from_the_demographic_score_to_the_payment(explanation: riskadj.Explanation) -> None:
    figure = explanation.plot()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["enrollment row 1, toy_hcc_v1", "enrollment row 1, toy_hcc_v2"]
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights[0] == pytest.approx(0.4)
    assert heights[-1] == pytest.approx(0.598)
    names = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert names[0] == "demographic"
    assert names[1].startswith("HCC5")
    assert names[-3:] == ["to normalized", "to payment", "payment risk score"]
    assert sum(heights[1:-1]) == pytest.approx(0.598 - 0.4)


def test_many_factors_are_drawn_as_the_largest_and_the_rest() -> None:
    from riskadj.results.plots.explain import _largest

    steps = [(f"f{n}", n / 10) for n in range(1, 16)]
    drawn = _largest(steps)
    assert len(drawn) == 12
    assert drawn[-1] == ("4 smaller", pytest.approx(1.0))  # 0.1 + 0.2 + 0.3 + 0.4
    assert sum(step for _, step in drawn) == pytest.approx(12.0)


def test_explanation_is_written_whole(explanation: riskadj.Explanation, tmp_path: Path) -> None:
    place = explanation.write(tmp_path / "why")
    assert {path.name for path in place.iterdir()} == {"explanation.parquet", "explanation.png", "run.json"}
    table = pq.read_table(place / "explanation.parquet")
    assert table.num_rows == len(explanation.lines)
    assert json.loads((place / "run.json").read_text())["explanation"]["lines"] == table.num_rows
    with pytest.raises(riskadj.RiskAdjError, match="overwrite"):
        explanation.write(tmp_path / "why")
