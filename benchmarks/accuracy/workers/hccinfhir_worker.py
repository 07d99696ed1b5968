"""hccinfhir: the segment is given to it by its prefix, so that it scores the same one.

Of ESRD it is asked for dialysis and grafts of institutional members and new enrollees: the prefixes that it takes for
other grafts and for transplants are not those of its table of factors.
"""

from __future__ import annotations

from typing import Any

from hccinfhir import HCCInFHIR
from protocol import Answer, Member, Scorer, answer, serve

RX = {
    "CE_NonLow_Aged": "Rx_CE_NoLowAged_", "CE_NonLow_NonAged": "Rx_CE_NoLowNoAged_",
    "CE_Low_Aged": "Rx_CE_LowAged_", "CE_Low_NonAged": "Rx_CE_LowNoAged_", "CE_LTI": "Rx_CE_LTI_",
    "NE_NonLow": "Rx_NE_NoLo_", "NE_Low": "Rx_NE_Lo_", "NE_LTI": "Rx_NE_LTI_",
}  # fmt: skip


def make_scorer(settings: dict[str, Any]) -> Scorer:
    """Return the scorer of a model, with the files that it names after the year."""
    scorer = HCCInFHIR(
        filter_claims=False,
        model_name=settings["model"],
        dx_cc_mapping_filename=f"ra_dx_to_cc_{settings['mappings']}.csv",
        hierarchies_filename=f"ra_hierarchies_{settings['tables']}.csv",
        coefficients_filename=f"ra_coefficients_{settings['tables']}.csv",
    )
    start = "RXHCC" if settings["kind"] == "rx" else "HCC"

    def score(member: Member) -> Answer | None:
        dual = dual_status_code(member)
        if dual is None or member["segment"].startswith(("GRAFT_COMM", "TRANSPLANT")):
            return None
        new = "NE" in member["segment"].split("_") or member["segment"] == "SNPNE"
        status = {
            "age": member["age"],
            "sex": member["sex"],
            "dual_elgbl_cd": dual,
            "orec": member["orec"],
            "new_enrollee": new,
            "snp": member["segment"] == "SNPNE",
            "lti": member["lti"] and not new,
            "low_income": "_Low" in member["segment"],
            "graft_months": graft_months(member["segment"]),
        }
        found = scorer.calculate_from_diagnosis(
            member["codes"], status, prefix_override=prefix(member, settings["kind"])
        )
        factors = {f"{start}{name}" if name.isdigit() else name: v for name, v in found.coefficients.items()}
        return answer(found.risk_score, [f"{start}{number}" for number in found.hcc_list], factors)

    return score


def dual_status_code(member: Member) -> str | None:
    """Return the dual status, which says Medicaid too; None if the member's own Medicaid flags contradict it."""
    flags = {member["ltimcaid"], member["nemcaid"], member["mcaid"]}
    if member["dual_status_code"] is None:
        return "02" if member["nemcaid" if member["segment"].endswith("NE") else "ltimcaid"] else "NA"
    return member["dual_status_code"] if flags == {member["dual"] != "none"} else None


def graft_months(segment: str) -> int | None:
    """Return months since the transplant."""
    return {"4_9": 4, "0PL": 10}.get(segment[-3:]) if segment.startswith("GRAFT") else None


def prefix(member: Member, kind: str) -> str:
    """Return its prefix of a segment."""
    segment = member["segment"]
    if kind == "rx":
        return RX[segment]
    if kind == "community":
        return f"{segment}_"
    return {"DIAL": "DI_", "DIAL_NE": "DNE_", "GRAFT_INST": "GI_", "GRAFT_NE": "GNE_"}[
        segment.removesuffix("_4_9").removesuffix("_10PL")
    ]


if __name__ == "__main__":
    serve(make_scorer)
