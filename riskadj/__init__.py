"""riskadj: risk adjustment scoring for Medicare Advantage, Part D and ACA plans.

``score`` turns extracts of enrollment and diagnoses into payment risk scores; ``load_model``, ``load_payment_year`` and
``list_models`` show the tables behind them. Heavy modules load when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from riskadj.calibration.calibration import Calibration
    from riskadj.cms_reports.mao004 import read_mao004, standing_diagnoses
    from riskadj.cms_reports.mmr import read_mmr
    from riskadj.cms_reports.mor import read_mor
    from riskadj.cms_reports.net import net_member_months
    from riskadj.errors import RiskAdjError
    from riskadj.front_door import calibrate, explain, gaps, score
    from riskadj.programs import score_programs
    from riskadj.results.compare.compare import Comparison, compare
    from riskadj.results.explain.explain import Explanation
    from riskadj.results.gaps.gaps import Gaps
    from riskadj.results.impact.impact import Impact, impact
    from riskadj.results.scores import Scores
    from riskadj.synthetic import make_synthetic
    from riskadj.tables.model import ModelTables, list_models, load_model
    from riskadj.tables.payment_year import PaymentYear, load_payment_year

_HOME = {
    "Calibration": "riskadj.calibration.calibration",
    "Comparison": "riskadj.results.compare.compare",
    "Explanation": "riskadj.results.explain.explain",
    "Gaps": "riskadj.results.gaps.gaps",
    "Impact": "riskadj.results.impact.impact",
    "ModelTables": "riskadj.tables.model",
    "PaymentYear": "riskadj.tables.payment_year",
    "RiskAdjError": "riskadj.errors",
    "Scores": "riskadj.results.scores",
    "calibrate": "riskadj.front_door",
    "compare": "riskadj.results.compare.compare",
    "explain": "riskadj.front_door",
    "gaps": "riskadj.front_door",
    "impact": "riskadj.results.impact.impact",
    "list_models": "riskadj.tables.model",
    "load_model": "riskadj.tables.model",
    "load_payment_year": "riskadj.tables.payment_year",
    "make_synthetic": "riskadj.synthetic",
    "net_member_months": "riskadj.cms_reports.net",
    "read_mao004": "riskadj.cms_reports.mao004",
    "read_mmr": "riskadj.cms_reports.mmr",
    "read_mor": "riskadj.cms_reports.mor",
    "score": "riskadj.front_door",
    "score_programs": "riskadj.programs",
    "standing_diagnoses": "riskadj.cms_reports.mao004",
}

__all__ = [
    "Calibration",
    "Comparison",
    "Explanation",
    "Gaps",
    "Impact",
    "ModelTables",
    "PaymentYear",
    "RiskAdjError",
    "Scores",
    "calibrate",
    "compare",
    "explain",
    "gaps",
    "impact",
    "list_models",
    "load_model",
    "load_payment_year",
    "make_synthetic",
    "net_member_months",
    "read_mao004",
    "read_mmr",
    "read_mor",
    "score",
    "score_programs",
    "standing_diagnoses",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'riskadj' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
