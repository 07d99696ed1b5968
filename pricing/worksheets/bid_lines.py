"""The formulas of a bid's workbook, line by line; keys are those of the library's own numbers."""

from __future__ import annotations

from pricing.worksheets.lines import EXPENSE, YES, Formula, rate_cell, rounded

#: Worksheets 1 to 3, by service category.
PROJECTION = (
    Formula("base_allowed", "base allowed", "{base_utilization_per_1000}*{base_unit_cost}/12000"),
    Formula(
        "projected_utilization", "projected utilization",
        "{base_utilization_per_1000}*{utilization_trend}*{benefit_change}*{population_change}*{other_utilization}"
        "+{additive_utilization_per_1000}", "per 1,000 a year",
    ),
    Formula("projected_unit_cost", "projected unit cost", "{base_unit_cost}*{unit_cost_trend}*{other_unit_cost}"),
    Formula(
        "projected_allowed", "projected allowed",
        "{projected_utilization}*{projected_unit_cost}/12000+{additive_pmpm}",
    ),
    Formula("manual_allowed", "manual allowed", "{manual_utilization_per_1000}*{manual_unit_cost}/12000"),
    Formula(
        "utilization", "blended utilization",
        "{bid.credibility}*{projected_utilization}+(1-{bid.credibility})*{manual_utilization_per_1000}",
        "per 1,000 a year",
    ),
    Formula(
        "allowed", "blended allowed",
        "{bid.credibility}*{projected_allowed}+(1-{bid.credibility})*{manual_allowed}", is_total=True,
    ),
    Formula(
        "cost_sharing", "cost sharing", "{utilization}*{effective_copay}/12000+{allowed}*{effective_coinsurance}",
    ),
    Formula("net", "net medical", "{allowed}-{cost_sharing}"),
    Formula("covered_allowed", "Medicare-covered allowed", "{allowed}*{covered_share}"),
    Formula("ffs_cost_sharing", "FFS cost sharing", "{covered_allowed}*{ffs_cost_sharing_share}"),
    Formula("covered_net", "Part A and B net medical", "{covered_allowed}-{ffs_cost_sharing}", is_total=True),
    Formula(
        "cost_sharing_reduction", "cost-sharing reduction", "{ffs_cost_sharing}-{cost_sharing}*{covered_share}",
    ),
    Formula(
        "additional_benefits", "additional benefits",
        "({allowed}-{covered_allowed})-{cost_sharing}*(1-{covered_share})", is_total=True,
    ),
)  # fmt: skip

_REBATE_SHARE = (
    f'IF({{plans.is_new_plan}}="{YES}",'
    f"{rate_cell('rebate_percentage', 'new')},"
    f'IF({{plans.is_unrated}}="{YES}",'
    f"{rate_cell('rebate_percentage', 'low')},"
    f"IF({{plans.stars}}>={rate_cell('rebate_minimum_stars', 'high')},{rate_cell('rebate_percentage', 'high')},"
    f"IF({{plans.stars}}>={rate_cell('rebate_minimum_stars', 'middle')},{rate_cell('rebate_percentage', 'middle')},"
    f"{rate_cell('rebate_percentage', 'low')}))))"
)
_REDUCED = (
    "IF({supplemental_medical}>0,MIN(MAX({cost_sharing_reduction},0),{supplemental_medical})"
    "/{supplemental_medical},0)"
)

