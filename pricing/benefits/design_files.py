"""Plan designs as a TOML file: what `read_designs` reads back."""

from __future__ import annotations

from collections.abc import Iterable

from pricing.benefits.design import PlanDesign
from pricing.toml_files import table_text


def designs_to_toml(designs: PlanDesign | Iterable[PlanDesign]) -> str:
    """Return designs as the text of a TOML file, a ``[[design]]`` table each; `read_designs` gives them back equal.

    Parameters
    ----------
    designs : PlanDesign, or several

    Returns
    -------
    str
    """
    every = [designs] if isinstance(designs, PlanDesign) else list(designs)
    return "\n".join(table_text("design", design.to_dict()) for design in every)
