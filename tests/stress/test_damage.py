"""Damaged files are read or refused in words that quote no member; anything else is a defect."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from riskadj.errors import ExtractError
from tests.stress import damage
from tests.stress.inputs import Sources, sources
from tests.stress.kept import KEPT

KINDS = (
    "enrollment.parquet", "diagnoses.parquet", "enrollment.csv", "diagnoses.csv", "mmr", "mor", "mao004", "raps",
    "layout", "records", "counts", "demographics", "groups", "hierarchies", "interactions", "labels", "mappings",
    "model", "relative_factors", "requirements", "segments", "payment_year", "procedures", "package", "designs",
    "contracts", "revenue_scenarios", "uncertain", "settlements", "transfer_scenarios", "rates", "ratebook", "areas",
    "tiers", "claim_lines", "spans", "attributes", "benefits", "design_workbook",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    return sources(tmp_path_factory.mktemp("good"))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused(found: Sources, tmp_path: Path, kind: str) -> None:
    outcomes, wrong = damage.damage_all({kind: found[kind]}, tmp_path, times=25, seed=1)
    assert wrong == []
    assert outcomes.total() == 25
    assert outcomes[kind, "refused"] > 0


def test_kinds_are_all_there_are(found: Sources) -> None:
    assert set(found) == set(KINDS)


@pytest.mark.parametrize(("kind", "content"), KEPT)
def test_what_once_went_wrong_is_refused(found: Sources, tmp_path: Path, kind: str, content: bytes) -> None:
    good, read = found[kind]
    assert damage.trial(tmp_path / good.name, read, content) == ("refused", "")


def test_wrong_answers_are_seen(tmp_path: Path) -> None:
    def quotes(path: Path) -> None:
        raise ExtractError(f"what is {damage.MARK}01?")

    def breaks(path: Path) -> None:
        raise KeyError("x")

    assert damage.trial(tmp_path / "x", quotes, b"")[0] == "quotes a member"
    assert damage.trial(tmp_path / "x", breaks, b"")[0] == "KeyError"
    assert damage.damaged(b"0123456789", random.Random(1)) != b"0123456789"
