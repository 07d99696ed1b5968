"""Laws on the front door: exactly the listed names, each saying what it takes, gives and raises, with its units."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

import pricing
import riskadj
from riskadj.lazy_names import names_of_stub
from tests.house import laws

FUNCTIONS = [
    "calibrate",
    "compare",
    "encounters",
    "explain",
    "gaps",
    "impact",
    "list_models",
    "load_model",
    "load_payment_year",
    "make_synthetic",
    "net_member_months",
    "read_mao004",
    "read_mmr",
    "read_mor",
    "read_raps",
    "score",
    "score_programs",
    "standing_diagnoses",
]
CLASSES = [
    "Calibration",
    "Comparison",
    "Encounters",
    "Explanation",
    "Gaps",
    "Impact",
    "ModelTables",
    "PaymentYear",
    "RiskAdjError",
    "Scores",
]
#: Public functions that refuse nothing: they look up, or write down what exists already.
RAISE_NOTHING = {
    "riskadj.list_models",
    "pricing.aca.induced_demand",
    "pricing.benefits.designs_to_toml",
    "pricing.contracts.contract_to_dict",
    "pricing.contracts.contracts_to_toml",
    "pricing.revenue.around",
    "pricing.revenue.scenarios_to_toml",
    "pricing.revenue.simulate_members",
}
NUMBER = re.compile(r"(?!.*\bstr\b).*\b(int|float|Decimal|ndarray)\b")
#: Words, of a name or a description, that say what a number counts or is a part of; other units stand in brackets, as
#: in [1.000 = average beneficiary].
UNITS = re.compile(
    r"\[|\b(year|month|day|decimal|member|row|processor|byte|whole number|share|factor|star|seed|draw|dollar)s?\b"
    r"|\b(probability|pmpm|periods?)\b|\bnumber of \w+",
    re.IGNORECASE,
)


def sections(docstring: str) -> dict[str, str]:
    """Return the sections of a NumPy-style docstring by title; what precedes them under ''."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", docstring, flags=re.MULTILINE)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section: str) -> dict[str, str]:
    """Return the text of each entry of a section by name; names that share an entry share its text."""
    found = {}
    for entry in re.split(r"\n(?=\S)", section.strip()) if section.strip() else []:
        names, _, text = entry.partition(" : ")
        found |= {name.strip().lstrip("*"): text for name in names.splitlines()[0].split(",")}
    return found


def lacks_unit(name: str, text: str) -> bool:
    """Whether an entry (its name; its type, then its description) is a number of nobody knows what."""
    kind, _, description = text.partition("\n")
    return bool(NUMBER.match(kind)) and not UNITS.search(f"{name.replace('_', ' ')}: {description}")


def docstring_violations(function: Callable[..., Any]) -> list[str]:
    """What a public function's docstring leaves out: parameters, units of numbers, what it returns or raises."""
    docs = sections(inspect.getdoc(function) or "")
    documented = entries(docs.get("Parameters", ""))
    violations = [f"lacks {title}" for title in ("Returns", "Raises") if title not in docs]
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in documented:
            violations.append(f"lacks {parameter.name}")
        elif lacks_unit(parameter.name, documented[parameter.name]):
            violations.append(f"{parameter.name} has no unit")
    return violations


def class_violations(described: type) -> list[str]:
    """Public methods without a docstring, and numbers among the attributes without a unit."""
    written = inspect.getdoc(described) or ""
    if not written or written.startswith(f"{described.__name__}("):  # what `dataclass` writes by itself
        return ["says nothing"]
    docs = sections(written)
    violations = [
        f"{name} says nothing"
        for name, member in vars(described).items()
        if not name.startswith("_")
        and (callable(member) or isinstance(member, property))
        and not inspect.getdoc(member)
    ]
    return violations + [
        f"{name} has no unit"
        for name, text in entries(docs.get("Attributes", "")).items()
        if lacks_unit(name, text)
    ]


def positional(function: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, one in inspect.signature(function).parameters.items() if one.kind in kinds]


def test_public_names_are_exactly_these() -> None:
    assert sorted(riskadj.__all__) == sorted(FUNCTIONS + CLASSES)
    assert dir(riskadj) == sorted(riskadj.__all__)
    assert all(getattr(riskadj, name).__module__.startswith("riskadj.") for name in riskadj.__all__)


ROOMS = [
    "pricing",
    *(f"pricing.{name}" for name in dir(pricing) if isinstance(getattr(pricing, name), ModuleType)),
]


@pytest.mark.parametrize("package", ["riskadj", *ROOMS])
def test_every_public_name_is_where_its_stub_says(package: str) -> None:
    room = import_module(package)
    stub = Path(room.__file__ or "").with_suffix(".pyi")
    homes = names_of_stub(stub, package)
    assert set(room.__all__) == set(homes)
    assert [name for name in homes if not inspect.getdoc(getattr(room, name))] == []


@pytest.mark.parametrize("package", ["riskadj", *ROOMS])
def test_no_module_has_the_name_of_a_public_name(package: str) -> None:
    """Importing the module would put it in the place of the name."""
    room = import_module(package)
    modules = {path.stem for path in Path(room.__file__ or "").parent.glob("*.py")}
    homes = names_of_stub(Path(room.__file__ or "").with_suffix(".pyi"), package)
    assert {name for name in homes if name in modules} == set()


