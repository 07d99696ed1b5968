"""Calibration: factors recovered from costs made with known factors, constraints, inference, statistics, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm

import riskadj
from riskadj.results.summary.groups import AGE_BANDS
from riskadj.tables.check import check_all
from tests import naive, naive_calibration
from tests.calibration_data import BASE, YEAR, Population, by_variable, population
from tests.members import TOY_YEAR

PEOPLE = population(1500, seed=1)
#: The table has a negative factor (DEEP, HCC9), and HCCs below those they drop (DEEP).
FREE = {"nonnegative": False, "ordered": False}


def table_factors(model: str = "toy_hcc_v1") -> dict[tuple[str, str], float]:
    factors = naive.read_model(str(TOY_YEAR / model))["factors"]
    return {key: float(factor) for key, factor in factors.items() if factor}


# --- recovery --------------------------------------------------------------------------------------------------------


def test_factors_are_recovered_exactly_from_costs_without_noise() -> None:
    fitted = PEOPLE.calibrate(PEOPLE.truth, **FREE)
    dollars, truth = by_variable(fitted, "dollars_annual"), table_factors()
    assert set(dollars) == set(truth)
    assert dollars == pytest.approx({key: BASE * factor for key, factor in truth.items()}, abs=1e-8 * BASE)


def test_relative_factors_have_a_mean_of_one() -> None:
    fitted = PEOPLE.calibrate(PEOPLE.truth, **FREE)
    mean = naive_calibration.weighted_mean(PEOPLE.truth, PEOPLE.months)
    assert fitted.denominator == pytest.approx(mean)
    assert by_variable(fitted, "factor") == pytest.approx(
        {key: BASE * factor / mean for key, factor in table_factors().items()}
    )


def test_factors_are_recovered_within_their_standard_errors() -> None:
    people = population(4000, seed=2)
    noise = np.random.default_rng(3).gamma(2.0, 0.5, len(people.members))
    fitted = people.calibrate(people.truth * noise, **FREE)
    truth, dollars = table_factors(), by_variable(fitted, "dollars_annual")
    errors = by_variable(fitted, "std_error")
    z = np.array([(dollars[key] - BASE * truth[key]) / (errors[key] * fitted.denominator) for key in truth])
    assert np.abs(z).max() < 4
    assert 0.6 < np.mean(z**2) < 1.5


def test_a_real_model_is_recovered() -> None:
    """V28 on the synthetic population: costs made of its own raw scores give back its own factors."""
    made = riskadj.make_synthetic(3000, seed=5, service_year=2025)
    enrollment = made["enrollment"].to_pandas().drop_duplicates("member_id", keep=False)
    diagnoses = made["diagnoses"].to_pandas().merge(enrollment[["member_id"]], on="member_id")
    known = {"payment_year": 2026, "rejects": "write"}
    scores = riskadj.score(enrollment, diagnoses, models="cms_hcc_v28", **known).to_pandas("model_scores")
    scores["cost"] = (
        (scores["demographic_score"] + scores["disease_score"]) * scores["months_enrolled"] / 12 * BASE
    )
    fitted = riskadj.calibrate(
        enrollment, diagnoses, costs=scores[["member_id", "cost"]], amount="cost", model="cms_hcc_v28",
        min_members=1, folds=0, min_segment_members=1500, small_segments="keep", collinear="drop", rare="zero",
        **FREE, **known,
    )  # fmt: skip
    factors = fitted.to_pandas().query("segment == 'CNA' and status == 'estimated'")
    assert len(factors) > 60
    np.testing.assert_allclose(factors["dollars_annual"], BASE * factors["starting_factor"], atol=1e-6 * BASE)


# --- inference -------------------------------------------------------------------------------------------------------


def test_standard_errors_are_those_of_statsmodels() -> None:
    noise = np.random.default_rng(4).gamma(1.0, 1.0, len(PEOPLE.members))
    annual = PEOPLE.truth * noise
    fitted = PEOPLE.calibrate(annual, **FREE)
    names, rows, x = PEOPLE.matrix("SHORE_AGED")
    weight = np.array(PEOPLE.months)[rows] / 12
    result = sm.WLS(annual[rows], x, weights=weight).fit(cov_type="HC1", use_t=True)
    _agree(fitted, "SHORE_AGED", names, result)


def test_rows_of_a_member_are_clustered_as_in_statsmodels() -> None:
    """Each member has two spans, and so two rows."""
    people = population(500, seed=6)
    halves = [{"enrollment_start_date": f"2099-{a}", "enrollment_end_date": f"2099-{b}", "months_enrolled": 6}
              for a, b in (("01-01", "06-30"), ("07-01", "12-31"))]  # fmt: skip
    table = pa.Table.from_pylist([member.row | half for half in halves for member in people.members])
    generator = np.random.default_rng(7)
    annual = np.concatenate([people.truth, people.truth]) * generator.gamma(1.0, 1.0, 1000)
    lines = pa.table(
        {
            "member_id": [member.member_id for member in people.members] * 2,
            "service_date": ["2099-03-31"] * 500 + ["2099-12-31"] * 500,
            "allowed_amount": annual / 2,
        }
    )
    options = {"min_segment_members": 1, "min_members": 0, "folds": 0} | FREE | YEAR
    fitted = riskadj.calibrate(table, people.diagnoses, costs=lines, model="toy_hcc_v1", **options)
    names, rows, x = people.matrix("DEEP")
    result = sm.WLS(
        np.concatenate([annual[rows], annual[500 + rows]]),
        np.vstack([x, x]),
        weights=np.full(2 * len(rows), 0.5),
    ).fit(cov_type="cluster", cov_kwds={"groups": np.concatenate([rows, rows])}, use_t=True)
    _agree(fitted, "DEEP", names, result)


def _agree(fitted: riskadj.Calibration, segment: str, names: list[str], result: Any) -> None:
    for column, expected, scale in (
        ("dollars_annual", result.params, 1.0),
        ("std_error", result.bse, fitted.denominator),
        ("t", result.tvalues, 1.0),
    ):
        found = by_variable(fitted, column)
        assert [found[name, segment] * scale for name in names] == pytest.approx(list(expected), rel=1e-6)


def test_chunks_and_order_of_rows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(10).gamma(1.0, 1.0, len(PEOPLE.members))
    whole = PEOPLE.calibrate(PEOPLE.truth * noise)
    monkeypatch.setattr("riskadj.calibration.design.ROWS_PER_CHUNK", 7)
    backwards = Population(PEOPLE.members[::-1], PEOPLE.months[::-1], PEOPLE.scores[::-1])
    again = backwards.calibrate((PEOPLE.truth * noise)[::-1])
    for column in ("factor", "std_error"):
        found, expected = (
            {key: value for key, value in by_variable(each, column).items() if value is not None}
            for each in (again, whole)
        )
        assert found == pytest.approx(expected, rel=1e-9)
    assert by_variable(again, "status") == by_variable(whole, "status")


# --- constraints -----------------------------------------------------------------------------------------------------


def costs_with(changes: dict[str, float], people: Population = PEOPLE) -> np.ndarray:
    """Return annual costs in which some variables cost otherwise. [dollars a year]"""
    more = [sum(changes.get(name, 0.0) for name in score["variables"]) for score in people.scores]
    return np.maximum(people.truth + BASE * np.array(more), 0.0)


def test_order_within_a_hierarchy_holds_exactly() -> None:
    """HCC2 made dearer than HCC1, which drops it: the two share a factor between what each costs."""
    annual = costs_with({"HCC2": 2.0})
    free = by_variable(PEOPLE.calibrate(annual, nonnegative=False, ordered=False), "factor")
    held = PEOPLE.calibrate(annual, nonnegative=False)
    factor, status = by_variable(held, "factor"), by_variable(held, "status")
    one, two = ("HCC1", "SHORE_AGED"), ("HCC2", "SHORE_AGED")
    assert free[one] < factor[one] < free[two]
    assert factor[one] == factor[two]
    assert status[one] == status[two] == "equal: hierarchy order binds"


def test_no_factor_is_negative() -> None:
    annual = costs_with({"gHEART_HCC5": -0.5, "HCC9": -0.6})
    assert by_variable(PEOPLE.calibrate(annual, **FREE), "factor")["HCC9", "SHORE_AGED"] < 0
    held = PEOPLE.calibrate(annual, ordered=False)
    factor = by_variable(held, "factor")
    assert factor["HCC9", "SHORE_AGED"] == factor["gHEART_HCC5", "SHORE_AGED"] == 0.0
    assert by_variable(held, "status")["HCC9", "SHORE_AGED"] == "zero: would be negative"
    assert by_variable(held, "std_error")["HCC9", "SHORE_AGED"] is None
    assert min(factor.values()) == 0.0


def test_demographic_cell_that_would_be_negative_is_pooled() -> None:
    held = PEOPLE.calibrate(costs_with({"F0_64": -0.4}))
    factor, status = by_variable(held, "factor"), by_variable(held, "status")
    assert factor["F0_64", "SHORE_YOUNG"] == factor["M0_64", "SHORE_YOUNG"] > 0
    assert status["F0_64", "SHORE_YOUNG"] == "pooled: would be negative, shares the factor of M0_64"


def test_equal_variables_share_a_factor() -> None:
    fitted = PEOPLE.calibrate(PEOPLE.truth, equal=[("HCC6", "HCC7", "HCC8")], **FREE)
    factor, error = by_variable(fitted, "factor"), by_variable(fitted, "std_error")
    for segment in ("SHORE_AGED", "SHORE_YOUNG"):
        assert factor["HCC6", segment] == factor["HCC7", segment] == factor["HCC8", segment]
        assert error["HCC6", segment] == error["HCC8", segment]
    assert 0.33 * BASE < factor["HCC6", "SHORE_AGED"] * fitted.denominator < 0.6 * BASE


@pytest.mark.parametrize(
    ("rare", "word"), [("pool", "pooled: rare, shares the factor of HCC2"), ("zero", "zero: rare")]
)
def test_rare_variables_are_named(rare: str, word: str) -> None:
    segments = {member.member_id: score for member, score in zip(PEOPLE.members, PEOPLE.scores, strict=True)}
    n_members = sum(s["segment"] == "SHORE_AGED" and "HCC1" in s["variables"] for s in segments.values())
    counts = by_variable(PEOPLE.calibrate(PEOPLE.truth, **FREE), "n_members")
    assert counts["HCC1", "SHORE_AGED"] == n_members
    few = [
        score for score in PEOPLE.scores if score["segment"] == "SHORE_AGED" and "HCC1" in score["variables"]
    ][3:]
    kept = [number for number, score in enumerate(PEOPLE.scores) if not any(score is each for each in few)]
    people = Population(
        *([each[number] for number in kept] for each in (PEOPLE.members, PEOPLE.months, PEOPLE.scores))
    )
    fitted = people.calibrate(people.truth, rare=rare, min_members=4, collinear="drop", **FREE)
    assert by_variable(fitted, "n_members")["HCC1", "SHORE_AGED"] == 3
    assert by_variable(fitted, "status")["HCC1", "SHORE_AGED"] == word
    factor = by_variable(fitted, "factor")
    assert factor["HCC1", "SHORE_AGED"] == (factor["HCC2", "SHORE_AGED"] if rare == "pool" else 0.0)


def test_segment_of_rare_variables_keeps_its_mean(tmp_path: Path) -> None:
    """Cells join into one and conditions are zero: each segment predicts its mean, and every age has a factor."""
    fitted = PEOPLE.calibrate(PEOPLE.truth, rare="zero", min_members=1500)
    rows = [
        row for row in fitted.fit.to_pylist() if row["prediction"] == "fitted" and row["segment"] != "all"
    ]
    assert [row["n_parameters"] for row in rows] == [2, 1, 2, 2]  # cells; and ORIG, LTIMCAID, NEW_MCAID
    assert [row["predictive_ratio"] for row in rows] == pytest.approx([1.0] * 4)
    status = by_variable(fitted, "status")
    assert {status[key] for key in status if key[0].startswith("HCC")} == {"zero: rare"}
    fitted.export(tmp_path / "maps", model_id="own_toy")
    assert check_all(tmp_path / "maps") == []


# --- statistics ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def noisy() -> tuple[np.ndarray, riskadj.Calibration]:
    annual = PEOPLE.truth * np.random.default_rng(8).gamma(1.0, 1.0, len(PEOPLE.members))
    return annual, PEOPLE.calibrate(annual, folds=4, seed=9, **FREE)


def predictions(fitted: riskadj.Calibration) -> list[float]:
    """Return what each member costs by the fitted factors: the naive scorer's variables, added up."""
    dollars = by_variable(fitted, "dollars_annual")
    return [sum(dollars[name, score["segment"]] for name in score["variables"]) for score in PEOPLE.scores]


