"""Damaged files are read or refused in words that quote no member; anything else is a defect."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from riskadj.errors import ExtractError
from tests.stress import damage

KINDS = (
    "enrollment.parquet", "diagnoses.parquet", "enrollment.csv", "diagnoses.csv", "mmr", "mor", "mao004", "raps",
    "factors", "mappings", "model", "payment_year", "designs", "rates", "ratebook",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused(kind: str) -> None:
    outcomes, wrong = damage.damage_all(40, seed=1, only=kind)
    assert wrong == []
    assert outcomes.total() == 40
    assert outcomes[kind, "refused"] > 0


def test_kinds_are_all_there_are(tmp_path: Path) -> None:
    assert set(damage.sources(tmp_path)) == set(KINDS)


def test_wrong_answers_are_seen(tmp_path: Path) -> None:
    def quotes(path: Path) -> None:
        raise ExtractError(f"what is {damage.MARK}01?")

    def breaks(path: Path) -> None:
        raise KeyError("x")

    assert damage.trial(tmp_path / "x", quotes, b"")[0] == "quotes a member"
    assert damage.trial(tmp_path / "x", breaks, b"")[0] == "KeyError"
    assert damage.damaged(b"0123456789", random.Random(1)) != b"0123456789"
