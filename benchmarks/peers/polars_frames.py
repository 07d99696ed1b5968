"""The same scores with Polars: lazy frames and expressions, the streaming engine for the diagnoses.

The shape is that of the SQL peer: codes joined, claim lines filtered, `bitwise_or` per member, the rules once per
distinct combination of segment, demographics and HCCs, joined back to the rows.

Tried and slower on a million members: the in-memory engine for the diagnoses; cleaning every code instead of every
distinct code; the claim filter before the join of codes; eligible procedures by a join; distinct (member, code) first.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from operator import and_, or_
from typing import Any

import polars as pl

from benchmarks.peers.tables import (
    FLAGS,
    NO_MAXIMUM,
    WORD_BITS,
    Mask,
    Model,
    Year,
    dual_levels,
    medicaid_codes,
    read_year,
)
from benchmarks.workload import Workload
from riskadj.terms import STATUS_FIELDS


def score(work: Workload) -> None:
    """Score a workload and write payment and model scores, one row per enrollment row, as Parquet."""
    year = read_year(work)
    members = rows_with_policy(work, year).collect()
    profiles = status_profiles(year, members.select("profile").unique())
    found = captured(work, year).collect(engine="streaming")
    words = [name for model in year.models for name in year.words(model)]
    rows = (
        members.lazy()
        .join(profiles.lazy(), on="profile")
        .join(found.lazy(), on="member_id", how="left")
        .with_columns(pl.col(words).fill_null(0))
        .with_columns(hcc for model in year.models for hcc in own_hccs(year, model))
        .drop(words)
        .collect()
    )
    for model in year.models:
        keys = key_columns(model)
        combinations = rows.select(keys).unique()
        rows = rows.join(scores_of(year, model, combinations), on=keys).drop(keys[1:])
    unit = 10**year.numbers.decimals
    scores = [f"{column}_{model.id}" for model in year.models for column in ("raw", "normalized", "payment")]
    rows.select(
        "member_id",
        "enrollment_start_date",
        (blended(year) / unit).alias("payment_risk_score"),
        *(pl.col(name) / unit for name in scores),
        *(f"segment_{model.id}" for model in year.models),
    ).write_parquet(work.output, compression="lz4", statistics=False)


def any_of(tests: list[pl.Expr]) -> pl.Expr:
    """Return whether any test holds."""
    return reduce(or_, tests, pl.lit(False))


def all_of(tests: list[pl.Expr]) -> pl.Expr:
    """Return whether every test holds."""
    return reduce(and_, tests, pl.lit(True))


def conditions_hold(conditions: Mapping[str, str]) -> pl.Expr:
    """Return whether status conditions hold (cells as in the tables)."""
    return all_of(
        [
            pl.col(name).is_in([STATUS_FIELDS[name].index(code) for code in cell.split("|")])
            for name, cell in conditions.items()
            if cell and name in STATUS_FIELDS
        ]
    )


def first_that_holds(tests: list[pl.Expr]) -> pl.Expr:
    """Return the number of the first test that holds; null if none does."""
    return pl.coalesce(pl.when(test).then(pl.lit(number)) for number, test in enumerate(tests))


def rows_with_policy(work: Workload, year: Year) -> pl.LazyFrame:
    """Rows that a policy pays, with one number for their age and status."""
    day = year.numbers.age_as_of
    birth = pl.col("birth_date")
    had_birthday = birth.dt.month().cast(pl.Int32) * 100 + birth.dt.day() <= day.month * 100 + day.day
    age = (day.year - birth.dt.year() - (~had_birthday).cast(pl.Int32)).clip(lower_bound=0)
    key = pl.col("age").cast(pl.Int64)
    for name in year.status_fields:
        key = key * len(STATUS_FIELDS[name]) + pl.col(name)
    policies = [conditions_hold(conditions) for conditions, _ in year.policies]
    return (
        pl.scan_parquet(work.enrollment)
        .select("member_id", "enrollment_start_date", age.alias("age"), *map(field_code, year.status_fields))
        .with_columns(policy=first_that_holds(policies))
        .filter(pl.col("policy").is_not_null())
        .select("member_id", "enrollment_start_date", "policy", profile=key)
    )


def field_code(name: str) -> pl.Expr:
    """Return the position of a status field's code."""
    codes = STATUS_FIELDS[name]
    dual = pl.col("dual_status_code")
    if name in FLAGS:
        code = pl.col(name).fill_null(False).cast(pl.Int32)
    elif name == "dual":
        code = dual.replace_strict(
            {code: codes.index(level) for code, level in dual_levels().items()},
            default=0,
            return_dtype=pl.Int32,
        )
    elif name in ("ltimcaid", "nemcaid", "mcaid"):
        code = dual.is_in(medicaid_codes()).fill_null(False).cast(pl.Int32)
    else:
        code = pl.col(name).replace_strict({code: n for n, code in enumerate(codes)}, return_dtype=pl.Int32)
    return code.alias(name)