def row_of(table: pa.Table, **wanted: str) -> dict[str, Any]:
    (row,) = [row for row in table.to_pylist() if all(row[name] == value for name, value in wanted.items())]
    return row


def test_fit_statistics_equal_the_naive_ones(noisy: tuple[np.ndarray, riskadj.Calibration]) -> None:
    annual, fitted = noisy
    weights = [months / 12 for months in PEOPLE.months]
    expected = naive_calibration.fit(annual, predictions(fitted), weights, len(table_factors()))
    found = row_of(fitted.fit, segment="all", prediction="fitted")
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["member_months"] == pytest.approx(sum(PEOPLE.months))


def test_starting_model_is_scaled_to_the_mean_cost(noisy: tuple[np.ndarray, riskadj.Calibration]) -> None:
    annual, fitted = noisy
    weights = [months / 12 for months in PEOPLE.months]
    scale = naive_calibration.weighted_mean(annual, weights) / naive_calibration.weighted_mean(
        PEOPLE.truth, weights
    )
    expected = naive_calibration.fit(annual, scale * PEOPLE.truth, weights, 1)
    found = row_of(fitted.fit, segment="all", prediction="starting model")
    assert (found["r2"], found["cpm"]) == pytest.approx((expected["r2"], expected["cpm"]))
    assert found["predictive_ratio"] == pytest.approx(1.0)
    assert found["adjusted_r2"] is None


