"""One good file of every kind that the readers take, each with what reads it; damage and fuzzing begin with these."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

import riskadj
from riskadj.cms_reports.reading import load_layout
from riskadj.extracts.fixed_width import read_records
from riskadj.scoring.procedures import read_procedures
from riskadj.synthetic import make_synthetic
from riskadj.tables.check import check_all
from riskadj.tables.importers.cms_package import import_cms_package
from riskadj.tables.seal import seal_folder
from tests.members import TOY_YEAR
from tests.report_files import mao004_lines, mmr_lines, mor_lines, raps_lines, write_lines
from tests.stress.documents import documents

#: Stands in every member id of the files; no message may hold it.
MARK = "QX7Z"
YEAR = max(release.payment_year for release in riskadj.list_models() if release.program == "medicare")
_DAY = dt.date(2026, 5, 4)
Reader = Callable[[Path], object]
Sources = dict[str, tuple[Path, Reader]]


def sources(folder: Path) -> Sources:
    """Write one good file of every kind; return each with what reads it."""
    return (
        extracts(folder) | reports(folder) | layouts(folder) | tables(folder) | documents(folder, YEAR, MARK)
    )


def extracts(folder: Path) -> Sources:
    """Enrollment and diagnoses, Parquet and CSV; each is scored beside the good other one."""
    made = make_synthetic(60, seed=1, service_year=YEAR - 1, claims=False)
    found: Sources = {}
    for kind, write in (("parquet", pq.write_table), ("csv", arrow_csv.write_csv)):
        good = {name: folder / f"{name}.{kind}" for name in made}
        for name, path in good.items():
            write(_marked(made[name]), path)
        found[f"enrollment.{kind}"] = good["enrollment"], _scorer(diagnoses=good["diagnoses"])
        found[f"diagnoses.{kind}"] = good["diagnoses"], _scorer(enrollment=good["enrollment"])
    return found


def _marked(table: pa.Table) -> pa.Table:
    ids = [MARK + member[4:] for member in table["member_id"].to_pylist()]
    return table.set_column(table.column_names.index("member_id"), "member_id", [ids])


def _scorer(**other: Path) -> Reader:
    role = "diagnoses" if "enrollment" in other else "enrollment"

    def read(path: Path) -> object:
        return riskadj.score(**{role: path}, **other, payment_year=YEAR, rejects="write", threads=1)

    return read


def reports(folder: Path) -> Sources:
    """The reports of CMS in their bundled layouts."""
    who = {"member_id": f"{MARK}A00AA00"}
    lines = {
        "mmr": mmr_lines(
            [{**who, "contract_id": "H9999", "payment_month": dt.date(2099, 1, 1), "ma_payment": 1.5}]
        ),
        "mor": mor_lines([("J", who)]),
        "mao004": mao004_lines([{**who, "claim_id": "C1", "from_date": _DAY, "through_date": _DAY}]),
        "raps": raps_lines([[{**who}]]),
    }
    readers = {
        "mmr": riskadj.read_mmr,
        "mor": riskadj.read_mor,
        "mao004": riskadj.read_mao004,
        "raps": riskadj.read_raps,
    }
    return {name: (write_lines(folder / f"{name}.txt", lines[name]), readers[name]) for name in lines}


def layouts(folder: Path) -> Sources:
    """A layout with every type of field, and records in it: either may be hurt."""
    layout, records = folder / "layout.csv", write_lines(folder / "records.txt", _RECORDS)
    layout.write_text(_LAYOUT, encoding="utf-8")

    def read(layout: Path, records: Path) -> object:
        return list(read_records(records, load_layout("mmr", layout)))

    return {
        "layout": (layout, lambda path: read(path, records)),
        "records": (records, lambda path: read(layout, path)),
    }


def tables(folder: Path) -> Sources:
    """Every table and manifest of a model, and CMS's package of one."""
    found = {path.stem: path for path in sorted((TOY_YEAR / "toy_hcc_v1").iterdir())}
    found["payment_year"] = TOY_YEAR / "payment_year.toml"
    package = folder / "package.txt"
    package.write_text(_BETWEEN.join(_PACKAGE.values()), encoding="utf-8", newline="")
    return {
        **{name: (path, _loader(folder / "maps" / name, path)) for name, path in found.items()},
        "procedures": (TOY_YEAR / "eligible_procedures.csv", read_procedures),
        "package": (package, lambda path: _read_package(folder / "internal", path)),
    }


