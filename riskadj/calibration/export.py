"""Export of a calibration: a folder of model tables that the engine scores with, sealed and with its provenance.

Everything that a fit does not change is copied from the starting model and its payment year as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pyarrow as pa

from riskadj.errors import OptionError
from riskadj.extracts.write import OutputDirectory
from riskadj.tables.importers.writing import table_text, toml_value
from riskadj.tables.manifest import sealed_content
from riskadj.tables.model import ModelTables
from riskadj.tables.payment_year import PaymentYear
from riskadj.tables.seal import seal_folder

_MODEL_ID = re.compile(r"[a-z][a-z0-9_]*")
#: Decimals that a relative factor may have.
MOST_DECIMALS = 6
_SOURCE = "own_calibration"
#: What the starting model's tables adjust, the fit has taken in.
_TABLES_LEFT_OUT = ("adjustments",)
_REPLACED = ("[tables.relative_factors]", "[tables.adjustments]")
_YEAR_REPLACED = ("[[normalization]]", "[[coding_intensity]]", "[[policy]]")


@dataclass(frozen=True)
class Provenance:
    """What an exported model says of its making: its title, what made it, and from which data."""

    title: str
    carried_by: str
    where: str

    @property
    def cited(self) -> dict[str, str]:
        """Source and place of every number that the fit gave."""
        return {"source": _SOURCE, "where": self.where}

    @property
    def source(self) -> str:
        """The fit as a source of the manifest."""
        words = {
            "id": _SOURCE,
            "title": self.title,
            "publisher": "the user of riskadj",
            "carried_by": self.carried_by,
        }
        return _section("[[sources]]", words)


def export_model(
    directory: str | Path,
    factors: pa.Table,
    *,
    model: ModelTables,
    year: PaymentYear,
    program: str,
    model_id: str,
    decimals: int,
    provenance: Provenance,
) -> Path:
    """Write a folder of model tables with one payment year and one model, all or nothing; return the model's folder.

    Parameters
    ----------
    directory : path
        New or empty; it becomes a `maps_dir`.
    factors : pyarrow.Table
        segment, variable, factor. [1.000 = average of the rows fitted]
    model : ModelTables
        The starting model; its tables are copied but for the relative factors, and adjustments are left out.
    year : PaymentYear
        Copied but for normalization (1), coding intensity (0) and policy (the new model scores every row).
    program : str
        Whose policy it is.
    decimals : int
        Decimals of the factors.

    Raises
    ------
    OptionError
        `model_id` is no name for a folder, or `decimals` is out of range.
    OutputExistsError, OutputError
        `directory` holds something already, or cannot be written.
    """
    if not _MODEL_ID.fullmatch(model_id):
        raise OptionError(
            f"model_id={model_id!r} is no model id; use small letters, digits and _, such as own_model."
        )
    if not 1 <= decimals <= MOST_DECIMALS:
        raise OptionError(f"decimals={decimals}; relative factors have 1 to {MOST_DECIMALS}.")
    place = Path(model.manifest.program) / year.folder.name
    with OutputDirectory(directory) as path:
        folder = path / place / model_id
        folder.mkdir(parents=True)
        _write_model(folder, model, _factor_text(factors, decimals), provenance)
        _write_year(folder.parent, year, program, model_id, provenance)
        seal_folder(path)
    return Path(directory) / place / model_id


def _factor_text(factors: pa.Table, decimals: int) -> str:
    step = Decimal(1).scaleb(-decimals)
    rows = [
        {**row, "factor": str(Decimal(repr(row["factor"])).quantize(step, rounding=ROUND_HALF_UP))}
        for row in factors.select(["variable", "segment", "factor"]).to_pylist()
    ]
    return table_text("relative_factors", rows)


def _write_model(folder: Path, model: ModelTables, factors: str, provenance: Provenance) -> None:
    for name, table in model.tables.items():
        if name not in _TABLES_LEFT_OUT:
            (folder / f"{name}.csv").write_bytes(sealed_content(table.path, model.manifest.tables[name]))
    (folder / "relative_factors.csv").write_bytes(factors.encode())
    manifest = _without(model.manifest.path.read_text(encoding="utf-8"), _REPLACED)
    changes: dict[str, str | int] = {
        "id": folder.name,
        "title": provenance.title,
        "status": "final",
        "revision": 1,
    }
    for key, value in changes.items():
        before, after = re.split(rf"^{key} = .*$", manifest, maxsplit=1, flags=re.MULTILINE)
        manifest = f"{before}{key} = {toml_value(value)}{after}"
    sealed = _section("[tables.relative_factors]", {**provenance.cited, "rows": 0, "sha256": ""})
    (folder / "model.toml").write_bytes(f"{manifest}{provenance.source}{sealed}".encode())


def _write_year(folder: Path, year: PaymentYear, program: str, model_id: str, provenance: Provenance) -> None:
    for name, entry in year.tables.items():
        (folder / f"{name}.csv").write_bytes(sealed_content(year.folder / f"{name}.csv", entry))
    text = _without((year.folder / "payment_year.toml").read_text(encoding="utf-8"), _YEAR_REPLACED)
    text += provenance.source
    text += _section("[[normalization]]", {"model": model_id, "value": "1", **provenance.cited})
    text += _section("[[coding_intensity]]", {"model": model_id, "value": "0", **provenance.cited})
    text += _section("[[policy]]", {"program": program, "name": provenance.title, **provenance.cited})
    text += f'blend = [{{ model = {toml_value(model_id)}, weight = "1" }}]\n'
    (folder / "payment_year.toml").write_bytes(text.encode())


def _without(text: str, headers: Collection[str]) -> str:
    """Return a manifest's text without the sections under these headers."""
    sections = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    return (
        "".join(section for section in sections if section.split("\n")[0].strip() not in headers).rstrip()
        + "\n"
    )


def _section(header: str, values: Mapping[str, str | int]) -> str:
    return "\n".join(["", header, *(f"{key} = {toml_value(value)}" for key, value in values.items()), ""])