def test_deciles_equal_the_naive_ones(noisy: tuple[np.ndarray, riskadj.Calibration]) -> None:
    annual, fitted = noisy
    weights = [months / 12 for months in PEOPLE.months]
    predicted = [round(each, 6) for each in predictions(fitted)]
    groups = naive_calibration.decile(predicted, weights)
    for group, expected in naive_calibration.group_means(groups, annual, predicted, weights).items():
        found = row_of(fitted.predictive_ratios, grouping="decile", group=str(group), prediction="fitted")
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_age_sex_and_condition_groups_equal_the_naive_ones(
    noisy: tuple[np.ndarray, riskadj.Calibration],
) -> None:
    annual, fitted = noisy
    weights, predicted = [months / 12 for months in PEOPLE.months], predictions(fitted)
    lows = [max(low for low in AGE_BANDS if low <= member.age_years) for member in PEOPLE.members]
    groups = [f"{member.sex} {low}" for member, low in zip(PEOPLE.members, lows, strict=True)]
    for group, expected in naive_calibration.group_means(groups, annual, predicted, weights).items():
        (found,) = [
            row
            for row in fitted.predictive_ratios.to_pylist()
            if row["grouping"] == "age_sex" and row["prediction"] == "fitted"
            and row["group"].replace("+", "-").startswith(f"{group}-")
        ]  # fmt: skip
        assert {name: found[name] for name in expected} == pytest.approx(expected)
        assert found["actual_to_expected"] == pytest.approx(
            expected["mean_actual"] / expected["mean_predicted"]
        )
    has = [number for number, score in enumerate(PEOPLE.scores) if "HCC5" in score["hccs"]]
    years = [weights[number] for number in has]
    found = row_of(fitted.predictive_ratios, grouping="condition", group="HCC5", prediction="fitted")
    actual = naive_calibration.weighted_mean([annual[number] for number in has], years)
    assert found["n_rows"] == len(has)
    assert found["mean_actual"] == pytest.approx(actual)
    assert found["predictive_ratio"] == pytest.approx(
        naive_calibration.weighted_mean([predicted[number] for number in has], years) / actual
    )