#: Worksheets 4 to 6 as far as the order of the rebate's uses does not matter, by plan.
BID = (
    Formula(
        "credibility", "credibility of base experience",
        f"MIN(1,SQRT({{plans.base_member_months}}/{rate_cell('bid_full_credibility_member_months')}))",
        "share", "percent", "WS2", "Medical cost (worksheets 2 to 4)",
    ),
    Formula("allowed", "allowed", "SUM({projection.allowed})", field="WS2"),
    Formula("cost_sharing", "cost sharing", "SUM({projection.cost_sharing})", field="WS3"),
    Formula("net_medical", "net medical", "SUM({projection.net})", field="WS4", is_total=True),
    Formula("covered_allowed", "Medicare-covered allowed", "SUM({projection.covered_allowed})", field="WS4"),
    Formula("uncovered_allowed", "other allowed", "{allowed}-{covered_allowed}", field="WS4"),
    Formula("ffs_cost_sharing", "equivalent FFS cost sharing", "SUM({projection.ffs_cost_sharing})", field="WS4"),
    Formula("covered_net", "Part A and B net medical", "SUM({projection.covered_net})", field="WS4"),
    Formula(
        "cost_sharing_reduction", "Part A and B cost-sharing reduction", "SUM({projection.cost_sharing_reduction})",
        field="WS4",
    ),
    Formula("additional_benefits", "additional benefits", "SUM({projection.additional_benefits})", field="WS4"),
    Formula(
        "supplemental_medical", "mandatory supplemental cost, with ESRD subsidy",
        "MAX({cost_sharing_reduction}+{additional_benefits}+{plans.esrd_subsidy},0)", field="WS4",
    ),
    Formula("non_benefit", "non-benefit expense", EXPENSE, field="WS4", section="Required revenue (worksheet 4)"),
    Formula(
        "covered_non_benefit", "of it for Part A and B",
        "{non_benefit}*{covered_net}/({covered_net}+{supplemental_medical})", field="WS4",
    ),
    Formula(
        "covered_revenue", "Part A and B bid at the plan's risk score",
        "({covered_net}+{covered_non_benefit})/(1-{plans.margin_share})", field="WS4",
    ),
    Formula(
        "supplemental_revenue", "mandatory supplemental revenue",
        "({supplemental_medical}+{non_benefit}-{covered_non_benefit})/(1-{plans.supplemental_margin_share})",
        field="WS4",
    ),
    Formula("required_revenue", "required revenue", "{covered_revenue}+{supplemental_revenue}", field="WS4",
            is_total=True),
    Formula(
        "gain", "gain or loss",
        "{covered_revenue}*{plans.margin_share}+{supplemental_revenue}*{plans.supplemental_margin_share}",
        field="WS4",
    ),
    Formula("total_margin_share", "margin", "{gain}/{required_revenue}", "share of revenue", "percent", "WS4"),
    Formula("member_months", "projected member months", "SUM({counties.member_months})", "member months", "count",
            "WS5", "Bid against benchmark (worksheet 5)"),
    Formula("standardised_bid", "standardised bid", "{covered_revenue}/{plans.projected_risk_score}", field="WS5",
            is_total=True),
    Formula(
        "standardised_benchmark", "standardised benchmark",
        "SUMPRODUCT({counties.member_months},{counties.rate})/{member_months}", field="WS5", is_total=True,
    ),
    Formula(
        "savings", "savings", "MAX({standardised_benchmark}-{standardised_bid},0)*{plans.projected_risk_score}",
        field="WS5",
    ),
    Formula("rebate_percentage", "share of savings kept", _REBATE_SHARE, "share", "percent", "WS5"),
    Formula("rebate", "rebate", "{savings}*{rebate_percentage}", field="WS5", is_total=True),
    Formula("basic_member_premium", "basic member premium", "MAX({standardised_bid}-{standardised_benchmark},0)",
            field="WS5"),
    Formula("cost_sharing_room", "cost-sharing reduction", f"{{supplemental_revenue}}*{_REDUCED}", field="WS6",
            section="What the rebate can go to (worksheet 6)"),
    Formula("supplemental_room", "other supplemental benefits", "{supplemental_revenue}-{cost_sharing_room}",
            field="WS6"),
    Formula("part_d_basic_room", "Part D basic premium", "{plans.part_d_basic_premium}", field="WS6"),
    Formula("part_d_supplemental_room", "Part D supplemental premium", "{plans.part_d_supplemental_premium}",
            field="WS6"),
    Formula("part_b_room", "Part B premium", "{plans.part_b_buy_down}", field="WS6"),
)  # fmt: skip


def _rounded(part: str) -> str:
    return rounded(f"{part}_premium", rate_cell("premium_rounding", part))


#: What members pay, after the rebate's uses.
PREMIUMS = (
    Formula(
        "part_c_premium", "Part C premium before rounding",
        "MAX({basic_member_premium}+{supplemental_revenue}-{rebate_cost_sharing}-{rebate_supplemental},0)",
        field="WS6", section="Premiums (worksheet 6)",
    ),
    Formula(
        "part_d_premium", "Part D premium before rounding",
        "MAX({plans.part_d_basic_premium}-{rebate_part_d_basic},0)"
        "+MAX({plans.part_d_supplemental_premium}-{rebate_part_d_supplemental},0)", field="WS6",
    ),
    Formula("rounded_part_c_premium", "Part C premium", _rounded("part_c"), field="WS6"),
    Formula("rounded_part_d_premium", "Part D premium", _rounded("part_d"), field="WS6"),
    Formula("member_premium", "member premium", "{rounded_part_c_premium}+{rounded_part_d_premium}", field="WS6",
            is_total=True),
    Formula("part_b_premium", "Part B premium after the buy-down",
            rate_cell("part_b_premium") + "-{rebate_part_b}", field="WS6"),
    Formula("total_beneficiary_cost", "total beneficiary cost", "{member_premium}+{part_b_premium}+{cost_sharing}"),
)  # fmt: skip
