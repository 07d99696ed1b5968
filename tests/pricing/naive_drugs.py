"""The naive twin of drug coverage: one enrollee, one cent at a time."""

from __future__ import annotations

from typing import Any

CENT = 0.01


def naive_coverage(
    claims: list[dict[str, Any]], *, deductible: float, tiers: dict[str, dict[str, Any]], standard: dict[str, float],
    counts_supplemental: bool,
) -> dict[str, float]:  # fmt: skip
    """Return what everybody pays for an enrollee's claims, stepping through them cent by cent."""
    sums = dict.fromkeys(("enrollee", "plan", "manufacturer", "reinsurance", "selected_drug_subsidy"), 0.0)
    own_left, standard_left, incurred = deductible, standard["deductible"], 0.0
    for claim in claims:
        terms, cost = tiers[claim["tier"]], claim["gross_cost"]
        limit = claim.get("cost_sharing_limit")
        waived = terms["is_exempt"] or limit is not None
        above = cost if waived else max(cost - own_left, 0.0)
        paid = terms["copay"] * claim["scripts"] + terms["coinsurance"] * above
        usual = standard["coinsurance"]
        if limit is not None:
            paid = min(paid, limit * claim["scripts"])
            usual = min(usual, limit * claim["scripts"] / cost)
        own_rate = min(paid / above, 1.0) if above else 0.0
        for _ in range(round(cost / CENT)):
            if incurred >= standard["threshold"] - 1e-6:
                manufacturer = claim["catastrophic_discount"]
                reinsurance, selected, enrollee = claim["reinsured"], 0.0, 0.0
            else:
                passed = standard_left <= 1e-6
                manufacturer = claim["discount"] if passed else 0.0
                selected = claim["subsidy"] if passed else 0.0
                reinsurance = 0.0
                enrollee = 1.0 if (not waived and own_left > 1e-6) else own_rate
                enrollee = min(enrollee, 1 - manufacturer - selected)
                counted = enrollee
                if counts_supplemental:
                    counted = max(enrollee, 1.0 if (not passed and limit is None) else usual)
                incurred += counted * CENT
                if not waived and own_left > 1e-6:
                    own_left -= CENT
                if not passed and limit is None:
                    standard_left -= CENT
            sums["enrollee"] += enrollee * CENT
            sums["manufacturer"] += manufacturer * CENT
            sums["reinsurance"] += reinsurance * CENT
            sums["selected_drug_subsidy"] += selected * CENT
            sums["plan"] += (1 - enrollee - manufacturer - reinsurance - selected) * CENT
    return sums
