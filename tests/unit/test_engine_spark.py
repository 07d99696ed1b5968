"""Scores from Spark are those of the local engine, to the last bit.

Spark runs on this machine. Where pyspark or Java is missing these tests are skipped, unless RISKADJ_NEEDS_SPARK is set
(CI sets it): then they fail.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.engines import share, spark_frames
from riskadj.engines import spark as engine
from riskadj.errors import (
    CodeNotAllowedError,
    ColumnMissingError,
    ExtractError,
    MissingDependencyError,
    OptionError,
    OutputExistsError,
    RiskAdjError,
    RowsRejectedError,
    UnknownPaymentYearError,
)
from tests.members import TOY_MAPS
from tests.shares import DATA, aca_sample, assert_same_summary, rows_of, sample, with_faults, without_shares


def runs_spark(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that runs Spark; PySpark warns of pandas 3, which is not used, and leaves sockets to the end."""
    for warning in (
        "PySpark does not yet fully support pandas:FutureWarning",
        "unclosed:ResourceWarning",
    ):
        test = pytest.mark.filterwarnings(f"ignore:{warning}")(test)
    return pytest.mark.spark(test)


TOY = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}
NEEDED = "RISKADJ_NEEDS_SPARK"


def lacking() -> str | None:
    """Return what Spark lacks to run here."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: pip install 'riskadj[spark]'"
    java = Path(os.environ.get("JAVA_HOME", "")) / "bin" / "java"
    if not (shutil.which("java") or java.is_file()):
        return "Java is not installed, or JAVA_HOME does not name it"
    return None


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Start Spark with two threads."""
    reason = lacking()
    if reason and os.environ.get(NEEDED):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = start()
        yield session
        session.stop()
        gc.collect()


def start() -> Any:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.log.level": "OFF",
    }
    builder = SparkSession.builder.master("local[2]").appName("riskadj")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def assert_same(scores: engine.SparkScores, local: riskadj.Scores) -> None:
    for name in share.TABLES:
        theirs, ours = getattr(scores, name).toArrow(), getattr(local, name)
        assert theirs.column_names == ours.column_names
        assert rows_of(theirs) == rows_of(ours)
    assert without_shares(scores.run) == without_shares(local.run)


