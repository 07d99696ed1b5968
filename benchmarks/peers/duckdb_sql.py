"""The same scores in SQL, on DuckDB: the best statements we could write.

Claim lines are joined to the code table and filtered, and `bit_or` gathers each member's condition bits in words.
Demographics are worked out once per distinct status. Hierarchies are mask arithmetic, and factors are looked up by
segment and four HCC bits at a time, once per distinct combination of segment, demographics and HCCs, then joined back
to the rows. Scores are integers of thousandths to the end, so rounding is exact.

Tried and slower on a million members: the rules on every row instead of on distinct combinations; a branch per segment
with constant factors (long statements, a second of planning alone); factors added bit by bit; a row per member and HCC;
DISTINCT (member, code) before `bit_or`; joining members to integers before grouping; mapping the DISTINCT raw codes
first (one more scan of the column); eligible procedures as an IN list, or claim lines as a UNION of the kinds of claim;
`translate` instead of two `replace` to clean codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import duckdb
import pyarrow as pa

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

LOOK_UP_BITS = 4


def score(work: Workload) -> None:
    """Score a workload and write payment and model scores, one row per enrollment row, as Parquet."""
    year = read_year(work)
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {work.threads}; SET preserve_insertion_order = false")
        for name, table in tables(year).items():
            connection.register(f"given_{name}", table)
            connection.execute(f"CREATE TEMP TABLE {name} AS FROM given_{name}")
        for statement in statements(work, year):
            connection.execute(statement)


def tables(year: Year) -> dict[str, pa.Table]:
    """Return the rule tables that the statements join."""
    demographics = {f"demographics_{name}": table for name, table in year.demographic_tables.items()}
    return {"codes": year.code_table, "procedures": year.procedure_table, **demographics}


def statements(work: Workload, year: Year) -> list[str]:
    """Return the SQL statements that score a workload, in order."""
    return [
        f"CREATE TEMP TABLE members AS {members(work, year)}",
        f"CREATE TEMP TABLE profiles AS {profiles(year)}",
        f"CREATE TEMP TABLE captured AS {captured(work, year)}",
        f"CREATE TEMP TABLE rows AS {rows(year)}",
        *(f"CREATE TEMP TABLE scores_{model.id} AS {scores_of(year, model)}" for model in year.models),
        f"COPY ({payment(year)}) TO '{work.output}' (FORMAT parquet, COMPRESSION lz4_raw)",
    ]


def members(work: Workload, year: Year) -> str:
    """Rows that a policy pays, with one number for their age and status."""
    coded = ", ".join(f"{field_code(name)} AS {name}" for name in year.status_fields)
    key = "age"
    for name in year.status_fields:
        key = f"({key}) * {len(STATUS_FIELDS[name])} + {name}"
    policy = " ".join(
        f"WHEN {all_of(conditions)} THEN {number}" for number, (conditions, _) in enumerate(year.policies)
    )
    return (
        f"SELECT member_id, enrollment_start_date, policy, {key} AS profile FROM ("
        f"SELECT *, CASE {policy} END AS policy FROM ("
        f"SELECT member_id, enrollment_start_date, "
        f"greatest(date_sub('year', birth_date, DATE '{year.numbers.age_as_of}'), 0) AS age, {coded} "
        f"FROM '{work.enrollment}')) WHERE policy IS NOT NULL"
    )


def field_code(name: str) -> str:
    """Return the expression for the position of a status field's code."""
    codes = STATUS_FIELDS[name]
    if name in FLAGS:
        return f"coalesce({name}, false)::INTEGER"
    if name == "dual":
        cases = " ".join(
            f"WHEN '{code}' THEN {codes.index(level)}"
            for code, level in dual_levels().items()
            if codes.index(level)
        )
        return f"CASE dual_status_code {cases} ELSE 0 END"
    if name in ("ltimcaid", "nemcaid", "mcaid"):
        listed = ", ".join(f"'{code}'" for code in medicaid_codes())
        return f"coalesce(dual_status_code IN ({listed}), false)::INTEGER"
    cases = " ".join(f"WHEN '{code}' THEN {number}" for number, code in enumerate(codes))
    return f"CASE {name} {cases} END"


