"""risk-compose: CMS's tables of payment year 2026; it asks for a date of birth."""

from __future__ import annotations

from datetime import date
from typing import Any

from protocol import Answer, Member, Scorer, answer, serve
from risk_compose import DiagnosisRecord, ScoringOptions, ScoringRequest, SubjectRecord, score_subjects

COMMUNITY = {
    "CNA": "community_na", "CPA": "community_pba", "CFA": "community_fba", "CND": "community_nd",
    "CPD": "community_pbd", "CFD": "community_fbd", "INS": "institutional", "NE": "ne", "SNPNE": "ne_snp",
}  # fmt: skip
RX = {"NE_NonLow": "ne_nonlow_community", "NE_Low": "ne_low_community"}
TRANSPLANTS = {f"TRANSPLANT_{n}M": f"transplant_kidney_only_{n}m" for n in (1, 2, 3)}


def make_scorer(settings: dict[str, Any]) -> Scorer:
    """Return the scorer of one of its model versions."""
    options = ScoringOptions(model_version=settings["version"])

    def score(member: Member) -> Answer:
        subject = SubjectRecord(
            "member",
            date(settings["year"] - member["age"], 1, 15),
            {"M": 1, "F": 2}[member["sex"]],
            int(member["orec"]),
            limited_income_medicaid_flag=int(member["ltimcaid"]),
            new_enrollee_medicaid_flag=int(member["nemcaid"]),
            concurrent_esrd_flag=int(member["is_esrd"]),
            medicaid_flag=int(member["mcaid"]),
            full_benefit_dual_flag=int(member["dual"] == "full"),
            partial_benefit_dual_flag=int(member["dual"] == "partial"),
            long_term_institutional_flag=int(member["lti"]),
        )
        codes = tuple(DiagnosisRecord("member", code) for code in member["codes"])
        found = score_subjects(ScoringRequest((subject,), codes, options))
        family = family_of(member, settings)
        factors = {
            row["variable_name"]: row["contribution"]
            for row in found.scores.score_contributions.rows
            if row["score_family"] == family and row["contribution_status"] == "applied"
        }
        on = found.predictors.subject_predictors.rows[0]
        hccs = [name for name in on if name.lstrip("RX").startswith("HCC") and name.lstrip("RXHC").isdigit()]
        raw = found.scores.subject_scores.rows[0][f"score_{family}"]
        return answer(raw, [name for name in hccs if on[name]], factors)

    return score


def family_of(member: Member, settings: dict[str, Any]) -> str:
    """Return the name of a segment's score."""
    segment = member["segment"]
    if settings["kind"] == "community":
        return COMMUNITY[segment]
    if settings["kind"] == "rx":
        return RX.get(segment, segment.lower())
    if segment in TRANSPLANTS:
        return TRANSPLANTS[segment]
    if not segment.startswith("GRAFT"):
        return segment.lower()
    return _graft(member, v21=settings["version"].startswith("esrd_v21"))


def _graft(member: Member, *, v21: bool) -> str:
    """Duration, age and dual status stand in the name; its order differs from score to score."""
    parts = member["segment"].lower().split("_", 2)
    duration = f"dur{parts[2]}"
    new = parts[1] == "ne"
    aged = member["age"] >= 65 or (new and member["age"] == 64 and member["orec"] == "0")
    age, dual = "ge65" if aged else "lt65", "fbd" if member["dual"] == "full" else "nd_pbd"
    if v21:
        return f"graft_{parts[1]}_{duration}_{age}"
    if new:
        return f"graft_ne_{age}_{duration}_{dual}"
    if parts[1] == "inst":
        return f"graft_inst_{dual}_{age}_{duration}"
    return f"g_comm_{dual}_{age}_{duration}"


if __name__ == "__main__":
    serve(make_scorer)
