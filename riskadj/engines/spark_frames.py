"""Spark's side of scoring: DataFrames of the extracts, a member's rows brought together, results kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskadj.engines import share
from riskadj.errors import ExtractError, OptionError, OutputError, OutputExistsError
from riskadj.extracts.arrow_parts import open_object
from riskadj.extracts.contract import ROW_NUMBER, is_bytes, is_text, stored_type
from riskadj.extracts.enrollment import check_columns, wanted_columns
from riskadj.extracts.layout_tuva import ID_COLUMNS
from riskadj.extracts.layouts import plan_reading
from riskadj.extracts.open import Extract
from riskadj.extracts.spans import calendar_year
from riskadj.results.summary.summary import READ, SUMS
from riskadj.scoring.drugs import CODE_SYSTEMS, DRUGS
from riskadj.scoring.reading import diagnosis_columns
from riskadj.scoring.rules import Rules, load_rules
from riskadj.scoring.shares import Whole

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_KEY = "member_key"
#: Arrow type -> name of the type in Spark's SQL.
_SQL_TYPES = (
    (pa.types.is_string, "string"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_date32, "date"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int16, "smallint"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_float64, "double"),
)


@dataclass(frozen=True)
class Side:
    """One of the extracts: its rows as a struct, where each stood, and the key by which members come together."""

    role: str
    frame: DataFrame


def open_sides(
    spark: SparkSession, task: share.Task, sources: Mapping[str, Any]
) -> tuple[share.Task, tuple[Side, ...]]:
    """Return the task with the schemas of its results, and both extracts cut down to the columns that it reads.

    Raises
    ------
    RiskAdjError
        What can be told of options, columns and types without reading a row.
    """
    rules = load_rules(task.options)
    frames = {role: _frame(spark, source, role) for role, source in sources.items()}
    ids = {role: _tuva_id(frame) for role, frame in frames.items() if task.layout == "tuva"}
    given = {role: {**ids.get(role, {}), **names} for role, names in task.columns.items()}
    task = replace(task, columns=given)
    headers = {role: frame.limit(0).toArrow() for role, frame in frames.items()}
    sides = tuple(_side(task, rules, role, frames[role], headers[role]) for role in frames)
    notes = check_columns(task.open(headers[share.ENROLLMENT], share.ENROLLMENT), rules.fields)
    return replace(task, schemas=_schemas(task, rules, headers), notes=tuple(notes)), sides


def _frame(spark: SparkSession, source: Any, role: str) -> DataFrame:
    from pyspark.errors import AnalysisException

    if hasattr(source, "mapInArrow"):
        return source
    paths = source if isinstance(source, list | tuple) else [source]
    if not paths or not all(isinstance(path, str | Path) for path in paths):
        raise ExtractError(
            f"a {type(source).__name__} was given for {role}; allowed: a Spark DataFrame, or paths of Parquet files."
        )
    try:
        frame = spark.read.parquet(*map(str, paths))
        _ = frame.columns  # Spark Connect looks at the files no sooner
        return frame
    except AnalysisException as error:
        raise ExtractError(
            f"Spark cannot read {paths[0]}, given for {role} ({error.getCondition()}); "
            "give Parquet files that its workers reach, or a DataFrame."
        ) from None


def _tuva_id(frame: DataFrame) -> dict[str, str]:
    """Return which of the Tuva layer's id columns is member_id: the first that is not empty, as everywhere."""
    header = {name.lower(): name for name in frame.columns}
    present = [header[name] for name in ID_COLUMNS if name in header]
    filled = (name for name in present if frame.where(f"trim({_quoted(name)}) <> ''").limit(1).count())
    return {"member_id": next(filled, present[0])} if present else {}


def _side(task: share.Task, rules: Rules, role: str, frame: DataFrame, header: pa.Table) -> Side:
    from pyspark.sql import functions as sql

    extract = task.open(header, role)
    names = _names_read(task, rules, role, extract)
    reading = plan_reading(open_object(header, role), role, task.layout, task.columns[role])
    (member_id,) = reading.origins["member_id"].sources
    position = (
        sql.col(ROW_NUMBER).cast("bigint")
        if ROW_NUMBER in frame.columns
        else sql.monotonically_increasing_id() + 1
    )
    rows = [sql.col(_quoted(theirs)) for theirs in reading.sources_of(names)]
    key = _key(sql.col(_quoted(member_id)), header.schema.field(member_id).type)
    return Side(
        role,
        frame.select(
            sql.struct(*rows).alias(role),
            position.alias(share.POSITION),
            sql.coalesce(key, position).alias(_KEY),
        ),
    )


def _names_read(task: share.Task, rules: Rules, role: str, extract: Extract) -> list[str]:
    """Return the canonical columns of an extract that a run reads where they are there."""
    if role == share.ENROLLMENT:
        return wanted_columns(extract, rules.fields)
    if role == share.DRUGS:
        return ["member_id", *CODE_SYSTEMS, DRUGS.day]
    return list(diagnosis_columns(task.options, rules.year))