def test_every_room_of_pricing_has_public_names() -> None:
    folders = {path.parent.name for path in (laws.ROOT / "pricing").glob("*/__init__.py")}
    lacking = folders - {room.removeprefix("pricing.") for room in ROOMS} - {"commands", "rates"}
    assert lacking == set(), "give the room an __init__.pyi, and a line in pricing/__init__.pyi"


DEEP_IMPORT = re.compile(r"(?:from|import) pricing\.\w+\.\w+")


def test_documents_import_from_the_rooms() -> None:
    """What a notebook or a page shows is the public API: modules below a room may move."""
    shown = [
        laws.ROOT / "README.md",
        *(laws.ROOT / "docs").rglob("*.md"),
        *(laws.ROOT / "notebooks").glob("*.ipynb"),
    ]
    deep = {
        path.name: found for path in shown if (found := DEEP_IMPORT.findall(path.read_text(encoding="utf-8")))
    }
    assert deep == {}
    assert DEEP_IMPORT.findall(
        "from pricing.aca.rating import premiums; from pricing.aca import premiums"
    ) == ["from pricing.aca.rating"]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        riskadj.__getattr__("scores")


PUBLIC = [
    (package, name)
    for package in ["riskadj", *ROOMS]
    for name in import_module(package).__all__
    if not isinstance(getattr(import_module(package), name), ModuleType)
]


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_public_name_says_what_it_takes_gives_and_holds(package: str, name: str) -> None:
    public = getattr(import_module(package), name)
    if inspect.isclass(public):
        assert class_violations(public) == []
        return
    exempt = {"lacks Raises"} if f"{package}.{name}" in RAISE_NOTHING else set()
    assert set(docstring_violations(public)) == exempt
    assert len(positional(public)) <= 2
    assert inspect.signature(public).return_annotation is not inspect.Signature.empty


#: Public classes with tables that are no results of a question, and why.
NO_RESULTS = {
    "pricing.benefits.Claims": "what `adjudicate` reads",
    "pricing.contracts.Episodes": "what `settle` reads",
    "pricing.contracts.PanelRows": "what `read_panel` reads",
    "pricing.medicare.BidResult": "the numbers of one bid; `BidFlow` is the result",
    "pricing.medicare.DrugExperience": "what `part_d_bids` reads, and writes with the bids",
    "pricing.revenue.PlanMonths": "what `aca_revenue` reads",
}


def has_tables(kind: type) -> bool:
    """Whether a class holds Arrow tables."""
    return "TABLES" in vars(kind) or any("pa.Table" in str(each.type) for each in fields(kind))


def family_violations(kind: type) -> list[str]:
    """What a result lacks of what every result has: the methods, alike in their parameters, and `TABLES`."""
    wanted = {
        "summary": set(),
        "plot": set(),
        "to_pandas": {"table"},
        "write": {"directory", "chart", "overwrite"},
    }
    violations = [] if "TABLES" in vars(kind) else ["lacks TABLES"]
    for name, parameters in wanted.items():
        method = vars(kind).get(name)
        if method is None or not parameters <= set(inspect.signature(method).parameters):
            violations.append(f"lacks {name}({', '.join(sorted(parameters))})")
    if hasattr(vars(kind)["__repr__"], "__wrapped__"):
        violations.append("prints its data: the __repr__ is a dataclass's own")
    return violations


RESULTS = [
    (package, name)
    for package, name in PUBLIC
    if is_dataclass(kind := getattr(import_module(package), name)) and has_tables(kind)
]


@pytest.mark.parametrize(("package", "name"), RESULTS)
def test_results_are_one_family(package: str, name: str) -> None:
    violations = family_violations(getattr(import_module(package), name))
    assert (violations == []) != (f"{package}.{name}" in NO_RESULTS), violations


def test_only_classes_that_exist_are_no_results() -> None:
    assert set(NO_RESULTS) <= {f"{package}.{name}" for package, name in RESULTS}


def test_family_law_sees_what_is_missing() -> None:
    @dataclass
    class Found:
        """Found."""

        plans: pa.Table

        def summary(self) -> None:
            """Return nothing."""

        def write(self, directory: str) -> None:
            """Write nothing."""

    assert has_tables(Found)
    assert family_violations(Found) == [
        "lacks TABLES", "lacks plot()", "lacks to_pandas(table)", "lacks write(chart, directory, overwrite)",
        "prints its data: the __repr__ is a dataclass's own",
    ]  # fmt: skip


def test_docstring_law_sees_what_is_missing() -> None:
    def load(rate: float, *, year: int, folder: str) -> float:
        """Load.

        Parameters
        ----------
        rate : float
            The rate.
        year : int
            Payment year.

        Returns
        -------
        float
        """
        return rate

    assert docstring_violations(load) == ["lacks Raises", "rate has no unit", "lacks folder"]


def test_class_law_sees_what_is_missing() -> None:
    class Rates:
        """Rates.

        Attributes
        ----------
        base : Decimal
            The base.
        decimals : int
            Decimals after rounding.
        """

        def load(self) -> None:
            pass

    @dataclass
    class Bare:
        base: float

    assert class_violations(Rates) == ["load says nothing", "base has no unit"]
    assert class_violations(Bare) == ["says nothing"]


def test_importing_the_front_door_is_cheap() -> None:
    """Heavy libraries load when they are first used, so that `import riskadj` costs nothing."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, riskadj; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    heavy = {"matplotlib", "numba", "pandas", "pyarrow", "scipy", "statsmodels"}
    assert heavy & set(loaded) == set()
