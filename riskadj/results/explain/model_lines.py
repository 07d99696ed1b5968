"""The lines of one row under one model: codes, HCCs, hierarchies, variables and factors, scores."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from riskadj.errors import RiskAdjError
from riskadj.extracts.dates import days_of
from riskadj.results.explain.evidence import CodeEvidence
from riskadj.results.explain.explanation import Line
from riskadj.scoring.payment_score import NO_SCORE, ModelNumbers
from riskadj.scoring.plan import BOTH_SEXES, EVER, ConditionBit, ScoringPlan
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun, ScoredRows
from riskadj.tables.conditions import MAX_AGE_YEARS
from riskadj.tables.payment_year import Citation
from riskadj.terms import STATUS_FIELDS

DrugEvidence = dict[tuple[str, str], CodeEvidence]
#: How a score follows from the one before it, by one of the year's numbers.
_FROM_BEFORE = {"normalized": "raw / {}", "payment": "normalized x (1 - {})"}


@dataclass(frozen=True)
class ModelLines:
    """Explains one row under one model."""

    run: ScoringRun
    model: ModelRun
    scored: ScoredRows
    row: int
    evidence: dict[str, CodeEvidence]
    drugs: DrugEvidence

    @property
    def plan(self) -> ScoringPlan:
        """The model's plan."""
        return self.model.plan

    @property
    def segment(self) -> int:
        """Position of the row's segment in the plan."""
        return int(self.scored.segments[0])

    @property
    def column(self) -> int:
        """Position of the factor column that prices the row."""
        profile = self.run.population.profiles.of_row[self.scored.rows[0]]
        return int(self.model.factor_columns[profile, self.segment])

    def lines(self) -> Iterator[Line]:
        """Yield the lines, from the segment to the payment risk score."""
        profile = self.run.population.profiles.of_row[self.scored.rows[0]]
        yield self._line(
            "segment",
            self.plan.segments[self.segment],
            "the first row of the table that fits the status",
            "",
            "segments",
        )
        mapped = yield from self._diagnoses(int(profile))
        mapped |= yield from self._drug_codes(int(profile))
        left = yield from self._drops(mapped)
        left = yield from self._left_out(left, int(profile))
        self._must_agree(left)
        yield from self._variables(left)
        yield from self._arithmetic(int(profile))

    def _line(self, step: str, item: str, detail: str, value: str = "", table: str = "") -> Line:
        return Line(
            self.row, self.plan.model.id, step, item, detail, value, self._source(table) if table else ""
        )

    def _source(self, table: str) -> str:
        manifest = self.plan.model.manifest
        entry = manifest.tables[table]
        folder = "/".join(manifest.path.parent.parts[-3:])
        return f"{folder}/{table}.csv: {manifest.sources[entry.source].title}"

    def _label(self, hcc_id: int) -> str:
        return self.plan.model.tables["labels"].column("label")[hcc_id]

    def _diagnoses(self, profile: int) -> Generator[Line, None, set[int]]:
        """Yield a line per diagnosis code; return the HCCs mapped, by id."""
        columns = self.run.population.profiles.columns
        age, sex = int(columns["age_years"][profile]), 1 << int(columns["sex"][profile])
        mapped: set[int] = set()
        for code, item in self.evidence.items():
            seen = _seen(item)
            bits = self.plan.bits_of_code.get(code)
            if not item.n_counted:
                yield self._line("diagnosis", code, seen)
            elif bits is not None and not self._is_valid(code, item):
                detail = f"{seen}; the code is not valid on these dates"
                yield self._line("diagnosis", code, detail, "", "mappings")
            elif bits is None:
                yield self._line("diagnosis", code, f"{seen}; {self._unmapped(code)}")
            else:
                for number in bits:
                    bit = self.plan.bits[number]
                    fits = bool(bit.sexes & sex) and bit.age_min <= age <= bit.age_max
                    if fits:
                        mapped.add(bit.hcc_id)
                    detail = (
                        f"{seen}; {self._label(bit.hcc_id)}{_on_claims(item)}"
                        if fits
                        else f"{seen}; not given: asks {_asks(bit)}"
                    )
                    hcc = self.plan.variables[bit.hcc_id]
                    yield self._line("diagnosis", f"{code} -> {hcc}", detail, "", "mappings")
                if not bits:
                    yield self._line(
                        "diagnosis", code, f"{seen}; its edits exclude every member", "", "mappings"
                    )
        return mapped

    def _is_valid(self, code: str, item: CodeEvidence) -> bool:
        """Return whether the code is valid on any day on which it was seen; without dates it is."""
        first, last = self.plan.validity.get(code, EVER)
        return not item.days or any(first <= days_of(day) <= last for day in item.days)

    def _drug_codes(self, profile: int) -> Generator[Line, None, set[int]]:
        """Yield a line per drug that gives a category; return the categories, by id."""
        age = int(self.run.population.profiles.columns["age_years"][profile])
        found: set[int] = set()
        for (system, code), item in self.drugs.items():
            for number in self.plan.bits_of_drug.get((system, code), ()):
                bit = self.plan.bits[number]
                fits = bit.age_min <= age <= bit.age_max
                if fits and item.n_counted:
                    found.add(bit.hcc_id)
                why = self._label(bit.hcc_id) if fits else f"not given: asks {_asks(bit)}"
                item_name = f"{system} {code} -> {self.plan.variables[bit.hcc_id]}"
                yield self._line("drug", item_name, f"{_seen(item)}; {why}", "", "drug_mappings")
        return found

    def _left_out(self, left: set[int], profile: int) -> Generator[Line, None, set[int]]:
        """Yield a line per HCC that the status leaves out; return those that stay."""
        columns = self.run.population.profiles.columns
        out = {
            hcc for hcc, condition in self.plan.left_out if hcc in left and condition.fits(columns)[profile]
        }
        for hcc in sorted(out):
            detail = "left out: no HCC of members of this age or status"
            yield self._line("exclusion", self.plan.variables[hcc], detail, "", "exclusions")
        return left - out

    def _unmapped(self, code: str) -> str:
        known = self.run.book.is_known(code)
        return "valid code without an HCC in this model" if known else "unknown code"

    def _drops(self, mapped: set[int]) -> Generator[Line, None, set[int]]:
        """Yield a line per HCC that a requirement or hierarchy removes; return the HCCs left."""
        left = set(mapped)
        for row in self.plan.model.records("requirements"):
            hcc = self.plan.variables.index(row["hcc"])
            needs = {self.plan.variables.index(name) for name in row["needs_any"].split("|")}
            if hcc in left and not needs & left:
                left.discard(hcc)
                yield self._line(
                    "requirement",
                    row["hcc"],
                    f"dropped: counts only with one of {row['needs_any'].replace('|', ', ')}",
                    "",
                    "requirements",
                )
        children: dict[int, list[int]] = {}
        for row in self.plan.model.records("hierarchies"):
            children.setdefault(self.plan.variables.index(row["hcc"]), []).append(
                self.plan.variables.index(row["drops"])
            )
        dropped: dict[int, list[int]] = {}
        for hcc in sorted(left):
            if not (self.plan.sequential and hcc in dropped):
                for child in children.get(hcc, ()):
                    if child in left:
                        dropped.setdefault(child, []).append(hcc)
        for child, parents in sorted(dropped.items()):
            names = ", ".join(self.plan.variables[parent] for parent in parents)
            yield self._line(
                "hierarchy", self.plan.variables[child], f"dropped by {names}", "", "hierarchies"
            )
        return left - set(dropped)

    def _must_agree(self, left: set[int]) -> None:
        words = self.scored.variables[0]
        engine = {bit for bit in range(self.plan.n_hccs) if int(words[bit >> 6]) >> (bit & 63) & 1}
        if engine != left:
            raise RiskAdjError(
                f"{self.plan.model.id}: the explanation and the engine disagree on the HCCs of this member; "
                "the diagnoses extract changed since it was scored, or this is a defect: please report it."
            )

    def _variables(self, left: set[int]) -> Iterator[Line]:
        on = _bits(self.scored.variables[0])
        for bit in on:
            kind, table, detail = self._describe(bit, left)
            factor = self._factor(bit)
            if kind == "HCC" or factor:
                yield self._line(
                    kind, self.plan.variables[bit], detail or "no factor in this segment", factor, table
                )

    def _factor(self, bit: int) -> str:
        word = int(self.scored.sums.scored[0][bit >> 6])
        if not word >> (bit & 63) & 1:
            return ""
        return decimal_text(int(self.plan.factors[self.column, bit]), self.plan.decimals)

    def _describe(self, bit: int, left: set[int]) -> tuple[str, str, str]:
        plan, factors = self.plan, "relative_factors"
        if bit < plan.n_hccs:
            return "HCC", factors, self._label(bit)
        if bit < plan.first_demographic:
            return "group", factors, "any of its HCCs"
        if bit < plan.first_interaction:
            return "demographic", factors, "by the row's status"
        if bit < plan.first_count:
            terms = [
                f"no {row['term']}" if row.get("absent") == "1" else row["term"]
                for row in plan.model.records("interactions")
                if row["interaction"] == plan.variables[bit]
            ]
            return "interaction", factors, " and ".join(terms)
        return "count", factors, f"{self._number_counted(left)} payment HCCs"

    def _number_counted(self, left: set[int]) -> int:
        """Return how many HCCs and groups count: a group may count once, in place of its HCCs."""
        counted, on = set(_bits(self.plan.counted)), set(_bits(self.scored.variables[0]))
        grouped = {
            hcc for hcc in left if len(self.plan.counted_in) and on & set(_bits(self.plan.counted_in[hcc]))
        }
        return len(counted & left - grouped) + len({bit for bit in counted & on if bit >= self.plan.n_hccs})

    def _arithmetic(self, profile: int) -> Iterator[Line]:
        yield from self._sums()
        rounding = f"rounded to {self.run.rules.year.decimals} decimals, halves away from zero"
        cited = self.run.rules.year.citations["rounding"]
        yield self._score("raw risk score", rounding, int(self.scored.raw[0]), cited)
        yield self._after(
            "normalized", self.model.normalization, int(self.scored.normalized[0]), profile, rounding
        )
        if self.model.cost_sharing.entries:
            yield self._cost_sharing_line(profile, rounding)
        else:
            yield self._after(
                "payment", self.model.coding_intensity, int(self.scored.payment[0]), profile, rounding
            )

    def _sums(self) -> Iterator[Line]:
        """Yield the sums of factors, and what they are divided by."""
        plan, demographic = self.plan, int(self.scored.sums.demographic[0])
        disease = int(self.scored.sums.total[0]) - demographic
        yield self._line(
            "score", "demographic", "sum of demographic factors", decimal_text(demographic, plan.decimals)
        )
        words = "sum of HCC, group, interaction and count factors"
        yield self._line("score", "disease", words, decimal_text(disease, plan.decimals))
        divisor = plan.divisors[self.segment]
        if divisor != 1:
            detail = "the sum of factors is divided by it"
            yield self._line(
                "adjustment", plan.segments[self.segment], detail, f"{float(divisor)}", "adjustments"
            )

    def _after(self, name: str, numbers: ModelNumbers, score: int, profile: int, rounding: str) -> Line:
        """Return the score after one of the year's numbers for this model, if it has one."""
        which = int(numbers.of[profile, self.segment]) if numbers.entries else -1
        if which < 0:
            words = "the year has no such number for this model"
            return self._line(
                "score", f"{name} risk score", words, decimal_text(score, self.run.rules.year.decimals)
            )
        entry = numbers.entries[which]
        words = _FROM_BEFORE[name].format(entry.value)
        return self._score(f"{name} risk score", f"{words}, {rounding}", score, entry.citation)

    def _cost_sharing_line(self, profile: int, rounding: str) -> Line:
        numbers = self.model.cost_sharing
        entry = numbers.entries[int(numbers.of[profile, self.segment])]
        words = f"the sum of factors before rounding x {entry.value} for cost sharing, {rounding}"
        return self._score("payment risk score", words, int(self.scored.payment[0]), entry.citation)

    def _score(self, name: str, detail: str, score: int, citation: Citation) -> Line:
        """Return the line of a score that the payment year makes."""
        value = decimal_text(score, self.run.rules.year.decimals)
        return Line(self.row, self.plan.model.id, "score", name, detail, value, cited(self.run, citation))


