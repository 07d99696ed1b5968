"""hccpy: Medicare models by `HCCEngine`, HHS-HCC by `HHSHCCEngine`."""

from __future__ import annotations

from typing import Any

from protocol import Answer, Member, Scorer, answer, serve


def make_scorer(settings: dict[str, Any]) -> Scorer:
    """Return the scorer of a model version and year of mappings."""
    if settings["version"] == "hhs":
        return _hhs(settings["year"])
    from hccpy.hcc import HCCEngine

    engine = HCCEngine(settings["version"], dx2cc_year=settings["year"])

    def score(member: Member) -> Answer:
        segment = member["segment"]
        found = engine.profile(
            member["codes"],
            age=member["age"],
            sex=member["sex"],
            elig=segment,
            orec=member["orec"],
            medicaid=member["nemcaid"] if segment.endswith("NE") else member["ltimcaid"],
        )
        start = f"{found['parameters']['elig']}_"
        factors = {name.removeprefix(start): value for name, value in found["details"].items()}
        hccs = [name for name in found["hcc_lst"] if name.startswith("HCC") and name[3:].isdigit()]
        return answer(found["risk_score"], hccs, factors)

    return score


def _hhs(year: str) -> Scorer:
    from hccpy.hhshcc import HHSHCCEngine

    engine = HHSHCCEngine(year)

    def score(member: Member) -> Answer:
        found = engine.profile(
            member["codes"],
            pr_lst=member["hcpcs"],
            rx_lst=member["ndc"],
            age=member["age"],
            sex=member["sex"],
            enroll_months=member["months"],
            plate=member["segment"][0],
        )
        hccs = [name for name in found["hcc_lst"] if name.startswith("HHS_HCC")]
        return answer(found["risk_score"], hccs, found["details"])

    return score


if __name__ == "__main__":
    serve(make_scorer)