def by_both(spark: Any, enrollment: pa.Table, diagnoses: pa.Table, **options: Any) -> engine.SparkScores:
    """Score on Spark in several shares and locally, and compare."""
    frames = [spark.createDataFrame(table) for table in (enrollment, diagnoses)]
    scores = engine.score(spark, *frames, **options, rows_per_share=max(1, enrollment.num_rows // 3))
    assert_same(scores, riskadj.score(enrollment, diagnoses, **options, threads=1))
    return scores


@runs_spark
def test_scores_are_the_local_ones(spark: Any) -> None:
    enrollment, diagnoses = with_faults(sample("enrollment")), sample("diagnoses")
    options: dict[str, Any] = {"payment_year": 2026, "diagnosis_filter": "cms", "rejects": "write"}
    scores = by_both(spark, enrollment, diagnoses, **options)
    local = riskadj.score(enrollment, diagnoses, **options)
    assert scores.run["notes"][-1] == "scored on Spark in 4 shares of the members; rows stand in no order"
    assert repr(scores).startswith("<SparkScores: 5,227 enrollment rows, payment year 2026")
    assert_same_summary(scores.summary(), local.summary())
    assert len(scores.to_pandas("rejects")) == 4
    assert list(scores.to_pandas()) == local.payment_scores.column_names
    with pytest.raises(
        OptionError, match=r"no table 'model_score'; nearest: model_scores; there are: payment_"
    ):
        scores.to_pandas("model_score")
    scores.release()
    assert scores.payment_scores.count() == 5_227


@runs_spark
def test_files_are_read_and_results_kept_in_a_folder(spark: Any, tmp_path: Path) -> None:
    files = [str(DATA / f"{role}.parquet") for role in ("enrollment", "diagnoses")]
    kept = str(tmp_path / "kept")
    scores = engine.score(spark, files[0], [files[1]], payment_year=2026, keep_in=kept, rows_per_share=2_000)
    local = riskadj.score(*map(pq.read_table, files), payment_year=2026, threads=1)
    assert_same(scores, local)
    with pytest.raises(OutputExistsError, match="exists; pass overwrite=True or choose another folder"):
        engine.score(spark, *files, payment_year=2026, keep_in=kept)
    assert_same(engine.score(spark, *files, payment_year=2026, keep_in=kept, overwrite=True), local)


@runs_spark
def test_drugs_are_read(spark: Any, tmp_path: Path) -> None:
    extracts = {role: aca_sample(role, 200) for role in share.ROLES}
    files = {role: str(tmp_path / f"{role}.parquet") for role in share.ROLES}
    for role, table in extracts.items():
        pq.write_table(table, files[role])
    options = {"payment_year": 2026, "program": "hhs", "rejects": "write"}
    scores = engine.score(
        spark, files["enrollment"], files["diagnoses"], drugs=files["drugs"], **options, rows_per_share=60
    )
    local = riskadj.score(
        extracts["enrollment"], extracts["diagnoses"], drugs=extracts["drugs"], **options, threads=1
    )
    assert_same(scores, local)
    assert local.run["counts"]["drugs"]["rows_used"] > 100
    folder = tmp_path / "written"
    scores.write(str(folder))
    for name in share.TABLES:
        assert rows_of(pq.read_table(folder / name)) == rows_of(getattr(local, name))
    (written,) = spark.read.text(str(folder / "run")).collect()
    assert json.loads(written[0]) == json.loads(json.dumps(scores.run))
    with pytest.raises(OutputExistsError, match="payment_scores exists; pass overwrite=True"):
        scores.write(str(folder))
    scores.write(str(folder), overwrite=True)


@runs_spark
def test_a_model_without_drug_categories_takes_no_drugs(spark: Any) -> None:
    drugs = pa.table({"member_id": ["1"], "ndc": ["00001000101"]})
    with pytest.raises(OptionError) as local:
        riskadj.score(toy_enrollment(), toy_diagnoses(), drugs=drugs, **TOY)
    frames = [spark.createDataFrame(table) for table in (toy_enrollment(), toy_diagnoses(), drugs)]
    with pytest.raises(OptionError) as found:
        engine.score(spark, *frames[:2], drugs=frames[2], **TOY)
    assert str(found.value) == str(local.value)


def toy_enrollment(**columns: list[Any]) -> pa.Table:
    good = {
        "member_id": ["1", "2", "3", "4"],
        "birth_date": [date(2030, 1, 1)] * 4,
        "sex": ["F", "M", "F", "M"],
        "orec": ["0"] * 4,
        "dual_status_code": ["00"] * 4,
    }
    return pa.table({**good, **columns})


def toy_diagnoses(**columns: list[Any]) -> pa.Table:
    good = {
        "member_id": [1, 2, 3, 9],
        "diagnosis_code": ["Q01", "Q02", "Q03", "Q01"],
        "service_date": [date(2098, 5, 1)] * 4,
    }
    return pa.table({**good, **columns})


@runs_spark
def test_own_tables_travel_and_ids_of_two_types_meet(spark: Any) -> None:
    scores = by_both(spark, toy_enrollment(), toy_diagnoses(), **TOY, rejects="write")
    assert scores.run["counts"]["rejects"] == {"member_not_enrolled": 1}


@runs_spark
def test_of_rows_that_contradict_each_other_the_first_by_number_is_used(spark: Any) -> None:
    """By number the man comes first, by position the woman; the rejected row is named by its number."""
    rows = toy_enrollment(member_id=["1", "2", "3", "1"], row_number=[70, 20, 30, 10])
    frames = [spark.createDataFrame(table) for table in (rows, toy_diagnoses().slice(0, 3))]
    scores = engine.score(spark, *frames, **TOY, rejects="write")
    assert [row.asDict() for row in scores.rejects.collect()] == [
        {"file": "enrollment", "row_number": 70, "column": "sex", "reason": "sex_conflict"}
    ]


@runs_spark
def test_the_id_column_of_a_layout_is_chosen_for_all_members(spark: Any) -> None:
    """person_id is filled for one member only: that makes it the id of all, whichever share the others are in."""
    eligibility = pa.table(
        {
            "person_id": ["A", None, None, None],
            "patient_id": ["P1", "P2", "P3", "P4"],
            "birth_date": ["2030-01-01"] * 4,
            "gender": ["female"] * 4,
            "original_reason_entitlement_code": ["0"] * 4,
            "dual_status_code": ["00"] * 4,
        }
    )
    claims = pa.table(
        {
            "person_id": ["A", "A"],
            "claim_end_date": [date(2098, 5, 1)] * 2,
            "diagnosis_code_type": ["icd-10-cm"] * 2,
            "diagnosis_code_1": ["Q01", "Q02"],
            "diagnosis_code_2": [None, "Q03"],
        }
    )
    frames = [spark.createDataFrame(table) for table in (eligibility, claims)]
    scores = engine.score(spark, *frames, **TOY, layout="tuva", rejects="write", rows_per_share=1)
    local = riskadj.score(eligibility, claims, **TOY, layout="tuva", rejects="write")
    for name in share.TABLES:
        assert rows_of(getattr(scores, name).toArrow()) == rows_of(getattr(local, name))
    assert local.payment_scores["member_id"].to_pylist() == ["A"]


@runs_spark
@pytest.mark.parametrize(
    ("enrollment", "diagnoses", "options", "error"),
    [
        (toy_enrollment(sex=["F", "X", "X", "F"]), toy_diagnoses(), {}, CodeNotAllowedError),
        (toy_enrollment(), toy_diagnoses(), {}, RowsRejectedError),
        (toy_enrollment(), toy_diagnoses(), {"payment_year": 2098}, UnknownPaymentYearError),
        (toy_enrollment(), toy_diagnoses(), {"rejects": "no"}, OptionError),
        (toy_enrollment(), toy_diagnoses(), {"columns": {"sex": "gender"}}, ExtractError),
        (toy_enrollment().drop(["sex"]), toy_diagnoses(), {}, ColumnMissingError),
        (toy_enrollment().slice(0, 0), toy_diagnoses(), {}, ExtractError),
    ],
)
def test_errors_are_the_local_ones(
    spark: Any, enrollment: pa.Table, diagnoses: pa.Table, options: dict[str, Any], error: type[RiskAdjError]
) -> None:
    with pytest.raises(error) as local:
        riskadj.score(enrollment, diagnoses, **{**TOY, **options})
    frames = [spark.createDataFrame(table, schema_of(table)) for table in (enrollment, diagnoses)]
    with pytest.raises(error) as found:
        engine.score(spark, *frames, **{**TOY, **options})
    assert str(found.value) == str(local.value)


def schema_of(table: pa.Table) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(table.schema)


@runs_spark
def test_what_is_no_extract_is_told(spark: Any) -> None:
    with pytest.raises(
        ExtractError, match="a int was given for enrollment; allowed: a Spark DataFrame, or paths"
    ):
        engine.score(spark, 7, 8, payment_year=2026)
    with pytest.raises(ExtractError, match=r"Spark cannot read nowhere\.parquet, given for enrollment"):
        engine.score(spark, "nowhere.parquet", "nowhere.parquet", payment_year=2026)


@runs_spark
def test_a_spark_without_cache_asks_for_a_folder(spark: Any) -> None:
    from pyspark.errors import PySparkException

    class Serverless:
        def persist(self) -> None:
            raise PySparkException("[NOT_SUPPORTED_WITH_SERVERLESS] PERSIST TABLE is not supported")

    with pytest.raises(OptionError, match="name a folder that all its workers reach with keep_in="):
        spark_frames.kept(spark, Serverless(), None, overwrite=False)


@runs_spark
def test_workers_without_riskadj_are_told(spark: Any) -> None:
    from pyspark.errors import PythonException

    class Lost:
        def where(self, condition: str) -> None:
            raise PythonException("ModuleNotFoundError: No module named 'riskadj'")

    with pytest.raises(MissingDependencyError, match="is not installed on Spark's workers"):
        engine._reports(Lost())


@runs_spark
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("threads", "threads= is no option on Spark"),
        ("memory", "memory= is no option on Spark"),
        ("verbosity", "no such option: 'verbosity'"),
    ],
)
def test_options_that_are_none_are_told(spark: Any, name: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        engine.score(spark, None, None, payment_year=2026, **{name: 2})


def test_without_pyspark_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'riskadj\[spark\]'"):
        engine.score(None, "enrollment.parquet", "diagnoses.parquet", payment_year=2026)  # type: ignore[arg-type]


def test_what_spark_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "find_spec", lambda name: None)
    assert "pip install 'riskadj[spark]'" in str(lacking())
    monkeypatch.setattr(sys.modules[__name__], "find_spec", lambda name: object())
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("JAVA_HOME", "")
    assert "Java is not installed" in str(lacking())