def status_profiles(year: Year, profiles: pl.DataFrame) -> pl.DataFrame:
    """Each distinct status once: segment, sum of demographic factors and demographic flags under each model."""
    rest, fields = pl.col("profile"), {}
    for name in reversed(year.status_fields):
        fields[name] = rest % len(STATUS_FIELDS[name])
        rest = rest // len(STATUS_FIELDS[name])
    frame = profiles.with_columns(age=rest, **fields)
    for model in year.models:
        frame = frame.join(demographics_of(year, model, frame), on="profile")
    kept = [f"{name}_{model.id}" for model in year.models for name in ("segment", "points", "flags")]
    return frame.select("profile", "age", "sex", *kept)


def demographics_of(year: Year, model: Model, frame: pl.DataFrame) -> pl.DataFrame:
    """Return profile, segment, points and flags under one model."""
    tests = [
        conditions_hold(row)
        & pl.col("age").is_between(int(row["age_min"] or 0), int(row["age_max"] or NO_MAXIMUM))
        for row in model.rows("segments")
    ]
    segments = [row["segment"] for row in model.rows("segments")]
    table = pl.from_arrow(year.demographic_tables[model.id])
    met = [
        (pl.col(f"{name}_right") // (2 ** pl.col(name)).cast(pl.Int64)) % 2 == 1
        for name in year.status_fields
    ]
    points = reduce(
        lambda found, item: pl.when(pl.col("segment") == item[0]).then(pl.col(item[1])).otherwise(found),
        enumerate(segments),
        pl.lit(0),
    )
    return (
        frame.select("profile", "age", *year.status_fields, segment=first_that_holds(tests))
        .lazy()
        .join(table.lazy(), how="cross")
        .filter(pl.col("age").is_between(pl.col("age_min"), pl.col("age_max")), *met)
        .select("profile", "segment", "variable", "flag", points=points)
        .unique(["profile", "variable"])
        .group_by("profile", "segment")
        .agg(pl.col("points").sum(), pl.col("flag").sum().alias("flags"))
        .select("profile", pl.col("segment", "points", "flags").name.suffix(f"_{model.id}"))
        .collect()
    )


def captured(work: Workload, year: Year) -> pl.LazyFrame:
    """One row per member with a diagnosis that counts: its condition bits."""
    lines = pl.scan_parquet(work.diagnoses)
    clean = (
        pl.col("diagnosis_code").str.replace_all(".", "", literal=True).str.replace_all(" ", "", literal=True)
    )
    codes = (
        lines.select("diagnosis_code")
        .unique()
        .with_columns(code=clean.str.to_uppercase())
        .join(pl.from_arrow(year.code_table).lazy(), on="code")
        .drop("code")
    )
    counted = lines.filter(pl.col("service_date").is_between(*year.numbers.collection)).join(
        codes, on="diagnosis_code"
    )
    if work.diagnosis_filter != "none":
        counted = counted.filter(claim_counts(year))
    words = [name for model in year.models for name in year.words(model)]
    return counted.group_by("member_id").agg(pl.col(words).bitwise_or())


def claim_counts(year: Year) -> pl.Expr:
    """Return whether a claim line counts."""
    kinds = []
    for claim_type, bill_types, needs_procedure in year.claim_rules:
        tests = [pl.col("claim_type") == claim_type]
        if bill_types:
            tests.append(pl.col("bill_type_code").str.head(2).is_in(bill_types))
        if needs_procedure:
            tests.append(pl.col("procedure_code").is_in(year.procedures))
        kinds.append(all_of(tests))
    sources = year.numbers.excluded_sources
    return any_of(kinds) & (
        ~pl.col("record_source").is_in(list(sources)).fill_null(False) if sources else pl.lit(True)
    )


def bit(number: int) -> pl.Expr:
    """Return a 64-bit literal."""
    return pl.lit(number, dtype=pl.UInt64)


def own_hccs(year: Year, model: Model) -> list[pl.Expr]:
    """HCC words of each row: its member's condition bits, resolved by the row's own age and sex."""
    words = year.words(model)
    own = [pl.col(name) & bit(mask) for name, mask in zip(words, model.hcc_mask, strict=True)][
        : model.n_hcc_words
    ]
    for item in model.conditionals:
        test = (pl.col(words[item.bit // WORD_BITS]) & bit(1 << item.bit % WORD_BITS)) != 0
        if (item.age_min, item.age_max) != (0, NO_MAXIMUM):
            test &= pl.col("age").is_between(item.age_min, item.age_max)
        if item.sex:
            test &= pl.col("sex") == STATUS_FIELDS["sex"].index(item.sex)
        word = item.hcc_bit // WORD_BITS
        own[word] = own[word] | pl.when(test).then(bit(1 << item.hcc_bit % WORD_BITS)).otherwise(bit(0))
    return [expression.alias(f"h{word}_{model.id}") for word, expression in enumerate(own)]


def key_columns(model: Model) -> list[str]:
    """Return the columns that decide a model's score; the segment first."""
    words = [f"h{word}" for word in range(model.n_hcc_words)]
    return [f"{name}_{model.id}" for name in ("segment", "points", "flags", *words)]


def scores_of(year: Year, model: Model, combinations: pl.DataFrame) -> pl.DataFrame:
    """Scores of each distinct segment, demographics and HCCs: raw, normalized and payment, in integer units."""
    segment, points, flags, *words = key_columns(model)
    frame = combinations.lazy().with_columns(
        pl.col(name).alias(f"k{word}") for word, name in enumerate(words)
    )
    for row in model.rows("requirements"):
        lacking = ~has_any(model.mask(row["needs_any"].split("|")))
        own = model.mask([row["hcc"]])
        frame = frame.with_columns(
            pl.when(lacking)
            .then(pl.col(f"k{word}") & bit(2**64 - 1 - mask))
            .otherwise(pl.col(f"k{word}"))
            .alias(f"k{word}")
            for word, mask in enumerate(own)
            if mask
        )
    for stage in model.hierarchy_stages:
        frame = frame.with_columns(
            pl.col(f"k{word}")
            & ~reduce(
                or_, [pl.when(has(model, hcc)).then(bit(mask[word])).otherwise(bit(0)) for hcc, mask in stage]
            )
            for word in range(model.n_hcc_words)
        )
    number = reduce(
        lambda total, item: (
            total + (pl.col(f"k{item[0]}") & bit(item[1])).bitwise_count_ones().cast(pl.Int64)
        ),
        enumerate(model.payment_mask),
        pl.lit(0, dtype=pl.Int64),
    )
    tests = interaction_tests(model, flags)
    frame = (
        frame.with_columns(number=number, **{f"i_{name}": test for name, test in tests.items()})
        .collect()
        .lazy()
    )
    parts = [
        frame.filter(pl.col(segment) == position).with_columns(
            raw=pl.col(points) + sum_of_factors(model, name)
        )
        for position, name in enumerate(model.factors)
    ]
    decimals = year.numbers.decimals
    raw = times(pl.col("raw"), Fraction(10) ** (decimals - model.decimals))
    normalized = times(pl.col("raw"), 1 / year.normalization(model))
    paid = times(pl.col("normalized"), 1 - year.coding_intensity(model))
    return (
        pl.concat(parts)
        .with_columns(raw=raw if decimals != model.decimals else pl.col("raw"))
        .with_columns(normalized=normalized)
        .with_columns(payment=paid)
        .select(*key_columns(model), pl.col("raw", "normalized", "payment").name.suffix(f"_{model.id}"))
        .collect()
    )


def has(model: Model, hcc: str) -> pl.Expr:
    """Return whether an HCC is on."""
    return has_any(model.mask([hcc]))


def has_any(mask: Mask) -> pl.Expr:
    """Return whether any HCC of a mask is on."""
    return any_of([(pl.col(f"k{word}") & bit(item)) != 0 for word, item in enumerate(mask) if item])


def interaction_tests(model: Model, flags: str) -> dict[str, pl.Expr]:
    """Return whether each interaction is on."""
    tests: dict[str, pl.Expr] = {}
    for name, terms in model.interactions.items():
        tests[name] = all_of([term_test(model, term, flags, tests) for term in terms])
    return tests


def term_test(model: Model, term: str, flags: str, tests: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return whether a term of an interaction is on."""
    if term in model.hccs:
        return has(model, term)
    if term in model.demographic_terms:
        return (pl.col(flags) & (1 << model.demographic_terms.index(term))) != 0
    return tests[term] if term in tests else has_any(model.groups[term])


def sum_of_factors(model: Model, segment: str) -> pl.Expr:
    """Return the sum of factors of HCCs, interactions and counts in one segment."""
    factors, counts = model.factors[segment], model.counts(segment)
    on = {hcc: has(model, hcc) for hcc in model.hccs if factors.get(hcc)}
    on |= {name: pl.col(f"i_{name}") for name in model.interactions if factors.get(name)}
    parts: list[Any] = [test.cast(pl.Int64) * factors[name] for name, test in on.items()]
    for number, factor in enumerate(counts):
        last = number == len(counts) - 1
        test = pl.col("number") >= number if last else pl.col("number") == number
        if factor:
            parts.append(test.cast(pl.Int64) * factor)
    return pl.sum_horizontal(parts) if parts else pl.lit(0)


def times(score: pl.Expr, ratio: Fraction) -> pl.Expr:
    """Return an integer score times a ratio, rounded half away from zero."""
    numerator, denominator = ratio.numerator, ratio.denominator
    rounded = (score.abs().cast(pl.Int64) * (2 * numerator) + denominator) // (2 * denominator)
    return score.sign().cast(pl.Int64) * rounded


def blended(year: Year) -> pl.Expr:
    """Return the blended score of each row, in integer units."""
    result = pl.lit(None, dtype=pl.Int64)
    for number, (_, blend) in enumerate(year.policies):
        scale = max(-int(weight.as_tuple().exponent) for weight in blend.values())
        parts = [pl.col(f"payment_{name}") * int(weight.scaleb(scale)) for name, weight in blend.items()]
        total = times(pl.sum_horizontal(parts), Fraction(1, 10**scale))
        result = pl.when(pl.col("policy") == number).then(total).otherwise(result)
    return result