def _loader(maps: Path, good: Path) -> Reader:
    """Return what puts a hurt table or manifest in its place, seals the folder as a careless person would, loads it."""
    year = maps / "atlantis/py2099"
    shutil.copytree(TOY_YEAR, year)

    def read(hurt: Path) -> object:
        shutil.copy(hurt, year / good.relative_to(TOY_YEAR))
        if good.suffix == ".csv":
            seal_folder(year)
        check_all(maps)
        riskadj.load_payment_year("atlantis", 2099, maps_dir=maps)
        return riskadj.load_model("toy_hcc_v1", payment_year=2099, maps_dir=maps)

    return read


def _read_package(internal: Path, path: Path) -> object:
    """Import a package from one file that holds its tables in order, with form feeds between."""
    internal.mkdir(exist_ok=True)
    parts = path.read_bytes().split(_BETWEEN.encode())
    for name, part in zip(_PACKAGE, parts + [b""] * len(_PACKAGE), strict=False):
        (internal / name).write_bytes(part)
    to = internal.parent / "release"
    return import_cms_package(internal, to, payment_year=2099, model_id="atlantis", overwrite=True)


_LAYOUT = """\
record,name,start,end,type,allowed,title
header,record_type,1,1,record,H,
header,run_date,2,9,date,,
detail,record_type,1,1,record,A|B,
detail,member_id,2,5,text,,
detail,star,6,6,literal,*,
detail,birth_date,7,16,date,,
detail,month,17,22,month,,
detail,score,23,29,decimal,,
detail,n,30,32,integer,,
detail,is_on,33,33,flag,,
detail,sex,34,34,text,M|F,
detail,answered,35,42,submitted_date,,
detail,filler,43,44,skip,,
trailer,record_type,1,1,record,T,
trailer,record_count,2,5,count,,
trailer,filler,6,9,skip,,
"""
_RECORDS = [
    "H20990101",
    f"A{MARK}*1940-12-3120990101.2345-07YM20990102  ",
    f"B{MARK}*                                      ",
    "T0002",
]
_BETWEEN = "\f"
_PACKAGE: Mapping[str, str] = {
    "ICD10_CC_mappings_ATLANTIS_2099.csv": (
        "ICD10,CC,MCE_AGE_CONDITION,AGE_EDIT_CONDITION,SEX_EDIT_CONDITION\n"
        "A01,1.0,,age < 2,\nA01,1.0,,age >= 2,\nA02,2.0,age >= 15,,\nB03,3.0,,,2.0\n"
    ),
    "V1_CE_Relative_Factors.csv": (
        'Variable,Label,COMMUNITY_NA\nF0_64,"Female, 0-64",0.2\nF65_GT,Female 65+,0.3\nM0_64,Male 0-64,0.21\n'
        "M65_GT,Male 65+,0.31\nHCC1,Fever,1\nHCC2,Chills,0.5\nHCC3,Rash,0.1\nFEVER_RASH,Fever and rash,0.05\n"
        "D1,1 payment HCC,\nD2P,2 or more payment HCCs,0.01\n"
    ),
    "V1_NE_Relative_Factors.csv": "Variable,New Enrollees,NE\nNMCAID_NORIGDIS_NEF65,Female 65,0.6\n",
    "V1_HCC_Hierarchies.csv": "HCC,SecondaryHCC_1,SecondaryHCC_2\nHCC1,HCC3,HCC2\nHCC2,HCC3,\nHCC3,,\n",
    "V1_Diagnosis_Categories.csv": "diag_category,hcc_1,hcc_2\nFEVER,HCC1,HCC2\n",
    "V1_Interactions.csv": "interaction,var_1,var_2\nFEVER_RASH,FEVER,HCC3\n",
}
