"""Column names and code sets of the field: the words that extracts, tables and results share.

Member-status fields are the columns that condition tables (segments, demographics, payment policy) may test. Each is
held as one byte per enrollment row: the position of its code in `STATUS_FIELDS`.
"""

from __future__ import annotations

from types import MappingProxyType

FLAG = ("0", "1")

#: Member-status fields and their codes, in order; a status array holds positions in these tuples.
STATUS_FIELDS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "sex": ("M", "F"),
        "orec": ("0", "1", "2", "3"),
        "dual": ("none", "partial", "full"),
        "is_new_enrollee": FLAG,
        "is_long_term_institutional": FLAG,
        "is_c_snp": FLAG,
        "is_pace": FLAG,
        "is_hospice": FLAG,
        "is_low_income": FLAG,
        "ltimcaid": FLAG,
        "nemcaid": FLAG,
        "mcaid": FLAG,
        "is_esrd": FLAG,
        "esrd_status": ("none", "dialysis", "transplant_1", "transplant_2", "transplant_3", "graft"),
        "graft_duration": ("none", "4_9", "10PL"),
        "part_d_plan_type": ("mapd", "pdp"),
        "metal_level": ("platinum", "gold", "silver", "bronze", "catastrophic"),
        "csr_indicator": tuple(str(number) for number in range(12)),
        "enrollment_duration": tuple(str(number) for number in range(13)),
    }
)

#: Condition columns that test a range of whole years instead of a code.
AGE_RANGE = ("age_min", "age_max")

SEX_SPELLINGS = MappingProxyType(
    {"m": "M", "male": "M", "1": "M", "f": "F", "female": "F", "2": "F"},
)

#: dual_status_code (state Medicaid files, MMR): full benefit 02, 04, 08; partial 01, 03, 05, 06; not dual 00, 09, NA,
#: null. 99 (unknown) is not accepted: the caller decides.
DUAL_STATUS_CODES = MappingProxyType(
    {
        "00": "none", "01": "partial", "02": "full", "03": "partial", "04": "full", "05": "partial",
        "06": "partial", "08": "full", "09": "none", "NA": "none",
    }
)  # fmt: skip

#: dual_status_code values that mean the member has Medicaid, whatever the benefit level.
MEDICAID_DUAL_STATUS_CODES = ("01", "02", "03", "04", "05", "06", "08")

CLAIM_TYPES = ("inpatient", "outpatient", "professional")
RECORD_SOURCES = ("encounter", "chart_review_linked", "chart_review_unlinked")

#: What tells one enrollment row from the others in tables that people read.
SPAN = ("member_id", "enrollment_start_date", "enrollment_end_date")

#: Choices of the public options; the command line and the library share them.
SEGMENT_CHOICES = ("paid", "all")
EDIT_CHOICES = ("default", "none")
REJECT_CHOICES = ("stop", "write")
#: Runs of a payment year, in order of time; each has its own window of service dates.
COLLECTION_RUNS = ("initial", "mid_year", "final")
DIAGNOSIS_FILTERS = ("none", "cms")
LAYOUTS = ("riskadj", "tuva", "cms")