def test_cross_validation_predicts_each_row_without_its_fold(
    noisy: tuple[np.ndarray, riskadj.Calibration],
) -> None:
    """The folds are those of the result; the factors without each are fitted again with statsmodels."""
    annual, fitted = noisy
    model_fit = fitted.model_fit
    order = model_fit.observed.rows
    fold = np.empty(len(order), int)
    fold[order] = model_fit.observed.fold
    validated = np.empty(len(order))
    validated[order] = model_fit.predictions.cross_validated
    assert sorted(set(fold.tolist())) == [0, 1, 2, 3]
    _, rows, x = PEOPLE.matrix("SHORE_YOUNG")
    weight = np.array(PEOPLE.months)[rows] / 12
    for number in range(4):
        inside = fold[rows] == number
        result = sm.WLS(annual[rows][~inside], x[~inside], weights=weight[~inside]).fit()
        np.testing.assert_allclose(validated[rows][inside], result.predict(x[inside]), rtol=1e-6)
    again = PEOPLE.calibrate(annual, folds=4, seed=9, **FREE)
    assert again.fit.equals(fitted.fit)


def test_cap_cuts_annualised_costs() -> None:
    cap = 1.0001 * BASE  # nobody's cost
    fitted = PEOPLE.calibrate(PEOPLE.truth, cost_cap=cap, **FREE)
    made = fitted.run["calibration"]
    over = [
        (cost - cap) * months / 12
        for cost, months in zip(PEOPLE.truth, PEOPLE.months, strict=True)
        if cost > cap
    ]
    assert made["rows_capped"] == len(over) > 0
    assert made["dollars_capped"] == pytest.approx(sum(over))
    assert fitted.fit["mean_actual"].to_pylist()[-1] == pytest.approx(
        naive_calibration.weighted_mean(np.minimum(PEOPLE.truth, cap), PEOPLE.months)
    )


