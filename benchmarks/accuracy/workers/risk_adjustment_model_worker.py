"""risk-adjustment-model: a class for each model and a table folder for each year."""

from __future__ import annotations

from typing import Any

import risk_adjustment_model
from protocol import Answer, Member, Scorer, answer, serve

#: Our segments in its words; those it lacks raise.
ESRD_POPULATIONS = {
    "DIAL": ("DIAL", None), "DIAL_NE": ("NE_DIAL", None),
    "GRAFT_COMM_4_9": ("GRAFT_COMM", 4), "GRAFT_COMM_10PL": ("GRAFT_COMM", 10),
    "GRAFT_INST_4_9": ("GRAFT_INST", 4), "GRAFT_INST_10PL": ("GRAFT_INST", 10),
    "GRAFT_NE_4_9": ("NE_GRAFT", 4), "GRAFT_NE_10PL": ("NE_GRAFT", 10),
    "TRANSPLANT_1M": ("TRANSPLANT_1M", None), "TRANSPLANT_2M": ("TRANSPLANT_2M", None),
    "TRANSPLANT_3M": ("TRANSPLANT_3M", None),
}  # fmt: skip
RX_POPULATIONS = {"NE_NonLow": "NE_NONLOW_COMMUNITY", "NE_Low": "NE_LOW_COMMUNITY"}


def make_scorer(settings: dict[str, Any]) -> Scorer:
    """Return the scorer of a class and year."""
    model = getattr(risk_adjustment_model, settings["class"])(settings["year"])
    words = {"community": _community, "esrd": _esrd, "rx": _rx, "commercial": _commercial}[settings["kind"]]

    def score(member: Member) -> Answer | None:
        if member["segment"] == "SNPNE":
            return None
        found = model.score(
            gender=member["sex"],
            age=member["age"],
            diagnosis_codes=member["codes"] or None,
            **words(member, settings),
        )
        factors = {name: entry["coefficient"] for name, entry in found.category_details.items()}
        if settings["kind"] == "commercial":
            return answer(found.score_raw, _hhs_hccs(found), factors)
        if "NE_" in found.population or found.population.startswith("TRANSPLANT"):
            return answer(found.score_raw, None, factors)  # it reads no diagnoses then
        hccs = [name for name in found.category_list if name.lstrip("RX").startswith("HCC")]
        hccs = [name for name in hccs if name.lstrip("RXHC").isdigit()]
        return answer(found.score_raw, hccs, factors)

    return score


def _hhs_hccs(found: Any) -> list[str] | None:
    """Return the HCCs left, those in groups too; infants' stand behind their severity, which tells none."""
    if found.age is not None and found.age < 2:
        return None
    groups = [entry for name, entry in found.category_details.items() if name.startswith("G")]
    grouped = [hcc for entry in groups for hcc in entry["trigger_code_map"] or ()]
    names = [*found.category_list, *grouped]
    return [name for name in names if name.startswith("HHS_HCC")]


def _community(member: Member, _: dict[str, Any]) -> dict[str, Any]:
    return {
        "orec": member["orec"],
        "medicaid": member["ltimcaid"],
        "ne_medicaid": member["nemcaid"],
        "population": member["segment"],
    }


def _esrd(member: Member, settings: dict[str, Any]) -> dict[str, Any]:
    population, months = ESRD_POPULATIONS[member["segment"]]
    words = {"orec": member["orec"], "population": population, "graft_duration_months": months}
    if settings["class"].endswith("v21"):
        return words | {"mcaid": member["mcaid"], "ne_mcaid": member["nemcaid"]}
    return words | {
        "fbdual": member["dual"] == "full",
        "pbdual": member["dual"] == "partial",
        "lti": member["lti"],
    }


def _rx(member: Member, _: dict[str, Any]) -> dict[str, Any]:
    segment = member["segment"]
    return {
        "orec": member["orec"],
        "esrd": member["is_esrd"],
        "population": RX_POPULATIONS.get(segment, segment.upper()),
    }


def _commercial(member: Member, _: dict[str, Any]) -> dict[str, Any]:
    return {
        "metal_level": member["segment"],
        "csr_indicator": "1",
        "enrollment_days": member["months"] * 30 + 1,
        "ndc_codes": member["ndc"] or None,
        "proc_codes": member["hcpcs"] or None,
    }


if __name__ == "__main__":
    serve(make_scorer)
