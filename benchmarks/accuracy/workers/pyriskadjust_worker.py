"""pyriskadjust: V22 of 2018 and V23 of 2019."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from protocol import Answer, Member, Scorer, answer, serve

logging.disable(logging.CRITICAL)


def make_scorer(settings: dict[str, Any]) -> Scorer:
    """Return the scorer of one of its modules."""
    model = importlib.import_module(f"pyriskadjust.models.{settings['module']}")

    def score(member: Member) -> Answer:
        sex, segment = {"M": 1, "F": 2}[member["sex"]], member["segment"].lower()
        found = model.compute_risk_score_components(
            member["codes"],
            member["age"],
            sex,
            long_term_institutional_in_medicaid=member["ltimcaid"],
            new_enrollee_in_medicaid=member["nemcaid"],
            original_entitlement_reason=int(member["orec"]),
            model=segment,
        )
        hccs = model.diagnoses_to_hccs(member["codes"], member["age"], sex)
        factors = {name.removeprefix(f"{segment}_"): value for name, value in found.items()}
        return answer(sum(found.values()), [f"HCC{number}" for number in hccs], factors)

    return score


if __name__ == "__main__":
    serve(make_scorer)
