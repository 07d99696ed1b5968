"""Laws on the code of riskadj and pricing (HOUSE.md, sections 2, 6 and 8)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house import laws

CODE = laws.python_files(*laws.PACKAGES)
KERNELS_MAY_IMPORT = ("__future__", "collections.abc", "typing", "numpy", "riskadj.jit", "riskadj.kernels")
PRICING_MAY_IMPORT_OF_RISKADJ = (
    "riskadj.charts",
    "riskadj.terminal",
    "riskadj.errors",
    "riskadj.extracts",
    "riskadj.jit",
    "riskadj.lazy_names",
    "riskadj.tables",
)
MOST_LINES = 500


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(laws.ROOT)) for path in paths]


def violations(law: Callable[[str], list[str]], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(laws.ROOT)}, {violation}"
        for path in paths
        for violation in law(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    "law",
    [laws.numbers_that_belong_in_tables, laws.forbidden_calls, laws.swallowed_errors],
    ids=lambda law: law.__name__,
)
def test_code_keeps_the_law(law: Callable[[str], list[str]]) -> None:
    assert CODE
    assert violations(law, CODE) == []


@pytest.mark.parametrize(
    ("law", "code"),
    [
        (laws.numbers_that_belong_in_tables, "if payment_year >= 2027: pass"),
        (laws.numbers_that_belong_in_tables, "start = '2025-01-01'"),
        (laws.numbers_that_belong_in_tables, "name = f'py2026/{model}'"),
        (laws.numbers_that_belong_in_tables, "is_v28 = True"),
        (laws.numbers_that_belong_in_tables, "model_id = 'cms_hcc_v24'"),
        (laws.numbers_that_belong_in_tables, "def apply_V22(hccs): return hccs"),
        (laws.numbers_that_belong_in_tables, "heart = hccs['HCC223']"),
        (laws.numbers_that_belong_in_tables, "score(rxhcc30=1)"),
        (laws.numbers_that_belong_in_tables, "paid = raw * (1 - 0.059)"),
        (laws.numbers_that_belong_in_tables, "rate = Decimal('1.067')"),
        (laws.forbidden_calls, "print('done')"),
        (laws.forbidden_calls, "value = eval(cell)"),
        (laws.swallowed_errors, "try:\n    read()\nexcept ValueError:\n    pass"),
        (
            laws.swallowed_errors,
            "for row in rows:\n    try:\n        use(row)\n    except KeyError:\n        continue",
        ),
        (laws.swallowed_errors, "try:\n    read()\nexcept Exception as error:\n    log(error)"),
        (laws.swallowed_errors, "try:\n    read()\nexcept:\n    score = 1.0"),
    ],
)
def test_law_sees_a_violation(law: Callable[[str], list[str]], code: str) -> None:
    assert len(law(code)) >= 1


@pytest.mark.parametrize(
    ("law", "code"),
    [
        (laws.numbers_that_belong_in_tables, '"""Such as 2026, cms_hcc_v28 or HCC85."""  # and 2027'),
        (
            laws.numbers_that_belong_in_tables,
            "hcc_id = hcc.removeprefix('HCC'); n_slots = 2048; epoch = 1970; half = 0.5",
        ),
        (laws.swallowed_errors, "try:\n    read()\nexcept BaseException:\n    remove()\n    raise"),
        (
            laws.swallowed_errors,
            "try:\n    read()\nexcept KeyError as error:\n    raise TableError() from error",
        ),
    ],
)
def test_law_lets_good_code_be(law: Callable[[str], list[str]], code: str) -> None:
    assert law(code) == []


def test_numba_is_named_in_one_place_only() -> None:
    mentions = [
        path
        for path in laws.python_files(*laws.PACKAGES, "hcc_maps")
        if any(
            name.split(".")[0] == "numba" for name in laws.imported_modules(path.read_text(encoding="utf-8"))
        )
    ]
    assert names(mentions) == ["riskadj/jit.py"]


def test_kernels_know_numpy_and_the_kernel_decorator_only() -> None:
    kernels = laws.python_files("riskadj/kernels")
    assert violations(lambda source: laws.imports_outside(source, KERNELS_MAY_IMPORT), kernels) == []
    assert laws.imports_outside(
        "import pyarrow as pa\nfrom riskadj.errors import TableError", KERNELS_MAY_IMPORT
    ) == [
        "pyarrow",
        "riskadj.errors.TableError",
    ]


def test_pricing_enters_by_the_front_door() -> None:
    assert violations(beside_the_front_door, laws.python_files("pricing")) == []
    assert beside_the_front_door(
        "import riskadj\nfrom riskadj import score, kernels\nimport riskadj.scoring"
    ) == [
        "riskadj.kernels",
        "riskadj.scoring",
    ]


def beside_the_front_door(source: str) -> list[str]:
    """Imports of riskadj that are neither its front door nor one of the rooms open to pricing."""
    rooms = {path.stem for path in (laws.ROOT / "riskadj").iterdir()}
    return [
        name
        for name in laws.imports_outside(source, PRICING_MAY_IMPORT_OF_RISKADJ)
        if name.startswith("riskadj.") and name.split(".")[1] in rooms
    ]


def test_hcc_maps_is_data() -> None:
    code = [path for path in laws.python_files("hcc_maps") if "builders" not in path.parts]
    assert names(code) == ["hcc_maps/__init__.py"]
    assert laws.imported_modules(code[0].read_text(encoding="utf-8")) == []


def test_every_module_says_what_it_is() -> None:
    everywhere = laws.python_files(*laws.PACKAGES, "hcc_maps", "benchmarks", "data", "tests")
    assert names([path for path in everywhere if laws.is_silent(path.read_text(encoding="utf-8"))]) == []
    assert laws.is_silent("x = 1")


def test_files_can_be_held_in_mind() -> None:
    everywhere = laws.python_files(*laws.PACKAGES, "hcc_maps", "benchmarks", "data", "tests")
    long = [path for path in everywhere if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES]
    assert names(long) == []