def all_of(conditions: Mapping[str, str]) -> str:
    """Return the expression that all status conditions hold (cells as in the tables)."""
    tests = [
        f"{name} IN ({', '.join(str(STATUS_FIELDS[name].index(code)) for code in cell.split('|'))})"
        for name, cell in conditions.items()
        if cell
    ]
    return " AND ".join(tests) or "true"


def profiles(year: Year) -> str:
    """Each distinct status once: segment, sum of demographic factors and demographic flags under each model."""
    fields, rest, steps = [], "profile", []
    for name in reversed(year.status_fields):
        steps.append(f"({rest}) % {len(STATUS_FIELDS[name])} AS {name}")
        rest = f"({rest}) // {len(STATUS_FIELDS[name])}"
    fields = [f"{rest} AS age", *steps]
    distinct = f"SELECT profile, {', '.join(fields)} FROM (SELECT DISTINCT profile FROM members)"
    joins, columns = [], ["profile", "age", "sex"]
    for model in year.models:
        segments = " ".join(
            f"WHEN {all_of({k: v for k, v in row.items() if k in STATUS_FIELDS})} "
            f"AND age BETWEEN {row['age_min'] or 0} AND {row['age_max'] or 999} THEN {number}"
            for number, row in enumerate(model.rows("segments"))
        )
        names = [row["segment"] for row in model.rows("segments")]
        factor = " ".join(f'WHEN {number} THEN "{name}"' for number, name in enumerate(names))
        met = " AND ".join(f"(d.{name} >> p.{name}) & 1 = 1" for name in year.status_fields)
        joins.append(
            f"{model.id} AS (SELECT profile, segment, sum(points) AS points, bit_or(flag) AS flags FROM ("
            f"SELECT profile, segment, variable, max(d.flag) AS flag, max(CASE segment {factor} END) AS points "
            f"FROM (SELECT *, CASE {segments} END AS segment FROM p) p JOIN demographics_{model.id} d "
            f"ON p.age BETWEEN d.age_min AND d.age_max AND {met} GROUP BY ALL) GROUP BY ALL)"
        )
        columns += [f"{model.id}.{name} AS {name}_{model.id}" for name in ("segment", "points", "flags")]
    listed = " ".join(f"JOIN {model.id} USING (profile)" for model in year.models)
    return f"WITH p AS ({distinct}), {', '.join(joins)} SELECT {', '.join(columns)} FROM p {listed}"


def captured(work: Workload, year: Year) -> str:
    """One row per member with a diagnosis that counts: its condition bits."""
    words = [name for model in year.models for name in year.words(model)]
    first, last = year.numbers.collection
    code = "upper(replace(replace(diagnosis_code, '.', ''), ' ', ''))"
    dates = f"service_date BETWEEN DATE '{first}' AND DATE '{last}'"
    lines = f"SELECT * FROM '{work.diagnoses}' JOIN codes ON code = {code}"
    if work.diagnosis_filter == "none":
        counted = f"{lines} WHERE {dates}"
    else:
        counted = (
            f"SELECT * FROM ({lines} LEFT JOIN procedures USING (procedure_code) WHERE {dates}) "
            f"WHERE {claim_filter(year)}"
        )
    gathered = ", ".join(f"bit_or({name}) AS {name}" for name in words)
    return f"SELECT member_id, {gathered} FROM ({counted}) GROUP BY member_id"


def claim_filter(year: Year) -> str:
    """Return the expression that a claim line counts."""
    kinds = []
    for claim_type, bill_types, needs_procedure in year.claim_rules:
        tests = [f"claim_type = '{claim_type}'"]
        if bill_types:
            tests.append(f"left(bill_type_code, 2) IN ({', '.join(map(repr, bill_types))})")
        if needs_procedure:
            tests.append("is_eligible")
        kinds.append(f"({' AND '.join(tests)})")
    sources = [f"coalesce(record_source <> '{source}', true)" for source in year.numbers.excluded_sources]
    return " AND ".join([f"({' OR '.join(kinds)})", *sources])


