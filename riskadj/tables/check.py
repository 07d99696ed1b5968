"""Laws across tables: what must hold before a model scores anybody. Each problem names file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from riskadj.errors import RiskAdjError, UnknownModelError
from riskadj.tables.manifest import sealed_content
from riskadj.tables.model import ModelTables, load_folder, maps_root, year_folders
from riskadj.tables.model_laws import check_model, demographic_fields
from riskadj.tables.payment_year import PaymentYear, read_payment_year


def check_all(maps_dir: str | Path | None = None, *, only: str | None = None) -> list[str]:
    """Check every payment year and model release, or those whose folder begins with `only`.

    Parameters
    ----------
    maps_dir : path, optional
        A folder of the same shape as ``hcc_maps``.
    only : str, optional
        Such as ``"medicare/py2026"`` or ``"medicare/py2026/cms_hcc_v28"``.

    Returns
    -------
    list of str
        One sentence per problem; empty if every law holds.

    Raises
    ------
    UnknownModelError
        Nothing stands under `only`.
    """
    root = maps_root(maps_dir)
    problems: list[str] = []
    n_checked = 0
    for _, _, folder in year_folders(maps_dir):
        name = folder.relative_to(root).as_posix()
        if only is None or only.startswith(name) or name.startswith(only):
            found, n_models = _check_year(folder, root, only)
            problems += found
            n_checked += n_models
    if only is not None and not n_checked:
        raise UnknownModelError(f"nothing to check under {only}; `riskadj maps list` shows what there is.")
    return problems


def _check_year(folder: Path, root: Path, only: str | None) -> tuple[list[str], int]:
    problems: list[str] = []
    models: dict[str, ModelTables] = {}
    n_checked = 0
    for path in sorted(folder.glob("*/model.toml")):
        name = path.parent.relative_to(root).as_posix()
        try:
            models[path.parent.name] = load_folder(path.parent)
            if only is None or name.startswith(only):
                n_checked += 1
                problems += check_model(models[path.parent.name])
        except RiskAdjError as error:
            problems.append(f"{type(error).__name__}: {error}")
            n_checked += 1
    if (folder / "payment_year.toml").exists():
        n_checked += 1
        try:
            problems += check_payment_year(read_payment_year(folder / "payment_year.toml"), models)
        except RiskAdjError as error:
            problems.append(f"{type(error).__name__}: {error}")
    return problems, n_checked


def check_payment_year(year: PaymentYear, models: Mapping[str, ModelTables]) -> list[str]:
    """Return every broken law of one payment year, given the models in its folder."""
    where = f"{year.program}/{year.folder.name}/payment_year.toml"
    faults = (
        *_faults_of_numbers(year, models),
        *_faults_of_policies(year, models),
        *_faults_of_models(year, models),
    )
    return [*(f"{where}: {fault}" for fault in faults), *_broken_seals(year)]


def _faults_of_numbers(year: PaymentYear, models: Mapping[str, ModelTables]) -> Iterator[str]:
    for number in (*year.normalization, *year.coding_intensity, *year.cost_sharing):
        lowest = 0 if number in year.coding_intensity else Decimal("0.001")
        if number.model_id not in models:
            yield f"a number names {number.model_id}, which has no folder in this year."
        elif set(number.segments) - set(models[number.model_id].tables["segments"].column("segment")):
            yield f"a number of {number.model_id} names a segment that the model lacks."
        if number.value < lowest:
            yield f"{number.model_id} has the number {number.value}; it must be above 0."


def _faults_of_policies(year: PaymentYear, models: Mapping[str, ModelTables]) -> Iterator[str]:
    normalized = {number.model_id for number in year.normalization}
    adjusted = {number.model_id for number in year.coding_intensity}
    for policy in year.policies:
        for model_id, weight in policy.blend:
            names = f"policy '{policy.name}' names {model_id}, which"
            if model_id not in models:
                yield f"{names} has no folder in this year."
            elif models[model_id].manifest.status != "final":
                yield f"{names} is only proposed."
            if model_id not in normalized:
                yield f"{names} has no normalization."
            if model_id not in adjusted:
                yield f"{names} has no coding intensity; 0 says that it is not adjusted."
            if weight <= 0:
                yield f"policy '{policy.name}' gives {model_id} the weight {weight}."


def _faults_of_models(year: PaymentYear, models: Mapping[str, ModelTables]) -> Iterator[str]:
    for model_id, model in models.items():
        if "enrollment_duration" in demographic_fields(model) and not year.duration_last_days:
            yield f"{model_id} asks for enrollment_duration; [enrollment_duration] is missing."
        if year.cost_sharing and "adjustments" in model.tables:
            yield f"{model_id} has adjustments; with cost sharing there can be none."


def _broken_seals(year: PaymentYear) -> Iterator[str]:
    for name, entry in year.tables.items():
        try:
            sealed_content(year.folder / f"{name}.csv", entry)
        except RiskAdjError as error:
            yield f"{type(error).__name__}: {error}"
