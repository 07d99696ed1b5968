"""Claims adjudicated again: every feature worked by hand, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pricing.benefits.adjudication import adjudicate
from pricing.benefits.claims import read_claims
from pricing.benefits.design import CostSharing, PlanDesign
from pricing.errors import InputError
from tests.pricing.adjudicated import extract, family, line, member_pays


def test_deductible_then_coinsurance_then_the_maximum():
    design = PlanDesign("d", deductible=500, out_of_pocket_maximum=800, coinsurance=0.2)
    # 300; 200 of deductible + 20 % of 200 = 240; 20 % of 2,000 = 400, but 800 - 540 = 260 is left; nothing.
    assert member_pays(design, line(300, 1), line(400, 2), line(2000, 3), line(500, 4)) == [300, 240, 260, 0]


def test_lines_are_taken_by_date_whatever_their_order():
    design = PlanDesign("d", deductible=500, coinsurance=0.1)
    assert member_pays(design, line(400, 9), line(300, 2)) == [200 + 0.1 * 200, 300]


def test_a_year_begins_anew():
    design = PlanDesign("d", deductible=500)
    assert member_pays(design, line(500), line(100), line(80, 1, service_date=date(2026, 1, 1))) == [
        500,
        0,
        80,
    ]


def test_coinsurance_is_rounded_to_the_cent_halves_up():
    assert member_pays(PlanDesign("d", coinsurance=0.5), line(0.05), line(0.03)) == [0.03, 0.02]


def test_copay_after_the_deductible_and_before_it():
    after = PlanDesign("d", 100, services={"specialist": CostSharing(copay=40)})
    assert member_pays(after, line(90, 1), line(90, 2), line(90, 3)) == [90, 10 + 40, 40]
    before = replace(after, services={"specialist": CostSharing(copay=40, copay_before_deductible=True)})
    # 40 + 50 of the deductible; 40 + the 50 left; the copay alone.
    assert member_pays(before, line(90, 1), line(90, 2), line(90, 3)) == [90, 90, 40]
    waived = replace(after, services={"specialist": CostSharing(copay=40, deductible_applies=False)})
    assert member_pays(waived, line(90, 1), line(25, 2), line(90, 3, "imaging")) == [40, 25, 90]


def test_copay_and_coinsurance_together():
    both = {"emergency": CostSharing(copay=100, coinsurance=0.3, deductible_applies=False)}
    assert member_pays(PlanDesign("d", 1000, services=both), line(600, 1, "emergency")) == [100 + 0.3 * 500]


def test_a_visit_is_a_day_and_owes_one_copay():
    design = PlanDesign("d", services={"specialist": CostSharing(copay=40)})
    assert member_pays(design, line(30, 1), line(30, 1), line(30, 1), line(60, 2)) == [30, 10, 0, 40]


def test_a_copay_per_stay_is_owed_once_a_claim():
    design = PlanDesign("d", services={"inpatient": CostSharing(copay=500, copay_per="stay")})
    stays = [
        line(300, 1, "inpatient", claim_id="X", claim_line_number=1),
        line(900, 3, "inpatient", claim_id="Y"),  # another stay lies between the first one's lines
        line(900, 5, "inpatient", claim_id="X", claim_line_number=2),
    ]
    assert member_pays(design, *stays) == [300, 500, 200]


def test_a_copay_per_day_stops_after_its_days():
    design = PlanDesign("d", services={"inpatient": CostSharing(copay=250, copay_per="day", copay_days=5)})
    stays = [
        line(9000, 1, "inpatient", claim_id="X", claim_line_number=1, units=3),
        line(9000, 4, "inpatient", claim_id="X", claim_line_number=2, units=4),
        line(9000, 30, "inpatient", claim_id="Y", units=1),
    ]
    assert member_pays(design, *stays) == [750, 500, 250]


def test_free_visits_and_visits_at_the_copay_alone():
    free = PlanDesign("d", 1000, services={"primary_care": CostSharing(free_visits=2)})
    visits = [line(90, day, "primary_care") for day in (1, 1, 2, 3)]
    assert member_pays(free, *visits) == [0, 0, 0, 90]
    first = PlanDesign(
        "d", 100, coinsurance=0.2, services={"primary_care": CostSharing(copay=30, copay_visits=1)}
    )
    # The copay alone; the deductible; 10 of it and 20 % of 80.
    assert member_pays(first, *(line(90, day, "primary_care") for day in (1, 2, 3))) == [
        30,
        90,
        10 + 0.2 * 80,
    ]


def test_a_line_of_nothing_uses_up_no_visit():
    free = PlanDesign("d", 1000, services={"primary_care": CostSharing(free_visits=1)})
    assert member_pays(free, line(0, 1, "primary_care"), line(90, 2, "primary_care")) == [0, 0]


def test_the_most_per_script():
    tier = {"specialty_drug": CostSharing(coinsurance=0.4, copay_per="script", max_per_unit=350)}
    scripts = [line(500, 1, "specialty_drug", units=30), line(2000, 1, "specialty_drug", units=90)]
    assert member_pays(PlanDesign("d", 0, services=tier), *scripts) == [200, 350]


def test_the_most_per_visit_holds_for_all_its_lines():
    imaging = {"imaging": CostSharing(coinsurance=0.5, max_per_unit=100)}
    assert member_pays(PlanDesign("d", services=imaging), *[line(150, 1, "imaging")] * 2) == [75, 25]


def test_what_the_most_takes_off_a_copay_counts_to_the_deductible():
    per_day = CostSharing(copay=40, copay_per="day", max_per_unit=75, copay_before_deductible=True)
    design = PlanDesign("d", 500, services={"inpatient": per_day})
    # Five days at 40 come to 200, of which 75 are owed; the other 425 count to the deductible, 75 of which are left.
    stays = [line(500, 1, "inpatient", units=5), line(500, 9, "inpatient", units=5)]
    assert member_pays(design, *stays) == [75 + 425, 75 + 75]


def test_drugs_with_limits_of_their_own():
    design = PlanDesign("d", 500, 2000, drug_deductible=100, drug_out_of_pocket_maximum=150, coinsurance=0.5)
    lines = [line(120, 1, "generic"), line(400, 2), line(120, 3, "generic"), line(300, 4)]
    # 100 + 10; the medical deductible; half of 120 is 60, of which 150 - 110 = 40 are left; 100 + 100.
    assert member_pays(design, *lines) == [110, 400, 40, 200]


def test_drugs_share_a_maximum_but_not_the_deductible():
    design = PlanDesign("d", 500, 550, drug_deductible=100)
    assert member_pays(design, line(200, 1, "generic"), line(900, 2)) == [100, 450]


def test_out_of_the_network():
    design = PlanDesign("d", 100, out_of_network=PlanDesign("out", deductible=300, coinsurance=0.5))
    lines = [line(200, 1, network_tier="out"), line(200, 2), line(200, 3, network_tier="out")]
    assert member_pays(design, *lines) == [200, 100, 100 + 0.5 * 100]
    nothing = adjudicate(extract(lines)[1], PlanDesign("d", 100, 150))
    assert nothing.summary()[["not_covered", "member_paid"]].to_numpy().tolist() == [[400, 500]]


def test_the_second_tier_shares_the_limits():
    design = PlanDesign(
        "d",
        100,
        coinsurance=0.1,
        tier_2_coinsurance=0.3,
        tier_2_services={"specialist": CostSharing(copay=80)},
    )
    lines = [
        line(100, 1, "imaging", network_tier="tier_1"),
        line(100, 2, "imaging", network_tier="tier_2"),
        line(100, 3, network_tier="tier_2"),
        line(100, 4),
    ]
    assert member_pays(design, *lines) == [100, 30, 80, 10]


def test_embedded_family_limits():
    design = PlanDesign("d", 500, 1000, 0.5, family_deductible=800, family_out_of_pocket_maximum=1500)
    lines = family(("A", 600), ("B", 400), ("C", 600), ("C", 2000))
    # A: 500 + 50. B: the family has 300 left: 300 + 50. C: no deductible: 300; then 1,500 - 1,200 = 300 are left.
    assert member_pays(design, *lines) == [550, 350, 300, 300]


def test_aggregate_family_deductible_and_a_person_s_own_maximum():
    design = PlanDesign("d", 500, 700, family_deductible=1000, family_kind="aggregate")
    assert member_pays(design, *family(("A", 600), ("B", 600), ("A", 900))) == [600, 400, 0]
    assert member_pays(design, *family(("A", 900), ("B", 600))) == [700, 300]


def test_a_family_s_limits_of_drugs():
    drugs = [
        line(amount, day, "generic", member=who, family_id="F")
        for day, (who, amount) in enumerate((("A", 100), ("B", 100), ("B", 100), ("A", 400)), start=1)
    ]
    design = PlanDesign(
        "d", 500, 4000, 0.5, drug_deductible=80, family_drug_deductible=120,
        drug_out_of_pocket_maximum=200, family_drug_out_of_pocket_maximum=300,
    )  # fmt: skip
    # A: 80 + 10. B: the family has 40 left: 40 + 30; then 50. A owes 200 and has 110 left, the family 300 - 210 = 90.
    assert member_pays(design, *drugs) == [90, 70, 50, 90]
    # In a family its own 120 alone: 100; 20 + 40; 50; then 300 - 210 = 90 of the family's, 200 - 100 = 100 of A's.
    assert member_pays(replace(design, family_kind="aggregate"), *drugs) == [100, 60, 50, 90]


def test_a_maximum_in_and_out_of_the_network_together():
    outside = PlanDesign("out", 0, 600, 0.5)
    design = PlanDesign("d", 0, 400, 0.5, out_of_network=outside, combined_out_of_pocket_maximum=700)
    visits = [
        line(600, 1), line(1000, 2, network_tier="out"), line(600, 3), line(50, 4, network_tier="out"), line(50, 5)
    ]  # fmt: skip
    # 300 inside; 500 outside, but 700 - 300 = 400 are left; nothing more, anywhere.
    assert member_pays(design, *visits) == [300, 400, 0, 0, 0]
    assert member_pays(replace(design, combined_out_of_pocket_maximum=None), *visits) == [
        300,
        500,
        100,
        25,
        0,
    ]
    # Drugs with a maximum of their own do not count.
    drugs = replace(design, drug_out_of_pocket_maximum=250)
    assert member_pays(drugs, line(600, 1, "generic"), *visits[1:3]) == [250, 500, 200]
    # Of a family: 300 of A's and 400 of B's are what it pays together.
    family_of_two = replace(design, family_combined_out_of_pocket_maximum=700)
    lines = [
        line(600, 1, member="A", family_id="F"),
        line(1000, 2, member="B", family_id="F", network_tier="out"),
    ]
    assert member_pays(family_of_two, *lines, line(80, 3, member="A", family_id="F")) == [300, 400, 0]


def test_a_family_of_one_has_the_limits_of_one():
    design = PlanDesign("d", 500, family_deductible=1000, family_kind="aggregate")
    assert member_pays(design, line(800, family_id="F")) == [500]
    members = {"member_id": ["A", "B"], "family_id": ["F", "F"], "months_enrolled": [12, 12]}
    claims = read_claims(extract([line(800)])[1], members=members, year=2025)
    found = adjudicate(claims, design)  # B is covered and has no claim
    assert found.members["member_paid"].to_pylist() == [800, 0]


def test_members_without_families_are_of_those_that_their_claims_name():
    design = PlanDesign("d", 500, family_deductible=600)
    _, lines = extract(family(("A", 400), ("B", 400)))
    members = {"member_id": ["C", "B", "A"], "months_enrolled": [12, 12, 12]}
    found = adjudicate(read_claims(lines, members=members, year=2025), design).members
    paid = dict(zip(found["member_id"].to_pylist(), found["member_paid"].to_pylist(), strict=True))
    assert paid == {"A": 400, "B": 600 - 400, "C": 0}
    _, lines = extract([line(400, family_id="F"), line(400, 2, family_id="G")])
    with pytest.raises(InputError, match=r"'family_id': another than .* in 1 of 2 rows .* table of members"):
        read_claims(lines, members=members, year=2025)


def test_a_member_of_a_blank_family_is_a_family_of_one():
    design = PlanDesign("d", 500, family_deductible=600)
    members = {"member_id": ["A", "B", "C"], "family_id": ["F", None, "F"], "months_enrolled": [12, 12, 12]}
    _, lines = extract([line(400, day, member=who) for day, who in enumerate("ABC", start=1)])
    found = adjudicate(read_claims(lines, members=members, year=2025), design).members
    paid = dict(zip(found["member_id"].to_pylist(), found["member_paid"].to_pylist(), strict=True))
    assert paid == {"A": 400, "B": 400, "C": 600 - 400}


def test_without_a_family_each_stands_alone():
    design = PlanDesign("d", 500, family_deductible=500)
    assert member_pays(design, line(400, member="A"), line(400, member="B")) == [400, 400]


def test_a_carve_out_is_paid_whatever_the_maximum():
    design = PlanDesign("d", 0, 100, 0.5, {"dental": CostSharing(coinsurance=0.5, counts_to_maximum=False)})
    assert member_pays(design, line(300, 1), line(50, 2, "dental"), line(50, 3)) == [100, 25, 0]


def test_what_is_not_covered():
    design = PlanDesign("d", 100, services={"dental": CostSharing(is_covered=False)})
    result = adjudicate(extract([line(80, 1, "dental"), line(150, 2)])[1], design).summary()
    assert result[["not_covered", "deductible", "plan_paid"]].to_numpy().tolist() == [[80, 100, 50]]


def test_a_reversal_cancels_its_line_and_a_corrected_line_replaces_it():
    design = PlanDesign("d", 100)
    same = {"claim_id": "X", "claim_line_number": 1}
    lines = [
        line(90, 1, **same),
        line(-90, 1, paid_date=date(2025, 2, 1), **same),
        line(60, 1, paid_date=date(2025, 2, 2), **same),
        line(70, 2),
    ]
    assert member_pays(design, *lines) == [None, None, 60, 40]
    counts = read_claims(extract(lines)[1]).counts
    assert counts == {
        "lines_read": 4, "lines_repeating": 0, "lines_adjudicated": 2, "lines_netted": 2, "lines_of_other_years": 0,
    }  # fmt: skip


def test_amounts_that_every_line_of_a_claim_repeats_count_once():
    stays = [
        line(900, day, "inpatient", claim_id=f"S{day}", claim_line_number=number)
        for day in range(1, 7)
        for number in (2, 1, 3)
    ]
    _, table = extract([*stays, line(50, 9)])
    by_line = adjudicate(table, PlanDesign("d", 100))
    assert by_line.summary()["allowed"][0] == 18 * 900 + 50
    assert "service category 'inpatient': 6 of 6 claims of several lines" in by_line.notes[0]
    claims = read_claims(table, header_amounts="inpatient")
    found = adjudicate(claims, PlanDesign("d", coinsurance=1), keep_lines=True)
    assert found.summary()["allowed"][0] == 6 * 900 + 50
    assert not found.notes
    assert claims.counts["lines_repeating"] == 12
    paid = {row["row_number"]: row["member_paid"] for row in found.lines.to_pylist()}
    assert [paid[row] for row in (1, 2, 3)] == [0, 900, 0]  # on the line numbered 1


def test_a_negative_line_without_its_original_is_a_credit_to_the_plan():
    found = adjudicate(extract([line(-50), line(80, 2)])[1], PlanDesign("d", 100)).summary()
    assert found[["allowed", "plan_paid", "member_paid"]].to_numpy().tolist() == [[30, -50, 80]]


def test_in_a_family_one_person_may_pay_more_under_a_richer_design():
    lines = family(("A", 1000), ("B", 1000))
    poorer = PlanDesign("d", 1000, family_deductible=1000)
    assert member_pays(poorer, *lines) == [1000, 0]
    assert member_pays(replace(poorer, deductible=500), *lines) == [500, 500]


# ---- what is refused, and results


def test_extracts_that_cannot_be_used():
    _, table = extract([line(10), line(20, network_tier="far")])
    with pytest.raises(InputError, match=r"'network_tier': not allowed in 1 of 2 rows \(first rows: 2\)"):
        read_claims(table)
    with pytest.raises(InputError, match="lacks 'service_category'"):
        read_claims(table.drop_columns(["service_category"]))
    with pytest.raises(InputError, match="nearest: units"):
        read_claims(table, columns={"unit": "x"})
    _, good = extract([line(10)])
    with pytest.raises(InputError, match="'service_date': blank in 1 of 1 rows"):
        read_claims(good.set_column(4, "service_date", pa.array([None], pa.date32())))
    with pytest.raises(InputError, match="no claim line with a service date in 2031"):
        read_claims(good, year=2031)
    with pytest.raises(InputError, match="no claim line, or they all come to 0"):
        read_claims(extract([line(10, claim_id="X"), line(-10, claim_id="X")])[1])
    with pytest.raises(InputError, match="not among the members in 1 of 1 rows") as caught:
        read_claims(good, members={"member_id": ["SECRET"], "months_enrolled": [12]}, year=2025)
    assert "SECRET" not in str(caught.value)
    with pytest.raises(InputError, match="give year="):
        read_claims(good, members={"member_id": ["A"], "months_enrolled": [12]})
    with pytest.raises(InputError, match="not a finite number in 1 of 1 rows"):
        read_claims(good.set_column(7, "allowed_amount", pa.array([float("nan")])))


def test_one_text_is_no_list_of_drug_services():
    with pytest.raises(InputError, match=r"drug_services is one text; write \('pharmacy',\)"):
        PlanDesign("d", drug_services="pharmacy")


def test_calls_that_are_refused():
    _, table = extract([line(10)])
    with pytest.raises(InputError, match="at least one design"):
        adjudicate(table, [])
    with pytest.raises(InputError, match="one design at a time"):
        adjudicate(table, [PlanDesign(), PlanDesign()], keep_lines=True)
    with pytest.raises(InputError, match="keep_lines=True"):
        _ = adjudicate(table, PlanDesign()).lines


def test_scripts_are_not_visits():
    with pytest.raises(InputError, match="count visits and stays, not scripts"):
        PlanDesign(services={"generic": CostSharing(copay_per="script", free_visits=1)})


def test_members_written_and_shown(tmp_path):
    _, table = extract([line(300), line(80, 2, member="B")])
    found = adjudicate(table, [PlanDesign("one", 100), PlanDesign("two", 200)])
    assert found.members.select(["design", "member_id", "member_paid"]).to_pylist() == [
        {"design": "one", "member_id": "A", "member_paid": 100},
        {"design": "one", "member_id": "B", "member_paid": 80},
        {"design": "two", "member_id": "A", "member_paid": 200},
        {"design": "two", "member_id": "B", "member_paid": 80},
    ]
    assert np.allclose(found.summary()["actuarial_value"], [200 / 380, 100 / 380])
    found.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "adjudicated_members.parquet",
        "run.json",
    ]
    written = pq.read_table(tmp_path / "out" / "adjudicated_members.parquet")
    assert written.to_pylist() == found.members.to_pylist()
    assert found.members["member_id"].chunk(0).equals(found.members["member_id"].chunk(1))
    assert "'" not in repr(found)


def test_services_that_the_claims_do_not_have_are_told():
    _, claims = extract([line(100)])
    terms = {"specialist": CostSharing(copay=10), "primry_care": CostSharing(copay=5)}
    found = adjudicate(claims, PlanDesign("misspelt", services=terms))
    assert found.notes == ("plan design 'misspelt': no claim line is of primry_care",)