def cited(run: ScoringRun, citation: Citation) -> str:
    """Return the file and the document behind a number of the payment year."""
    year = run.rules.year
    verified = "" if citation.verified else " (not verified)"
    file = f"{year.folder.parts[-2]}/{year.folder.parts[-1]}/payment_year.toml"
    return f"{file}: {year.sources[citation.source].title}{verified}"


def _seen(item: CodeEvidence) -> str:
    parts = []
    if item.n_counted:
        dates = (
            ""
            if item.first is None
            else f" ({item.first}" + (f" to {item.last})" if item.last != item.first else ")")
        )
        parts.append(f"{item.n_counted} x{dates}")
    if item.n_outside:
        parts.append(f"{item.n_outside} x outside the collection window")
    if item.n_filtered:
        parts.append(f"{item.n_filtered} x excluded by the claim filter")
    return ", ".join(parts)


def _on_claims(item: CodeEvidence) -> str:
    """Return the claims that a diagnosis stands on, each with its date: what an auditor asks for."""
    claims = [f"{claim} ({day})" if day else claim for day, claim in sorted(item.claims)]
    return f"; on {'claim' if len(claims) == 1 else 'claims'} {', '.join(claims)}" if claims else ""


def _asks(bit: ConditionBit) -> str:
    words = []
    if bit.sexes != BOTH_SEXES:
        words.append(
            "sex " + "|".join(code for i, code in enumerate(STATUS_FIELDS["sex"]) if bit.sexes >> i & 1)
        )
    if (bit.age_min, bit.age_max) != (0, MAX_AGE_YEARS):
        top = f" to {bit.age_max}" if bit.age_max < MAX_AGE_YEARS else " or more"
        words.append(f"age {bit.age_min}{top}")
    return " and ".join(words)


def _bits(words: np.ndarray) -> list[int]:
    return [64 * w + b for w, word in enumerate(words.tolist()) for b in range(64) if word >> b & 1]


def decimal_text(score: int, decimals: int) -> str:
    """Return a score in units of its last decimal as text; empty where there is none."""
    if score == NO_SCORE:
        return ""
    sign, digits = ("-" if score < 0 else ""), str(abs(score)).rjust(decimals + 1, "0")
    return (
        f"{sign}{digits[: len(digits) - decimals]}.{digits[len(digits) - decimals :]}"
        if decimals
        else f"{sign}{digits}"
    )