def _key(member_id: Column, arrow_type: pa.DataType) -> Column:
    """Return a hash that is the same for ids that the engine holds for the same; null for no id.

    The bytes of the id's text are hashed: 12 on one side and "12" on the other are one member.
    """
    from pyspark.sql import functions as sql

    stored = stored_type(arrow_type)
    text = member_id if is_text(stored) or is_bytes(stored) else member_id.try_cast("bigint").cast("string")
    return sql.when(member_id.isNotNull(), sql.xxhash64(text.cast("binary")))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _schemas(task: share.Task, rules: Rules, headers: Mapping[str, pa.Table]) -> dict[str, pa.Schema]:
    """Return the schema of each result, by scoring no rows at all."""
    whole = Whole(frozenset(model.id for model in rules.models), calendar_year(rules.year.year))
    nobody = share.Share(share.batches_of(headers))
    scores = share.score_share(replace(task, whole=whole), nobody)
    return {name: table.schema for name, table in scores.tables.items()}


def survey_shares(enrollment: Side, work: Callable[..., Any]) -> DataFrame:
    """Return the reports of `work` on the shares of the enrollment alone."""
    return _together(enrollment.frame.repartition(_KEY), (share.ENROLLMENT,)).mapInArrow(
        work, f"{share.REPORT} string"
    )


def spread(sides: tuple[Side, ...], n_shares: int) -> DataFrame:
    """Return the rows of all extracts in `n_shares` partitions, all rows of a member in one, enrollment first."""
    types = {side.role: side.frame.schema[side.role].dataType for side in sides}
    frames = [_with_columns_of(side.frame, types) for side in sides]
    rows = reduce(lambda one, other: one.unionByName(other), frames)
    return _together(rows.repartition(n_shares, _KEY), tuple(types))


def _with_columns_of(frame: DataFrame, types: Mapping[str, Any]) -> DataFrame:
    """Return the frame with the columns of the other extracts, all null."""
    from pyspark.sql import functions as sql

    others = {name: sql.lit(None).cast(kind) for name, kind in types.items() if name not in frame.columns}
    return frame.withColumns(others)


def _together(rows: DataFrame, roles: tuple[str, ...]) -> DataFrame:
    """Put the extracts of each partition one after the other, and the enrollment in the order in which it stood."""
    from pyspark.sql import functions as sql

    present = [role for role in share.ROLES if role in roles]
    extract = sql.coalesce(
        *(sql.when(sql.col(role).isNotNull(), place) for place, role in enumerate(present))
    )
    position = sql.when(sql.col(share.ENROLLMENT).isNotNull(), sql.col(share.POSITION))
    return rows.sortWithinPartitions(extract, position.asc_nulls_last()).select(*present, share.POSITION)


def score_schema(schemas: Mapping[str, pa.Schema]) -> str:
    """Return the schema of what the workers give back, in Spark's SQL."""
    tables = [f"{name} {_sql_type(pa.struct(list(schema)))}" for name, schema in schemas.items()]
    return ", ".join([*tables, f"{share.REPORT} string"])


def _sql_type(arrow_type: pa.DataType) -> str:
    if pa.types.is_struct(arrow_type):
        fields = ", ".join(f"{_quoted(field.name)}: {_sql_type(field.type)}" for field in arrow_type)
        return f"struct<{fields}>"
    if pa.types.is_list(arrow_type):
        return f"array<{_sql_type(arrow_type.value_type)}>"
    return next(name for test, name in _SQL_TYPES if test(arrow_type))


def sums_of_scores(model_scores: DataFrame) -> pa.Table:
    """Return what the rows of model_scores add up to, as `results.summary.summary.SUMS`: workers add, few rows come."""
    schema = ", ".join(f"{field.name} {_sql_type(field.type)}" for field in SUMS)
    return model_scores.select(*READ).mapInArrow(share.sum_batches, schema).toArrow()


def kept(spark: SparkSession, scored: DataFrame, folder: str | None, *, overwrite: bool) -> DataFrame:
    """Return scored rows that are computed once: in Spark's cache, or in a folder.

    Raises
    ------
    OptionError
        No folder is named, and this Spark has no cache.
    OutputExistsError, OutputError
        The folder is there already, or cannot be written to.
    """
    from pyspark.errors import PySparkException

    if folder is None:
        try:
            return scored.persist()
        except PySparkException as error:
            if "SERVERLESS" not in str(error):
                raise
            raise OptionError(
                "this Spark has no cache (serverless compute); name a folder that all its workers reach with keep_in=."
            ) from None
    write_parquet(scored, folder, overwrite=overwrite)
    return spark.read.parquet(folder)


def write_parquet(frame: DataFrame, folder: str, *, overwrite: bool) -> None:
    """Write a DataFrame as Parquet.

    Raises
    ------
    OutputExistsError, OutputError
        The folder is there already, or cannot be written to.
    """
    with _writing(folder):
        frame.write.mode(_mode(overwrite)).parquet(folder)


def write_json(spark: SparkSession, document: Mapping[str, Any], folder: str, *, overwrite: bool) -> None:
    """Write a document as the one line of a JSON file; raises as `write_parquet` does."""
    with _writing(folder):
        frame = spark.createDataFrame([(json.dumps(document),)], "value string")
        frame.coalesce(1).write.mode(_mode(overwrite)).text(folder)


def _mode(overwrite: bool) -> str:
    return "overwrite" if overwrite else "error"


@contextmanager
def _writing(folder: str) -> Iterator[None]:
    from pyspark.errors import AnalysisException

    try:
        yield
    except AnalysisException as error:
        if error.getCondition() == "PATH_ALREADY_EXISTS":
            raise OutputExistsError(
                f"{folder} exists; pass overwrite=True or choose another folder."
            ) from None
        raise OutputError(f"{folder} cannot be written by Spark ({error.getCondition()}).") from None