# --- results ---------------------------------------------------------------------------------------------------------


def test_exported_model_scores_as_it_was_fitted(tmp_path: Path) -> None:
    fitted = PEOPLE.calibrate(PEOPLE.truth)
    folder = fitted.export(tmp_path / "maps", model_id="own_toy", decimals=6)
    assert folder == tmp_path / "maps" / "atlantis" / "py2099" / "own_toy"
    assert check_all(tmp_path / "maps") == []
    known = YEAR | {"maps_dir": tmp_path / "maps"}
    scores = riskadj.score(PEOPLE.enrollment, PEOPLE.diagnoses, **known).to_pandas("model_scores")
    found = (scores["demographic_score"] + scores["disease_score"]) * fitted.denominator
    np.testing.assert_allclose(found, predictions(fitted), atol=1e-5 * BASE)
    mean = naive_calibration.weighted_mean(scores["payment_risk_score"], PEOPLE.months)
    assert mean == pytest.approx(1.0, abs=0.001)
    tables = riskadj.load_model("own_toy", payment_year=2099, maps_dir=tmp_path / "maps")
    assert "1,500 enrollment rows" in tables.manifest.tables["relative_factors"].where
    assert f"{fitted.denominator:.2f} dollars" in tables.manifest.tables["relative_factors"].where
    with pytest.raises(riskadj.RiskAdjError, match="holds files that are no results"):
        fitted.export(tmp_path / "maps", model_id="own_toy")


def test_small_segments_keep_their_factors(tmp_path: Path) -> None:
    counts = {
        name: sum(s["segment"] == name for s in PEOPLE.scores)
        for name in naive.segments_of(TOY_YEAR / "toy_hcc_v1")
    }
    smallest = min(counts, key=counts.__getitem__)
    fitted = PEOPLE.calibrate(
        PEOPLE.truth, min_segment_members=counts[smallest] + 1, small_segments="keep", **FREE
    )
    assert fitted.run["calibration"]["segments_kept"] == [smallest]
    factor = by_variable(fitted, "factor")
    kept = {key: value for key, value in table_factors().items() if key[1] == smallest}
    assert {key: factor[key] for key in kept} == kept
    assert fitted.fit["segment"].to_pylist().count(smallest) == 0


def test_results_are_one_family(tmp_path: Path) -> None:
    fitted = PEOPLE.calibrate(PEOPLE.truth, folds=3)
    assert fitted.summary()["segment"].iloc[0] == "all"
    assert len(fitted.plot().axes) == 4
    assert fitted.plot()._repr_png_().startswith(b"\x89PNG")  # a notebook shows it
    fitted.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "factors.parquet", "fit.parquet", "predictive_ratios.parquet", "run.json",
    ]  # fmt: skip
    assert "ZQX7" not in repr(fitted) + (tmp_path / "out" / "run.json").read_text()
    assert list(fitted.to_pandas("fit").columns) == fitted.fit.column_names
