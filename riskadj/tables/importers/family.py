"""A family of models: what the names in its published tables mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Row = dict[str, str]
Rows = list[Row]


def _no_rows(_: Iterable[str]) -> Rows:
    return []


def _no_scores(_: str) -> list[tuple[str, str]]:
    return []


@dataclass(frozen=True)
class Family:
    """What the names in the published tables of one family of models mean.

    Attributes
    ----------
    name : str
        For messages.
    hcc_prefix : str
        What category variables begin with.
    columns : mapping of str to tuple of str
        The factor columns that each published column of relative factors prices.
    factor_columns : tuple of str
        Every factor column, in the order of the relative_factors table.
    segments : callable
        Factor columns -> the rows of the segments table that draw on them.
    demographic_rows : callable
        Variable -> the rows of the demographics table that turn it on; none if it is no demographic one.
    counts, interactions : callable
        Variables -> the rows of these tables that their names give.
    flat_scores : callable
        Name of a score printed apart from the relative factors -> variables and the factor columns that price them.
    scores : mapping of str to str
        Member statuses that the models are for; empty: everybody.
    """

    name: str
    hcc_prefix: str
    columns: Mapping[str, tuple[str, ...]]
    factor_columns: tuple[str, ...]
    segments: Callable[[Iterable[str]], Rows]
    demographic_rows: Callable[[str], Rows]
    counts: Callable[[Iterable[str]], Rows] = _no_rows
    interactions: Callable[[Iterable[str]], Rows] = _no_rows
    flat_scores: Callable[[str], list[tuple[str, str]]] = _no_scores
    scores: Mapping[str, str] = field(default_factory=dict)

    def demographics(self, variables: Iterable[str]) -> Rows:
        """The demographics table of the demographic names among `variables`, in their order."""
        return [row for variable in dict.fromkeys(variables) for row in self.demographic_rows(variable)]