def rows(year: Year) -> str:
    """Each row's policy and, under each model, what decides its score: segment, demographics, HCC words."""
    words = [name for model in year.models for name in year.words(model)]
    found = ", ".join(f"coalesce({name}, 0)::UBIGINT AS {name}" for name in words)
    keys = [column for model in year.models for column in own_keys(year, model)]
    return (
        f"SELECT member_id, enrollment_start_date, policy, {', '.join(keys)} "
        f"FROM (SELECT * REPLACE ({found}) FROM members "
        "JOIN profiles USING (profile) LEFT JOIN captured USING (member_id))"
    )


def own_keys(year: Year, model: Model) -> list[str]:
    """Return segment, points, flags and HCC words of a row: condition bits resolved by the row's own age and sex."""
    words = year.words(model)
    own = [f"({name} & {mask}::UBIGINT)" for name, mask in zip(words, model.hcc_mask, strict=True)]
    for item in model.conditionals:
        test = f"{words[item.bit // 64]} & {1 << item.bit % 64}::UBIGINT <> 0"
        if (item.age_min, item.age_max) != (0, NO_MAXIMUM):
            test += f" AND age BETWEEN {item.age_min} AND {item.age_max}"
        if item.sex:
            test += f" AND sex = {STATUS_FIELDS['sex'].index(item.sex)}"
        own[item.hcc_bit // 64] += f" | CASE WHEN {test} THEN {1 << item.hcc_bit % 64}::UBIGINT ELSE 0 END"
    status = [f"{name}_{model.id}" for name in ("segment", "points", "flags")]
    return [*status, *(f"{own[word]} AS h{word}_{model.id}" for word in range(model.n_hcc_words))]


def left_standing(model: Model, query: str) -> str:
    """Add to a query with HCC words h0, h1, ... the words k0, k1, ... after requirements and hierarchies."""
    words = range(model.n_hcc_words)
    query = f"SELECT *, {', '.join(f'h{word} AS k{word}' for word in words)} FROM ({query})"
    for row in model.rows("requirements"):
        needed, own = model.mask(row["needs_any"].split("|")), model.mask([row["hcc"]])
        lacking = " AND ".join(f"k{word} & {mask}::UBIGINT = 0" for word, mask in enumerate(needed) if mask)
        kept = ", ".join(
            f"CASE WHEN {lacking} THEN k{word} & {2**64 - 1 - mask}::UBIGINT ELSE k{word} END AS k{word}"
            for word, mask in enumerate(own)
            if mask
        )
        query = f"SELECT * REPLACE ({kept}) FROM ({query})"
    for stage in model.hierarchy_stages:
        query = f"SELECT * REPLACE ({stage_of_hierarchies(model, stage)}) FROM ({query})"
    return query


def stage_of_hierarchies(model: Model, stage: Sequence[tuple[str, Mask]]) -> str:
    """Return the replaced words after one stage of hierarchies."""
    result = []
    for word in range(model.n_hcc_words):
        drops = [
            f"CASE WHEN {has(model, hcc)} THEN {mask[word]}::UBIGINT ELSE 0::UBIGINT END"
            for hcc, mask in stage
            if mask[word]
        ]
        if drops:
            result.append(f"k{word} & ~({' | '.join(drops)}) AS k{word}")
    return ", ".join(result)


def has(model: Model, hcc: str) -> str:
    """Return the expression that an HCC is on."""
    bit = model.hccs.index(hcc)
    return f"k{bit // 64} & {1 << bit % 64}::UBIGINT <> 0"


def scores_of(year: Year, model: Model) -> str:
    """Scores of each distinct segment, demographics and HCCs: raw, normalized and payment, in integer units."""
    keys, decimals = ", ".join(key_columns(model)), year.numbers.decimals
    own = ", ".join(f"{name}_{model.id} AS {name}" for name in key_columns(model))
    query = left_standing(model, f"SELECT DISTINCT {own} FROM rows")
    query = f"SELECT {keys}, {points(model)} AS raw FROM ({query})"
    if decimals != model.decimals:
        query = f"SELECT * REPLACE ({times('raw', Fraction(10) ** (decimals - model.decimals))} AS raw) FROM ({query})"
    query = f"SELECT *, {times('raw', 1 / year.normalization(model))} AS normalized FROM ({query})"
    return f"SELECT *, {times('normalized', 1 - year.coding_intensity(model))} AS payment FROM ({query})"


def key_columns(model: Model) -> list[str]:
    """Return the columns that decide a model's score."""
    return ["segment", "points", "flags", *(f"h{word}" for word in range(model.n_hcc_words))]


def points(model: Model) -> str:
    """Return the sum of factors: demographics, HCCs four bits at a time, interactions, counts."""
    parts = ["points", *hcc_sums(model)]
    for name, test in interaction_tests(model).items():
        worth = [factors.get(name, 0) for factors in model.factors.values()]
        if any(worth):
            parts.append(f"CASE WHEN {test} THEN {worth}[segment + 1] ELSE 0 END")
    counts = [model.counts(segment) for segment in model.factors]
    if any(map(any, counts)):
        number = " + ".join(
            f"bit_count(k{word} & {mask}::UBIGINT)::INTEGER" for word, mask in enumerate(model.payment_mask)
        )
        worth = [factor for of_segment in counts for factor in of_segment]
        parts.append(f"{worth}[segment * {len(counts[0])} + least({number}, {len(counts[0]) - 1}) + 1]")
    return " + ".join(parts)


def hcc_sums(model: Model) -> Iterator[str]:
    """Yield, for every four HCC bits, the sum of their factors: looked up by segment and the four bits."""
    size = 1 << LOOK_UP_BITS
    for begin in range(0, len(model.hccs), LOOK_UP_BITS):
        hccs = model.hccs[begin : begin + LOOK_UP_BITS]
        worth = [
            sum(factors.get(hcc, 0) for bit, hcc in enumerate(hccs) if four >> bit & 1)
            for factors in model.factors.values()
            for four in range(size)
        ]
        four = f"((k{begin // WORD_BITS} >> {begin % WORD_BITS}) & {size - 1})::INTEGER"
        yield f"{worth}[segment * {size} + {four} + 1]"


def interaction_tests(model: Model) -> dict[str, str]:
    """Return the expression that each interaction is on."""
    tests: dict[str, str] = {}
    for name, terms in model.interactions.items():
        tests[name] = " AND ".join(f"({term_test(model, term, tests)})" for term in terms)
    return tests


def term_test(model: Model, term: str, tests: dict[str, str]) -> str:
    """Return the expression that a term of an interaction is on."""
    if term in model.hccs:
        return has(model, term)
    if term in model.demographic_terms:
        return f"flags & {1 << model.demographic_terms.index(term)} <> 0"
    if term in tests:
        return tests[term]
    return " OR ".join(
        f"k{word} & {mask}::UBIGINT <> 0" for word, mask in enumerate(model.groups[term]) if mask
    )


def times(score: str, ratio: Fraction) -> str:
    """Return an integer score times a ratio, rounded half away from zero."""
    numerator, denominator = ratio.numerator, ratio.denominator
    return f"(sign({score}) * ((abs({score})::BIGINT * {2 * numerator} + {denominator}) // {2 * denominator}))::BIGINT"


def payment(year: Year) -> str:
    """One row per enrollment row: the blended score, and each model's segment and scores."""
    unit, columns, joins = 10**year.numbers.decimals, [], []
    for model in year.models:
        name = model.id
        columns += [
            f"{name}.{column} / {unit} AS {column}_{name}" for column in ("raw", "normalized", "payment")
        ]
        columns.append(f"{name}.segment AS segment_{name}")
        same = " AND ".join(f"{name}.{column} = rows.{column}_{name}" for column in key_columns(model))
        joins.append(f"JOIN scores_{name} {name} ON {same}")
    blends = []
    for number, (_, blend) in enumerate(year.policies):
        scale = max(-int(weight.as_tuple().exponent) for weight in blend.values())
        total = " + ".join(f"{name}.payment * {int(weight.scaleb(scale))}" for name, weight in blend.items())
        blends.append(f"WHEN {number} THEN {times(f'({total})', Fraction(1, 10**scale))}")
    return (
        f"SELECT member_id, enrollment_start_date, CASE policy {' '.join(blends)} END / {unit} "
        f"AS payment_risk_score, {', '.join(columns)} FROM rows {' '.join(joins)}"
    )
