"""An invented model in the shape of Medicaid's: body systems in levels of cost, weights by child, adult, disabled."""

from __future__ import annotations

from pathlib import Path

from riskadj.tables.seal import seal_folder

YEAR, PROGRAM, MODEL = 2097, "gondor_medicaid", "invented_cdps"
_CITED = 'source = "scroll"\nwhere = "leaf 1"\n'
_SOURCE = '[[sources]]\nid = "scroll"\ntitle = "A scroll"\npublisher = "Nobody"\ncarried_by = "invented"\n'

#: Levels of a body system: very high drops medium and low, medium drops low.
TABLES = {
    "mappings": "icd10,hcc,sex,age_min,age_max,mce_age_min,mce_age_max\n"
    "M01,CARVH,,,,,\nM02,CARM,,,,,\nM03,CARL,,,,,\nM04,DIA1,,,,,\nM05,PRGCMP,F,,,,\n",
    "hierarchies": "hcc,drops\nCARVH,CARM\nCARVH,CARL\nCARM,CARL\n",
    "labels": "hcc,label,payment\nCARVH,Cardiovascular very high,1\nCARM,Cardiovascular medium,1\n"
    "CARL,Cardiovascular low,1\nDIA1,Diabetes type 1,1\nPRGCMP,Pregnancy,1\n",
    "demographics": "variable,sex,age_min,age_max\nA_UNDER1,,0,0\nA_1_14,,1,14\nF_15P,F,15,\nM_15P,M,15,\n",
    "segments": "segment,orec,age_min,age_max\nTANF_CHILD,0,,18\nTANF_ADULT,0,19,\nDISABLED,1|2|3,,\n",
    "relative_factors": "variable,segment,factor\n"
    + "".join(
        f"{variable},{segment},{factor}\n"
        for segment, factors in {
            "TANF_CHILD": ("2.100", "0.300", "0.400", "0.350", "3.500", "1.200", "0.500", "2.000", "0.900"),
            "TANF_ADULT": ("0.000", "0.000", "0.700", "0.500", "2.800", "0.900", "0.300", "1.500", "1.100"),
            "DISABLED": ("0.900", "0.600", "0.650", "0.600", "1.900", "0.700", "0.250", "1.000", "0.800"),
        }.items()
        for variable, factor in zip(
            ("A_UNDER1", "A_1_14", "F_15P", "M_15P", "CARVH", "CARM", "CARL", "DIA1", "PRGCMP"), factors, strict=True
        )
        if (variable, segment) not in {("A_UNDER1", "TANF_ADULT"), ("A_1_14", "TANF_ADULT")}
    ),
}  # fmt: skip


def write_maps(maps: Path) -> Path:
    """Write the folder that a licensee would bring; return what goes into ``maps_dir=``."""
    folder = maps / PROGRAM / f"py{YEAR}"
    (folder / MODEL).mkdir(parents=True)
    for name, text in TABLES.items():
        (folder / MODEL / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    head = (
        f'[model]\nid = "{MODEL}"\ntitle = "Invented"\nprogram = "{PROGRAM}"\npayment_year = {YEAR}\n'
        'status = "final"\nrevision = 1\nhierarchy_manner = "sequential"\n'
    )
    entries = [f'[tables.{name}]\n{_CITED}rows = 0\nsha256 = ""\n' for name in TABLES]
    (folder / MODEL / "model.toml").write_text("\n".join((head, _SOURCE, *entries)), encoding="utf-8")
    year = [
        f'[payment_year]\nprogram = "{PROGRAM}"\nyear = {YEAR}\ntitle = "Invented"\n',
        _SOURCE,
        f'[age_as_of]\nvalue = "{YEAR}-01-01"\n{_CITED}',
        f'[collection]\nstart = "{YEAR - 1}-01-01"\nend = "{YEAR - 1}-12-31"\n{_CITED}',
        f'[rounding]\ndecimals = 3\nafter = ["raw", "normalization", "coding_intensity", "blend"]\n{_CITED}',
        f'[[normalization]]\nmodel = "{MODEL}"\nvalue = "1"\n{_CITED}',
        f'[[coding_intensity]]\nmodel = "{MODEL}"\nvalue = "0"\n{_CITED}',
        f'[[policy]]\nprogram = "{PROGRAM}"\nname = "Everybody"\nwhen = {{}}\n'
        f'blend = [{{ model = "{MODEL}", weight = "1" }}]\n{_CITED}',
    ]
    (folder / "payment_year.toml").write_text("\n".join(year), encoding="utf-8")
    seal_folder(folder)
    return maps
