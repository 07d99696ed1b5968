"""The scorers of others: how each is installed, which releases it covers, and how it is asked.

Each has an environment of its own under the working directory, so that nothing of theirs meets ours. Versions are
pinned: a table of differences is about one version.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKERS = Path(__file__).parent / "workers"

Settings = dict[str, Any]
Answer = dict[str, Any]


class PeerMissingError(RuntimeError):
    """A peer cannot be installed or does not start here."""


@dataclass(frozen=True, eq=False)
class Peer:
    """A scorer that pip installs."""

    distribution: str
    version: str
    #: Arguments of each call of pip.
    install: tuple[tuple[str, ...], ...]
    #: Releases that it covers, and what its worker has to know to score them.
    releases: Mapping[str, Settings]

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.distribution} {self.version}"

    @property
    def worker(self) -> Path:
        """The program that asks it."""
        return WORKERS / f"{self.distribution.replace('-', '_')}_worker.py"


def _medicare(years: Sequence[int], model_id: str, settings: Any) -> dict[str, Settings]:
    return {f"medicare/py{year}/{model_id}": settings(year) for year in years}


def _hhs(years: Sequence[int], model_id: str, settings: Any) -> dict[str, Settings]:
    return {f"hhs/by{year}/{model_id}": settings(year) for year in years}


def _ram(kind: str, name: str) -> Any:
    return lambda year: {"kind": kind, "class": name, "year": year}


def _hi(kind: str, model: str, *, tables: int | None = None) -> Any:
    return lambda year: {"kind": kind, "model": model, "mappings": year, "tables": tables or year}


def _rc(kind: str, version: str) -> Any:
    return lambda year: {"kind": kind, "version": f"{version}_{year}", "year": year}


def _hp(version: str) -> Any:
    return lambda year: {"version": version, "year": str(year)}


PEERS = (
    Peer(
        "hccinfhir",
        "0.4.0",
        (("hccinfhir==0.4.0",),),
        _medicare((2025,), "cms_hcc_v24", _hi("community", "CMS-HCC Model V24"))
        | _medicare((2025, 2026), "cms_hcc_v28", _hi("community", "CMS-HCC Model V28"))
        | _medicare((2027,), "cms_hcc_v28", _hi("community", "CMS-HCC Model V28", tables=2026))
        | _medicare((2026,), "cms_hcc_v22", _hi("community", "CMS-HCC Model V22"))
        | _medicare((2026,), "esrd_v21", _hi("esrd", "CMS-HCC ESRD Model V21"))
        | _medicare((2026,), "esrd_v24", _hi("esrd", "CMS-HCC ESRD Model V24"))
        | _medicare((2026,), "rxhcc_v08_x", _hi("rx", "RxHCC Model V08")),
    ),
    Peer(
        "hccpy",
        "0.1.9",
        (("hccpy==0.1.9",),),
        _medicare(range(2017, 2023), "cms_hcc_v22", _hp("22"))
        | _medicare((2019,), "cms_hcc_v23", _hp("23"))
        | _medicare((2020, 2021, 2022), "cms_hcc_v24", _hp("24"))
        | _medicare((2024,), "cms_hcc_v28", _hp("28"))
        | _hhs((2022,), "hhs_hcc_v07", _hp("hhs")),
    ),
    Peer(
        "pyriskadjust",
        "0.9.6",
        (("pyriskadjust==0.9.6",),),
        _medicare((2018,), "cms_hcc_v22", lambda year: {"module": f"model_{year}_v22"})
        | _medicare((2019,), "cms_hcc_v23", lambda year: {"module": f"model_{year}_v23"}),
    ),
    Peer(
        "risk-adjustment-model",
        "0.7.1",
        # It asks for Python 3.12 and runs on 3.11 all the same.
        (("--ignore-requires-python", "risk-adjustment-model==0.7.1"),),
        _medicare(range(2020, 2026), "cms_hcc_v24", _ram("community", "MedicareModelV24"))
        | _medicare((2024, 2026, 2027), "cms_hcc_v28", _ram("community", "MedicareModelV28"))
        | _medicare((2026, 2027), "cms_hcc_v22", _ram("community", "MedicareModelV22"))
        | _medicare((2026, 2027), "esrd_v21", _ram("esrd", "MedicareModelESRDv21"))
        | _medicare((2026, 2027), "esrd_v24", _ram("esrd", "MedicareModelESRDv24"))
        | _medicare((2026,), "rxhcc_v08_t", _ram("rx", "MedicareModelRxHCCv08T"))
        | _medicare((2026,), "rxhcc_v08_x", _ram("rx", "MedicareModelRxHCCv08X"))
        | _medicare((2027,), "rxhcc_v08_t2", _ram("rx", "MedicareModelRxHCCv08T2"))
        | _medicare((2027,), "rxhcc_v08_y1", _ram("rx", "MedicareModelRxHCCv08Y1"))
        | _medicare((2027,), "rxhcc_v08_y2", _ram("rx", "MedicareModelRxHCCv08Y2"))
        | _hhs((2023, 2024), "hhs_hcc_v07", _ram("commercial", "CommercialModelV07"))
        | _hhs((2025, 2026), "hhs_hcc_v08", _ram("commercial", "CommercialModelV08")),
    ),
    Peer(
        "risk-compose",
        "1.0.2",
        # What its scorer imports; its screens need much more.
        (("pydantic>=2,<3", "comp-builders"), ("--no-deps", "risk-compose==1.0.2")),
        _medicare((2026,), "cms_hcc_v22", _rc("community", "cms_hcc_v22"))
        | _medicare((2026,), "cms_hcc_v28", _rc("community", "cms_hcc_v28"))
        | _medicare((2026,), "esrd_v21", _rc("esrd", "esrd_v21"))
        | _medicare((2026,), "esrd_v24", _rc("esrd", "esrd_v24"))
        | _medicare((2026,), "rxhcc_v08_t", _rc("rx", "rxhcc_v8_t"))
        | _medicare((2026,), "rxhcc_v08_x", _rc("rx", "rxhcc_v8_x")),
    ),
)


def environment(peer: Peer, directory: Path) -> Path:
    """Return the interpreter of a peer's environment, made if it is not there yet.

    Raises
    ------
    PeerMissingError
        pip does not install it; the message is the last line that pip said.
    """
    home = directory / peer.title.replace(" ", "_")
    python, stamp = home / "bin" / "python", home / "installed"
    if stamp.exists():
        return python
    for command in (
        (sys.executable, "-m", "venv", str(home)),
        *((str(python), "-m", "pip", "install", "--quiet", *arguments) for arguments in peer.install),
    ):
        _run(command)
    stamp.touch()
    return python


def ask(peer: Peer, python: Path, place: str, members: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Return the peer's answer for each member."""
    if not members:
        return []
    request = json.dumps({"settings": peer.releases[place], "members": list(members)})
    found: list[Answer] = json.loads(_run((str(python), str(peer.worker)), request))
    return found


def _run(command: Sequence[str], text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerMissingError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return done.stdout
