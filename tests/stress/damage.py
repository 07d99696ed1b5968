"""Files damaged byte by byte and given to the readers: each is read or refused in words, none quotes a member.

python -m tests.stress.damage --times 3000
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv as arrow_csv

import riskadj
from pricing.benefits.design import read_designs
from pricing.medicare.ratebook import read_ratebook
from pricing.parameters import load_rates
from riskadj.errors import RiskAdjError
from riskadj.synthetic import make_synthetic
from riskadj.tables.check import check_all
from riskadj.tables.seal import seal_folder
from tests.members import TOY_MAPS
from tests.report_files import mao004_lines, mmr_lines, mor_lines, raps_lines, write_lines

#: Stands in every member id of the files; no message may hold it.
MARK = "QX7Z"
YEAR = max(release.payment_year for release in riskadj.list_models() if release.program == "medicare")
_DAY = dt.date(2026, 5, 4)
Reader = Callable[[Path], object]


def sources(folder: Path) -> dict[str, tuple[Path, Reader]]:
    """Write one good file of every kind; return each with what reads it."""
    made = make_synthetic(60, seed=1, service_year=YEAR - 1, claims=False)
    tables = {}
    for name, table in made.items():
        ids = [MARK + member[4:] for member in table["member_id"].to_pylist()]
        tables[name] = table.set_column(table.column_names.index("member_id"), "member_id", [ids])
    found: dict[str, tuple[Path, Reader]] = {}
    for kind, write in (("parquet", _write_parquet), ("csv", arrow_csv.write_csv)):
        good = {name: folder / f"{name}.{kind}" for name in tables}
        for name, path in good.items():
            write(tables[name], path)
        found[f"enrollment.{kind}"] = good["enrollment"], _scorer(diagnoses=good["diagnoses"])
        found[f"diagnoses.{kind}"] = good["diagnoses"], _scorer(enrollment=good["enrollment"])
    found |= _reports(folder)
    for name, table in (
        ("factors", "relative_factors.csv"),
        ("mappings", "mappings.csv"),
        ("model", "model.toml"),
    ):
        found[name] = TOY_MAPS / "atlantis/py2099/toy_hcc_v1" / table, _reads_tables
    found["payment_year"] = TOY_MAPS / "atlantis/py2099/payment_year.toml", _reads_tables
    designs = folder / "designs.toml"
    designs.write_text(_DESIGNS, encoding="utf-8")
    rates, ratebook = folder / "rates.csv", folder / "ratebook.csv"
    rates.write_text(_RATES, encoding="utf-8")
    ratebook.write_text(_RATEBOOK, encoding="utf-8")
    return found | {
        "designs": (designs, read_designs),
        "rates": (rates, lambda path: load_rates("medicare", YEAR - 1, overrides=path)),
        "ratebook": (ratebook, lambda path: read_ratebook(path, payment_year=YEAR - 1)),
    }


def _write_parquet(table: object, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path)


def _scorer(**other: Path) -> Reader:
    role = "diagnoses" if "enrollment" in other else "enrollment"

    def read(path: Path) -> object:
        return riskadj.score(**{role: path}, **other, payment_year=YEAR, rejects="write", threads=1)

    return read


def _reports(folder: Path) -> dict[str, tuple[Path, Reader]]:
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


def _reads_tables(path: Path) -> object:
    """Put a damaged table or manifest in its place, seal the folder as a careless person would, check and load it."""
    with tempfile.TemporaryDirectory(prefix="riskadj-maps-") as place:
        maps = shutil.copytree(TOY_MAPS, Path(place) / "maps")
        year = maps / "atlantis/py2099"
        target = year / path.name if path.name == "payment_year.toml" else year / "toy_hcc_v1" / path.name
        shutil.copy(path, target)
        if target.suffix == ".csv":
            seal_folder(year)
        check_all(maps)
        riskadj.load_payment_year("atlantis", 2099, maps_dir=maps)
        return riskadj.load_model("toy_hcc_v1", payment_year=2099, maps_dir=maps)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with something wrong: flipped, cut, doubled, moved, or replaced by what often hurts."""
    at = chance.randrange(len(content) + 1)
    length = chance.choice((1, 1, 2, 8, 64, 512))
    match chance.randrange(6):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + content[at + length :]
        case 2:
            return content[:at] + content[at : at + length] + content[at:]
        case 3:
            return content[:at] + chance.randbytes(length) + content[at + length :]
        case 4:
            return content[:at] + chance.choice(_HURTFUL) + content[at + chance.choice((0, 1, 4)) :]
        case _:
            other = chance.randrange(len(content) + 1)
            return content[:at] + content[other : other + length] + content[at + length :]


_HURTFUL = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b"\n", b"\r", b"-1", b"1e999", b"nan", b"[[", b"]",
    b"\xc3", b"\x80\x80", b"9" * 40,
)  # fmt: skip


def trial(path: Path, read: Reader, content: bytes) -> tuple[str, str]:
    """Return how a reader takes a file with this content, "read" or "refused", or what is wrong with its answer."""
    path.write_bytes(content)
    try:
        read(path)
    except RiskAdjError as error:
        return ("refused", "") if MARK not in str(error) else ("quotes a member", str(error))
    except Exception as error:  # noqa: BLE001  (what the trial looks for)
        return f"{type(error).__name__}", traceback.format_exc()
    return "read", ""


def damage_all(
    times: int, *, seed: int, only: str | None = None
) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Damage every kind of file so many times; return the outcomes by kind, and what should not have happened."""
    outcomes: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="riskadj-damage-") as place:
        folder = Path(place)
        (folder / "good").mkdir()
        for name, (good, read) in sources(folder / "good").items():
            if only not in (None, name):
                continue
            chance, content, path = random.Random(f"{seed} {name}"), good.read_bytes(), folder / good.name
            kind, text = trial(path, read, content)
            assert kind == "read", f"{name} itself: {text}"
            for number in range(times):
                hurt = damaged(content, chance)
                kind, text = trial(path, read, hurt)
                outcomes[name, kind] += 1
                if kind not in ("read", "refused"):
                    wrong.append(f"{name}, damage {number} of seed {seed}: {kind}\n{text}")
    return outcomes, wrong


_DESIGNS = """\
[[design]]
name = "today"
deductible = 1500
out_of_pocket_maximum = 6000
coinsurance = 0.2
[design.services.professional]
copay = 40
deductible_applies = false
"""
_RATES = "parameter,key,first_year,last_year,value,unit,source,where,verified\n" + (
    f"sequestration,1,{YEAR - 1},{YEAR - 1},0.02,share of plan payment,ours,page 1,no\n"
)
_RATEBOOK = f"""\
Medicare Advantage Monthly Capitation Rates for {YEAR - 1},,,,,,
Code,State,County Name,Parts A&B 5% Bonus {YEAR - 1} Rate,Parts A&B 3.5% Bonus {YEAR - 1} Rate,\
Parts A&B 0% Bonus {YEAR - 1} Rate,Parts A&B ESRD {YEAR - 1} Rate
01000,ALABAMA,AUTAUGA,"1,369.86","1,336.99","1,260.27","8,984.56"
1010,ALABAMA,BALDWIN,1200.5,1180,1100,#N/A
"""


def main() -> None:
    """Damage files and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    asked = parser.parse_args()
    outcomes, wrong = damage_all(asked.times, seed=asked.seed, only=asked.only)
    for (name, kind), times in sorted(outcomes.items()):
        sys.stdout.write(f"{times:6,} {name} {kind}\n")
    sys.stdout.write("\n".join(wrong[:20]) + f"\n{len(wrong)} answers that should not have been\n")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
