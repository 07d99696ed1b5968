"""Which copy makes which table of the HHS-HCC releases, and what their programs say in text only.

Years, model versions and category numbers belong here and in the tables, never in riskadj itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from copies import Copy
from recipes import CODE_LISTS, HCCPY, MCE_ESRD_V24, MCE_V22, MCE_V28, RISK_ADJUSTMENT_MODEL

METALS = ("Platinum", "Gold", "Silver", "Bronze", "Catastrophic")
#: Sub-model -> lowest and highest age at the end of the last enrollment.
SUB_MODELS = MappingProxyType({"Adult": ("21", ""), "Child": ("2", "20"), "Infant": ("", "1")})
#: Age bands of the variables [MF]AGE_LAST_*, lowest ages; each ends where the next begins.
AGE_BANDS = (2, 5, 10, 15, 21, 25, 30, 35, 40, 45, 50, 55, 60)

#: CMS's own tables that print an MCE age condition beside a diagnosis code.
MCE = (
    replace(MCE_V28, id="mce_v28"),
    replace(MCE_V22, id="mce_v22"),
    replace(MCE_ESRD_V24, id="mce_esrd_v24"),
)
#: HHS's own list of codes by MCE class, for its model of 2019; the ages of each class have moved since.
MCE_CLASSES = Copy(
    HCCPY,
    "hccpy/data/H0519F3_ICD10_MCE_AGE.TXT",
    "mce_classes_2019",
    "HHS-HCC software V05, MCE age classes",
    "HHS",
)
#: Class in that list -> lowest and highest age today: newborn, pediatric, maternity, adult.
MCE_AGES = MappingProxyType({"0": (0, 0), "1": (0, 17), "2": (9, 64), "3": (15, None)})
#: Codes of pregnancy, birth and the puerperium, and of the care and outcome of a pregnancy: class maternity.
PREGNANCY = ("O", "Z32", "Z33", "Z34", "Z36", "Z37", "Z39", "Z3A")

SEVERE = (
    "002", "003", "004", "006", "018", "023", "034", "041", "042", "096", "121", "122", "125", "126", "127", "128",
    "129", "135", "145", "156", "158", "163", "183", "218", "223", "251",
)  # fmt: skip
TRANSPLANT = ("018", "034", "041", "128", "129", "158", "183", "251")
#: Before the counts: a severe illness beside one of these is INT_GROUP_H, for adults.
SEVERE_V3 = ("002", "042", "120", "122", "125", "126", "127", "156")
WITH_SEVERE_V3 = (
    "006", "008", "009", "010", "067", "068", "069", "073", "074", "115", "135", "145",
)  # fmt: skip
#: Maturity of a newborn, the least mature first.
MATURITY = MappingProxyType(
    {
        "EXTREMELY_IMMATURE": ("242", "243", "244"),
        "IMMATURE": ("245", "246"),
        "PREMATURE_MULTIPLES": ("247", "248"),
        "TERM": ("249",),
    }
)
NOT_COUNTED = ("HHS_HCC022",)
#: What removes a drug category: printed in a program's text only, for the most part.
DRUG_HIERARCHIES = (
    ("RXC_06", "RXC_07"),
    ("RXC_01", "ACF_PrEP"),
    ("HHS_HCC001", "ACF_PrEP_Child"),
)
#: Drug category -> ages that have it; the others are of adults.
DRUG_AGES = MappingProxyType({"ACF_PrEP_Child": ("12", "20")})
#: A second category that an edit leaves beside the one it sets: code, highest age, category.
EDITS_LEAVE = (("E1052", 20, "HHS_HCC153"),)
#: Codes newer than a program's text -> the older code whose edit they share.
LATER_CODES = MappingProxyType(
    {
        "E74820": "E7429", "E74829": "E7429", "E72530": "E7253", "E72538": "E7253", "E72539": "E7253",
        "E83820": "E7253", "E83821": "E7253", "E83822": "E7253", "E83823": "E7253", "E83824": "E7253",
        "E83825": "E7253", "F50010": "F5000", "F50011": "F5000", "F50012": "F5000", "F50013": "F5000",
        "F50014": "F5000", "F50019": "F5000", "F50020": "F5000", "F50021": "F5000", "F50022": "F5000",
        "F50023": "F5000", "F50024": "F5000", "F50029": "F5000", "F5020": "F5000", "F5021": "F5000",
        "F5022": "F5000", "F5023": "F5000", "F5024": "F5000", "F5025": "F5000", "T36AX2A": "T3692XA",
        "T45AX2A": "T4592XA", "T65842A": "T65832A",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Release:
    """One benefit year of one model version.

    Attributes
    ----------
    before, after : Copy or None
        Diagnosis maps of the year before and of the year after: what one lacks tells when a code began or ended.
    known_before : Copy or None
        A list of codes valid before 1 October of the year; a code in it is not new.
    revision : int
        One more whenever a sealed table of the release changes.
    dates_new_codes : bool
        False where a code that the year before lacks need not be new.
    """

    payment_year: int
    version: str
    before: Copy | None
    after: Copy | None = None
    known_before: Copy | None = None
    dates_new_codes: bool = True
    checks: Mapping[str, Copy] = field(default_factory=dict)
    files: Mapping[str, Copy] = field(default_factory=dict)  # instead of the package's own of the year
    more_codes: Copy | None = None  # a map that gives the codes which the year's own map lacks
    edited_codes: Copy | None = None  # a text that names the codes which the year's edits act on; None: all
    leaves_out: bool = True  # whether a sub-model leaves out the HCCs that it does not price
    note: str = ""
    factors_read: str = ""  # a second copy of the factors, in no package, and how it compares
    revision: int = 1

    @property
    def model_id(self) -> str:
        return f"hhs_hcc_{self.version}"

    @property
    def title(self) -> str:
        return f"HHS-HCC risk adjustment model, version {self.version[1:]}, benefit year {self.payment_year}"

    @property
    def folder(self) -> str:
        return f"by{self.payment_year}/{self.model_id}"

    @property
    def hierarchy_manner(self) -> str:
        return "sequential"

    @property
    def diagnoses(self) -> Copy:
        return self.files.get("diagnoses") or diagnoses(self.version, self.payment_year)

    def file(self, name: str, what: str) -> Copy:
        return self.files.get(what) or year_file(self.version, self.payment_year, name, what)

    @property
    def program_text(self) -> Copy:
        """Where the rules stand that no table holds: edits, severity, maturity."""
        return Copy(
            RISK_ADJUSTMENT_MODEL,
            f"risk_adjustment_model/{self.version}.py",
            "program_text",
            f"HHS-HCC 'Do It Yourself' software, version {self.version[1:]}: rules in the text, as restated",
            "HHS",
        )


def year_file(version: str, year: int, name: str, what: str) -> Copy:
    """One file of one year in the package that carries them."""
    return Copy(
        RISK_ADJUSTMENT_MODEL,
        f"risk_adjustment_model/reference_data/commercial/{version}/{year}/{name}",
        what,
        f"HHS-HCC 'Do It Yourself' software, benefit year {year}: {what.replace('_', ' ')}",
        "HHS",
        prefix="HHS_HCC",
    )


def diagnoses(version: str, year: int) -> Copy:
    return year_file(version, year, "diag_to_category_map.txt", f"diagnoses_{year}")


#: HHS's own tables of benefit year 2022, as text.
DIAGNOSES_2022 = Copy(
    HCCPY,
    "hccpy/data/CY22F07A_FY 2022 ICD10.TXT",
    "diagnoses_2022",
    "HHS format CY22F07A, FY 2022 ICD-10",
    "HHS",
)
TEXT_CHECKS = MappingProxyType(
    {
        "hierarchies": Copy(
            HCCPY, "hccpy/data/V07141H1.TXT", "hierarchies", "HHS-HCC software V07, macro V07141H1", "HHS"
        ),
        "labels": Copy(
            HCCPY, "hccpy/data/V07141L1.TXT", "labels", "HHS-HCC software V07, macro V07141L1", "HHS"
        ),
    }
)
#: What HHS's own text of 2022 holds, and the groups of the year after, which have the same names and members.
FILES_2022 = MappingProxyType(
    {
        **TEXT_CHECKS,
        "diagnoses": DIAGNOSES_2022,
        "drugs_ndc": Copy(
            HCCPY, "hccpy/data/CY22F07A_NDC8_1_22_04.TXT", "drugs_ndc", "HHS format CY22F07A, NDC", "HHS"
        ),
        "drugs_hcpcs": Copy(
            HCCPY,
            "hccpy/data/CY22F07A_HCPCS8_1_22_04.TXT",
            "drugs_hcpcs",
            "HHS format CY22F07A, HCPCS",
            "HHS",
        ),
        "groups": year_file("v07", 2023, "group_definition.json", "groups"),
        "relative_factors": Copy(
            HCCPY,
            "hccpy/data/HHS22hcccoefn.csv",
            "relative_factors",
            "HHS-HCC factors, benefit year 2022",
            "HHS",
        ),
    }
)
CHECKS_2022 = MappingProxyType(
    {
        "hierarchies": year_file("v07", 2023, "hierarchy_definition.json", ""),
        "labels": year_file("v07", 2023, "category_definition.json", ""),
    }
)
EDITED_CODES_2022 = Copy(
    HCCPY, "hccpy/_I0V05ED2.py", "edited_codes", "HHS-HCC software, macro I0V05ED2: codes with edits", "HHS"
)
NOTE_2022 = (
    "codes that HHS's format of fiscal year 2022 lacks are taken from the map of 2023; edits act on the codes that the "
    "macro I0V05ED2 names: those of mental health, diabetes, the retina and metabolism came in 2023, "
    "and so did leaving out HCCs by sub-model"
)
CODES_OF_APRIL_2025 = CODE_LISTS[0]
#: Compared by hand: a repository is no package.
FACTORS_READ_2024 = (
    "a copy of the factors of the 2024 payment notice (github.com/garthmortensen/HHS_HCC_SQL_container, "
    "transform/seeds/RiskScoreFactors.csv, rows 2024_NBPP_041923): 1,590 of its 1,600 agree; G09A and G09C of adults "
    "differ (platinum 1.993 and 1.005 there), and HHS's scores have those of this table"
)
FACTORS_READ_2025 = (
    "a copy of table 9 of the 'Do It Yourself' software of July 23, 2025 (github.com/garthmortensen/"
    "HHS_HCC_SQL_container, transform/seeds/RiskScoreFactors.csv, rows 2025_DIY_072325): all 1,610 factors of its rows "
    "that are not 0 throughout agree; the other factors are 0"
)
FACTORS_READ_2026 = (
    "a copy of CMS's 2026 Benefit Year Final HHS Risk Adjustment Model Coefficients of January 13, 2025 "
    "(github.com/sjanoe123/medecon-verify, src/medecon_verify/riskadj/data/hhs_hcc_2026_coefficients.csv): all its "
    "1,840 values are here, those of grouped HCCs as the factor of the group; the other factors are 0"
)

RELEASES = (
    Release(
        2022, "v07", None, diagnoses("v07", 2023),
        dates_new_codes=False, checks=CHECKS_2022, files=FILES_2022, note=NOTE_2022,
        more_codes=diagnoses("v07", 2023), edited_codes=EDITED_CODES_2022, leaves_out=False,
    ),
    Release(2023, "v07", DIAGNOSES_2022, diagnoses("v07", 2024), dates_new_codes=False, checks=TEXT_CHECKS),
    Release(
        2024, "v07", diagnoses("v07", 2023), diagnoses("v08", 2025),
        checks=TEXT_CHECKS, factors_read=FACTORS_READ_2024, revision=2,
    ),
    Release(
        2025, "v08", diagnoses("v07", 2024), diagnoses("v08", 2026),
        known_before=CODES_OF_APRIL_2025, checks=TEXT_CHECKS, factors_read=FACTORS_READ_2025, revision=2,
    ),
    Release(
        2026, "v08", diagnoses("v08", 2025),
        known_before=CODES_OF_APRIL_2025, checks=TEXT_CHECKS, factors_read=FACTORS_READ_2026, revision=2,
    ),
)  # fmt: skip
