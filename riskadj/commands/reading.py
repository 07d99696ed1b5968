"""What every command that reads extracts is asked: which files, and how to score them; none can miss an option."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, get_type_hints

from riskadj.commands import options

#: In place of a default: the option must be given.
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class Reading:
    """The extracts that a command reads and the options of its run, as the command line gave them."""

    enrollment: options.Enrollment
    diagnoses: options.Diagnoses
    payment_year: options.PaymentYear
    program: options.Program = options.PROGRAM
    models: options.Models = None
    drugs: options.Drugs = None
    diagnosis_filter: options.DiagnosisFilter = "none"
    eligible_procedures: options.EligibleProcedures = None
    edits: options.Edits = "default"
    rejects: options.RejectsMode = "stop"
    collection: options.Collection = None
    layout: options.Layout = "riskadj"
    columns: options.Columns = None
    threads: options.Threads = None
    maps_dir: options.MapsDir = None

    @property
    def extracts(self) -> dict[str, Any]:
        """The extracts and how to read them, in the words of `riskadj.score`.

        Raises
        ------
        OptionError
            --columns is not OURS=THEIRS.
        """
        return {
            "enrollment": options.source_of(self.enrollment),
            "diagnoses": options.source_of(self.diagnoses),
            "drugs": options.source_of(self.drugs) if self.drugs else None,
            "layout": self.layout,
            "columns": options.parse_columns(self.columns),
        }

    @property
    def scoring(self) -> dict[str, Any]:
        """How to score, in the words of `riskadj.score`."""
        return {name: getattr(self, name) for name in SCORING}


#: Options of scoring, which the library takes by the same names.
SCORING = (
    "payment_year", "program", "models", "diagnosis_filter", "eligible_procedures", "edits", "rejects", "collection",
    "threads", "maps_dir",
)  # fmt: skip


def reads_extracts(**others: tuple[Any, Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every option of `Reading`, in place of its parameter `reading`.

    Parameters
    ----------
    **others : (annotation, default)
        Of the options that mean something of their own in this command; default REQUIRED: must be given.
    """

    def expand(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters.values()
        asked = [*_parameters(others), *(one for one in own if one.name != "reading")]
        asked.sort(key=lambda one: one.default is not REQUIRED)  # what must be given comes first

        @functools.wraps(command)
        def run(**given: Any) -> None:
            command(Reading(**{field.name: given.pop(field.name) for field in fields(Reading)}), **given)

        run.__signature__ = inspect.Signature([one.replace(kind=one.KEYWORD_ONLY) for one in asked])  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in asked}
        return run

    return expand


def _parameters(others: dict[str, tuple[Any, Any]]) -> list[inspect.Parameter]:
    hints = get_type_hints(Reading, include_extras=True)
    return [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for field in fields(Reading)
        for annotation, default in [others.get(field.name, (hints[field.name], _default(field)))]
    ]


def _default(field: Field[Any]) -> Any:
    return REQUIRED if field.default is MISSING else field.default
