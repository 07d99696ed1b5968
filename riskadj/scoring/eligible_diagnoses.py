"""Which diagnoses count: the payment year's own claim filter, row by row.

The rules are the year's tables: the claim and bill types that count (`eligible_claims`), the procedures that make a
claim line eligible (`eligible_procedures`), and the record sources that do not count (`diagnosis_sources`).
"""

from __future__ import annotations

from riskadj.errors import OptionError
from riskadj.scoring.capture import ClaimFilter
from riskadj.tables.payment_year import PaymentYear

_COLUMNS = ("claim_type", "bill_type_code", "procedure_code", "record_source")


def columns_of_filter(diagnosis_filter: str) -> tuple[str, ...]:
    """Return the columns of the diagnoses extract that a filter reads."""
    return _COLUMNS if diagnosis_filter == "cms" else ()


def claim_filter(diagnosis_filter: str, year: PaymentYear, columns: tuple[str, ...]) -> ClaimFilter | None:
    if diagnosis_filter == "none":
        return None
    raise OptionError("later")
