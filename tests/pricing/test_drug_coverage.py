"""Drug claims under Part D designs: the statute's own standard, hand-worked designs, a naive twin, and laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.errors import InputError
from pricing.medicare.drug_claims import read_drug_claims
from pricing.medicare.drug_coverage import PAID_BY, PHASES, cover_drugs
from pricing.medicare.drug_designs import DrugDesign, DrugTier, read_tiers
from pricing.medicare.part_d import defined_standard
from tests.pricing.naive_drugs import naive_coverage

STANDARD = DrugDesign("standard")
COPAYS = DrugDesign(
    "copays", "enhanced", 0.0,
    {"1": DrugTier(copay=5.0, is_deductible_exempt=True), "3": DrugTier(copay=47.0), "5": DrugTier(coinsurance=0.33)},
)  # fmt: skip


def claims(*rows: tuple[Any, ...], **more: list[Any]) -> dict[str, list[Any]]:
    """Return claims of (enrollee, tier, cost, is applicable)."""
    names = ("enrollee_id", "tier", "gross_cost", "is_applicable")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)} | more


def paid(table: dict[str, list[Any]], design: DrugDesign = STANDARD, year: int = 2026) -> dict[str, float]:
    return cover_drugs(table, design=design, payment_year=year).totals


@pytest.mark.parametrize("is_applicable", [True, False])
@pytest.mark.parametrize(("year", "deductible", "threshold"), [(2025, 590, 2000), (2026, 615, 2100)])
@pytest.mark.parametrize("cost", [0.0, 300.0, 590.0, 615.0, 2000.0, 6230.0, 6555.0, 10_000.0, 250_000.0])
def test_the_standard_in_many_claims_is_the_standard_in_one(
    is_applicable: bool, year: int, deductible: float, threshold: float, cost: float
):
    expected = defined_standard(cost, payment_year=year, applicable_share=float(is_applicable)).payers
    for n in (1, 7):
        table = claims(*[("a", "1", cost / n, is_applicable)] * n)
        found = paid(table, year=year)
        for payer, dollars in expected.items():
            assert found[payer] == pytest.approx(float(dollars[0]), abs=1e-6), (payer, n)


def test_a_design_by_hand():
    """2026, standard 615 and 2,100: an enhanced plan without deductible, copays of 5 and 47 dollars.

    Generic of 100: 5 of the enrollee; inside the standard's deductible 100 count toward the threshold.
    Brand of 1,000: 47 of the enrollee; 515 still inside the standard's deductible count whole, of the other 485 a
    quarter (121.25); the manufacturer discounts a tenth of 485.
    """
    found = paid(claims(("a", "1", 100.0, False), ("a", "3", 1000.0, True)), COPAYS)
    assert found["enrollee"] == pytest.approx(52.0)
    assert found["manufacturer"] == pytest.approx(48.5)
    assert found["plan"] == pytest.approx(1100 - 52 - 48.5)
    assert (found["deductible_phase"], found["initial_phase"]) == pytest.approx((615.0, 485.0))
    # Incurred so far 100 + 515 + 121.25 = 736.25; room of 1,363.75 is 5,455 of standard cost: then catastrophic.
    more = paid(claims(("a", "1", 100.0, False), ("a", "3", 1000.0, True), ("a", "3", 6455.0, True)), COPAYS)
    assert more["catastrophic_phase"] == pytest.approx(1000.0)
    assert more["enrollee"] == pytest.approx(52.0 + 47.0 * 5455 / 6455)
    assert more["reinsurance"] == pytest.approx(200.0)
    basic = DrugDesign("basic", "basic_alternative", 0.0, dict(COPAYS.tiers))
    same = paid(claims(("a", "1", 100.0, False), ("a", "3", 1000.0, True), ("a", "3", 6455.0, True)), basic)
    assert same["catastrophic_phase"] == 0.0  # a basic plan counts what the enrollee pays: 99 dollars


def test_deductible_of_a_design_and_tiers_exempt_from_it():
    design = DrugDesign(
        "d", "basic_alternative", 200.0, {"1": DrugTier(5.0, 0.0, True), "3": DrugTier(0.0, 0.25)}
    )
    found = paid(claims(("a", "1", 100.0, False), ("a", "3", 600.0, False)), design)
    assert found["enrollee"] == pytest.approx(5 + 200 + 0.25 * 400)


def test_insulin_and_vaccines_have_no_deductible():
    table = claims(("a", "3", 400.0, True), ("a", "3", 90.0, True), cost_sharing_limit=[35.0, 0.0])
    found = paid(table)
    assert found["enrollee"] == pytest.approx(35.0)
    assert found["manufacturer"] == 0.0  # the deductible is not met
    blank = claims(("a", "3", 400.0, True), ("b", "3", 400.0, True), cost_sharing_limit=[35.0, None])
    assert paid(blank)["enrollee"] == pytest.approx(435.0)


def test_cost_sharing_leaves_room_for_the_discount():
    """A copay above nine tenths of the price is what the discount leaves."""
    design = DrugDesign("d", "basic_alternative", 0.0, {"3": DrugTier(copay=100.0)})
    rows = [("a", "3", 700.0, True), ("a", "3", 100.0, True)]
    found = paid(claims(*rows), design)
    assert found["enrollee"] == pytest.approx(100 + 90)
    assert found["manufacturer"] == pytest.approx(8.5 + 10)


def test_low_income_levels_by_hand():
    """2025: 4.90 and 12.15 dollars in full; 1.60 and 4.80 up to the poverty level; nothing in an institution."""
    rows = [(f"{level}", "1", 400.0, brand) for level in range(4) for brand in (False, True)]
    levels = [name for name in ("none", "full", "below_100", "institutional") for _ in range(2)]
    found = cover_drugs(
        claims(*rows, low_income=levels, scripts=[2.0] * 8), design=STANDARD, payment_year=2025
    )
    assert found.low_income_paid.tolist() == pytest.approx(
        [400.0, 190 + 0.25 * 210, 9.80, 24.30, 3.20, 9.60, 0.0, 0.0]
    )
    assert found.totals["low_income_subsidy"] == pytest.approx(3 * (590 + 52.5) - 9.8 - 24.3 - 3.2 - 9.6)
    assert found.table()["low_income_subsidy"].to_pylist() == pytest.approx(
        [0.0, 642.5 - 34.1, 642.5 - 12.8, 642.5]
    )


def test_a_subsidised_copay_is_never_more_than_the_plans():
    design = DrugDesign("free", "enhanced", 0.0, {"1": DrugTier(copay=1.0)})
    found = cover_drugs(
        claims(("a", "1", 50.0, False), low_income=["full"]), design=design, payment_year=2025
    )
    assert found.low_income_paid.tolist() == [1.0]


@pytest.mark.parametrize(
    ("manufacturer", "low_income", "rates"),
    [("full", "full", (0.10, 0.20)), ("specified", "none", (0.10, 0.20)), ("specified", "full", (0.02, 0.02)),
     ("small", "none", (0.02, 0.02))],
)  # fmt: skip
def test_discounts_are_phased_in_claim_by_claim(
    manufacturer: str, low_income: str, rates: tuple[float, float]
):
    table = claims(("a", "1", 10_000.0, True), manufacturer=[manufacturer], low_income=[low_income])
    found = paid(table)
    assert found["manufacturer"] == pytest.approx(rates[0] * 5940 + rates[1] * 3445)
    assert found["plan"] == pytest.approx((0.75 - rates[0]) * 5940 + (0.8 - rates[1]) * 3445)


def random_claims(seed: int, n: int) -> dict[str, list[Any]]:
    draw = np.random.default_rng(seed)
    is_applicable = draw.random(n) < 0.5
    return {
        "enrollee_id": draw.choice(list("abcd"), n).tolist(),
        "tier": draw.choice(["1", "3", "5"], n).tolist(),
        "gross_cost": np.round(draw.gamma(0.7, 700, n), 2).tolist(),
        "scripts": draw.choice([1.0, 3.0], n).tolist(),
        "is_applicable": is_applicable.tolist(),
        "is_selected": ((draw.random(n) < 0.2) & ~is_applicable).tolist(),
        "cost_sharing_limit": [None if draw.random() < 0.8 else 35.0 for _ in range(n)],
    }


@pytest.mark.parametrize("kind", ["enhanced", "basic_alternative"])
@pytest.mark.parametrize("seed", range(6))
def test_against_the_naive_twin(kind: str, seed: int):
    table = random_claims(seed, 40)
    design = DrugDesign("d", kind, 150.0, dict(COPAYS.tiers))
    coverage = cover_drugs(table, design=design, payment_year=2026)
    read = coverage.claims
    found = coverage.table().to_pylist()
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    order = sorted(set(table["enrollee_id"]), key=table["enrollee_id"].index)
    assert read.n_enrollees == len(order)
    for place, enrollee in enumerate(order):
        own = [
            row | {
                "discount": 0.10 * row["is_applicable"], "catastrophic_discount": 0.20 * row["is_applicable"],
                "subsidy": 0.10 * row["is_selected"], "reinsured": 0.20 if row["is_applicable"] else 0.40,
            }
            for row in rows if row["enrollee_id"] == enrollee
        ]  # fmt: skip
        expected = naive_coverage(
            own, deductible=150.0, counts_supplemental=kind == "enhanced",
            tiers={name: {"copay": tier.copay, "coinsurance": tier.coinsurance, "is_exempt": tier.is_deductible_exempt}
                   for name, tier in COPAYS.tiers.items()},
            standard={"deductible": 615.0, "threshold": 2100.0, "coinsurance": 0.25},
        )  # fmt: skip
        for payer, dollars in expected.items():
            assert found[place][payer] == pytest.approx(dollars, abs=0.05), (payer, enrollee)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["enhanced", "basic_alternative"]))
def test_payers_and_phases_add_up_to_gross_whatever_the_design(seed: int, kind: str):
    coverage = cover_drugs(
        random_claims(seed, 30), design=DrugDesign("d", kind, 100.0, dict(COPAYS.tiers)), payment_year=2026
    )
    for places in (PAID_BY.values(), PHASES.values()):
        total = sum(coverage.parts[:, place] for place in places)
        assert total == pytest.approx(coverage.claims.cost, abs=1e-6)
    assert coverage.parts.min() >= -1e-9
    assert coverage.claims.per_enrollee(coverage.parts[:, 0]).max() <= 2100 + 1e-6


def test_other_enrollees_and_the_order_of_rows_change_nothing():
    table = random_claims(3, 30) | {"fill_date": [f"2026-01-{day + 1:02d}" for day in range(30)]}
    together = cover_drugs(table, design=COPAYS, payment_year=2026).totals
    turned = {name: values[::-1] for name, values in table.items()}
    assert cover_drugs(turned, design=COPAYS, payment_year=2026).totals == pytest.approx(together)
    alone = [
        cover_drugs(
            {
                name: [
                    value for value, owner in zip(values, table["enrollee_id"], strict=True) if owner == one
                ]
                for name, values in table.items()
            },
            design=COPAYS,
            payment_year=2026,
        ).totals
        for one in "abcd"
    ]
    assert {name: sum(part[name] for part in alone) for name in together} == pytest.approx(together)


def test_weights_count_enrollees():
    table = claims(("a", "1", 1000.0, True), ("b", "1", 50.0, False), weight=[3.0, 1.0])
    assert paid(table)["gross"] == 3050.0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (claims(("a", "1", -1.0, True)), "column 'gross_cost': not a possible number in 1 of 1 rows"),
        (claims(("a", "1", 1.0, True), is_selected=[True]), "a selected drug is not applicable: both flags in 1 of 1"),
        (claims(("a", "1", 1.0, True), low_income=["some"]), "'low_income': not allowed in 1 of 1 .*allowed: none"),
        (claims(("a", "1", 1.0, True), ("a", "1", 1.0, True), low_income=["none", "full"]),
         "'low_income': differs among the claims of one enrollee in 1 of 2"),
        (claims(("a", "1", 1.0, True), cost_sharing_limit=[-5.0]), "'cost_sharing_limit': below 0"),
        ({"enrollee_id": ["a"]}, "lacks 'tier'"),
    ],
)  # fmt: skip
def test_claims_that_cannot_be(table: dict[str, list[Any]], message: str):
    with pytest.raises(InputError, match=message) as error:
        read_drug_claims(table)
    assert "'a'" not in str(error.value)


def test_designs_that_cannot_be():
    with pytest.raises(InputError, match=r"kind 'enhansed'.*enhanced"):
        DrugDesign("d", "enhansed")
    with pytest.raises(InputError, match="any other kind needs them"):
        DrugDesign("d", "enhanced")
    with pytest.raises(InputError, match="deductible cannot be negative"):
        DrugDesign("d", "enhanced", -1.0, {"1": DrugTier()})
    with pytest.raises(InputError, match="coinsurance lies between 0 and 1"):
        DrugTier(coinsurance=25.0)
    with pytest.raises(InputError, match="a tier's copay cannot be negative"):
        DrugTier(copay=float("nan"))
    with pytest.raises(InputError, match=r"no tier '5' of the claims.*it has: 1"):
        paid(claims(("a", "5", 1.0, True)), DrugDesign("d", "enhanced", 0.0, {"1": DrugTier()}))
    with pytest.raises(InputError, match=r"a deductible of 700.00 is above the standard's 615.00"):
        paid(claims(("a", "1", 1.0, True)), DrugDesign("d", "enhanced", 700.0, {"1": DrugTier()}))
    with pytest.raises(InputError, match="2024 has a coverage gap"):
        paid(claims(("a", "1", 1.0, True)), year=2024)


def test_tiers_of_plans_from_a_table():
    found = read_tiers({"plan_id": ["x", "x", "y"], "tier": ["1", "2", "1"], "copay": [5.0, 0.0, 10.0],
                        "coinsurance": [0.0, 0.4, 0.0]})  # fmt: skip
    assert found == {"x": {"1": DrugTier(5.0), "2": DrugTier(0.0, 0.4)}, "y": {"1": DrugTier(10.0)}}
    with pytest.raises(InputError, match="the same plan_id, tier again in 1 of 2 rows"):
        read_tiers({"plan_id": ["x", "x"], "tier": ["1", "1"]})
