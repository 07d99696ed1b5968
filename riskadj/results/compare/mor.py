"""Our HCCs and other variables against those of the model output report, member by member."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.cms_reports.keys import Numbers, months_of, number_ids, texts_by_position
from riskadj.cms_reports.reading import load_codes
from riskadj.errors import ExtractError
from riskadj.extracts.buffers import encoded_strings, from_numpy, one_chunk
from riskadj.results.compare.scored import Scored

#: How a member's record can differ, the first that fits.
MOR_CLASSES = (
    "only_ours", "only_theirs", "hccs_both_ways", "hccs_only_ours", "hccs_only_theirs", "orec", "age_or_sex",
    "interactions", "equal",
)  # fmt: skip
_HCC, _OREC, _AGE_SEX, _INTERACTION = range(4)


@dataclass(frozen=True)
class MorComparison:
    """Tables of the comparison with a MOR (see `riskadj.results.compare.compare.Comparison`), and its counts."""

    classes: pa.Table
    members: pa.Table
    variables: pa.Table
    variable_counts: pa.Table
    counts: dict[str, Any]

    @property
    def ids_with_other_hccs(self) -> pa.ChunkedArray:
        """Members whose HCCs differ."""
        is_hcc = pc.match_substring(self.members["difference_class"].cast(pa.string()), "hccs_")
        return self.members["member_id"].filter(is_hcc)


@dataclass(frozen=True)
class _Slots:
    """Variables of the models that both sides have, numbered: model after model."""

    models: tuple[str, ...]
    model_of: Numbers
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    group: Numbers

    @classmethod
    def of(cls, models: tuple[str, ...], variables: dict[str, dict[str, str]]) -> _Slots:
        orec = {row["variable"] for row in load_codes("status_variables")}
        rows = [(m, name, kind) for m, model in enumerate(models) for name, kind in variables[model].items()]
        groups = [
            _HCC
            if kind == "hcc"
            else _INTERACTION
            if kind == "interaction"
            else _OREC
            if name in orec
            else _AGE_SEX
            for _, name, kind in rows
        ]
        return cls(
            models, np.array([m for m, _, _ in rows], np.int64), tuple(name for _, name, _ in rows),
            tuple(kind for _, _, kind in rows), np.array(groups, np.int64),
        )  # fmt: skip

    def of_model(self, model: int, *, hcc: bool) -> tuple[list[str], Numbers]:
        """Return names of a model's HCCs, or of its other variables, and their slots."""
        slots = np.flatnonzero((self.model_of == model) & ((self.group == _HCC) == hcc))
        return [self.names[slot] for slot in slots], slots


def compare_mor(scored: Scored, mor: pa.Table, variables: dict[str, dict[str, str]]) -> MorComparison:
    """Return our variables against a MOR's.

    Parameters
    ----------
    scored : Scored
    mor : pyarrow.Table
        As `riskadj.read_mor` returns it. Of several runs, each member's latest of a model counts.
    variables : dict
        Model id -> variables that the MOR's layout can report -> their kind; others are not compared.

    Raises
    ------
    ExtractError
        Scores and MOR share no model.
    """
    theirs = set(pc.unique(mor["model_id"]).to_pylist())
    models = tuple(model for model in scored.model_ids if model in theirs)
    if not models:
        raise ExtractError(
            f"the MOR is of {', '.join(sorted(theirs))} and the scores are of {', '.join(scored.model_ids)}: no model "
            "in common; score with models= of the MOR, or name a layout that has the model with mor_layout=."
        )
    slots = _Slots.of(models, variables)
    latest = _latest(mor.filter(pc.is_in(mor["model_id"], pa.array(models))))
    ours = list(_our_rows(scored, slots))
    ids = pa.chunked_array([chunk for ids, _, _, _ in ours for chunk in ids.chunks], ours[0][0].type)
    (our_member, their_member), names = number_ids(ids, latest["member_id"])
    our_records, our_pairs = _our_keys(ours, our_member, slots)
    their_records, their_pairs = _their_keys(latest, their_member, slots)
    sides = _Sides.of(our_records, our_pairs, their_records, their_pairs, slots)
    not_compared = sorted((theirs | set(scored.model_ids)) - set(models))
    return MorComparison(
        sides.classes(), sides.members(names), sides.differences(names), sides.variable_counts(),
        {"models": list(models), "models_not_compared": not_compared, **sides.counts(),
         "their_records_read": _records(mor),
         "their_earlier_records": _records(mor.filter(pc.is_in(mor["model_id"], pa.array(models)))) - _records(latest)},
    )  # fmt: skip


def _records(mor: pa.Table) -> int:
    """Return the number of records: their lines, each in its file and run."""
    lines = mor.select(["member_id", "model_id", "record_type", "payment_month", "run_date", "line"])
    return int(lines.group_by(lines.column_names).aggregate([]).num_rows)


def _latest(mor: pa.Table) -> pa.Table:
    """Return the rows of each member's and model's latest payment month and run."""
    (member,), _ = number_ids(mor["member_id"])
    models = sorted(set(pc.unique(mor["model_id"]).to_pylist()))
    record = member * len(models) + texts_by_position(mor["model_id"], models)
    runs = pc.fill_null(mor["run_date"].cast(pa.int32()), -1).to_numpy().astype(np.int64)
    when = months_of(mor["payment_month"]) * (1 << 32) + runs
    names, position = np.unique(record, return_inverse=True)
    last = np.full(len(names), np.iinfo(np.int64).min)
    np.maximum.at(last, position, when)
    return mor.filter(from_numpy(when == last[position], pa.bool_()))


def _our_rows(scored: Scored, slots: _Slots) -> Iterator[tuple[pa.ChunkedArray, Numbers, Numbers, Numbers]]:
    """Yield ids and models of our paid rows, and the row and slot of each variable that is on."""
    columns = ("member_id", "model_id", "weight", "hccs", "variables")
    for table in scored.tables("model_scores", columns):
        model_of_row = texts_by_position(table["model_id"], slots.models)
        chosen = (model_of_row < len(slots.models)) & (pc.fill_null(table["weight"], 0.0).to_numpy() > 0)
        kept = table.filter(from_numpy(chosen, pa.bool_()))
        models = model_of_row[chosen]
        pairs = [
            _pairs(kept[column], models == model, *slots.of_model(model, hcc=column == "hccs"))
            for model in range(len(slots.models)) for column in ("hccs", "variables")
        ]  # fmt: skip
        yield (kept["member_id"], models, *(np.concatenate(part) for part in zip(*pairs, strict=True)))


def _pairs(
    lists: pa.ChunkedArray, rows: npt.NDArray[np.bool_], names: list[str], slots: Numbers
) -> tuple[Numbers, Numbers]:
    """Return row and slot of every listed variable that is one of `names`, of the chosen rows."""
    array = one_chunk(lists)
    parent = pc.list_parent_indices(array).to_numpy().astype(np.int64)
    slot = np.append(slots, -1)[texts_by_position(pa.chunked_array([pc.list_flatten(array)]), names)]
    chosen = (slot >= 0) & rows[parent] if len(parent) else np.zeros(0, np.bool_)
    return parent[chosen], slot[chosen]


def _our_keys(
    ours: list[tuple[pa.ChunkedArray, Numbers, Numbers, Numbers]], member: Numbers, slots: _Slots
) -> tuple[Numbers, Numbers]:
    """Return our records (member and model) and pairs (member and variable), each once; a member's rows are one."""
    records, pairs, begin = [], [], 0
    for ids, models, row, slot in ours:
        here = member[begin : begin + len(ids)]
        records.append(np.unique(here * len(slots.models) + models))
        pairs.append(np.unique(here[row] * len(slots.names) + slot))
        begin += len(ids)
    return np.unique(np.concatenate(records)), np.unique(np.concatenate(pairs))


def _their_keys(mor: pa.Table, member: Numbers, slots: _Slots) -> tuple[Numbers, Numbers]:
    models = texts_by_position(mor["model_id"], slots.models)
    slot = np.full(len(member), -1)
    for model in range(len(slots.models)):
        rows = models == model
        place = np.flatnonzero(slots.model_of == model)
        names = [slots.names[one] for one in place]
        slot[rows] = np.append(place, -1)[
            texts_by_position(mor["variable"].filter(from_numpy(rows, pa.bool_())), names)
        ]
    pairs = (member * len(slots.names) + slot)[slot >= 0]
    return np.unique(member * len(slots.models) + models), np.unique(pairs)


@dataclass(frozen=True)
class _Sides:
    """Records of either side with what differs in each.

    Attributes
    ----------
    records : ndarray of int64, shape (n_records,)
        Member and model of every record of either side.
    difference_class : ndarray of int64, shape (n_records,)
        Position in MOR_CLASSES.
    hccs : tuple of three ndarrays of int64, shape (n_records,)
        HCCs of both, of ours only, of theirs only [whole numbers].
    both, only_ours, only_theirs : ndarray of int64
        Pairs of member and variable, of records that both sides have.
    """

    slots: _Slots
    records: Numbers
    difference_class: Numbers
    hccs: tuple[Numbers, Numbers, Numbers]
    both: Numbers
    only_ours: Numbers
    only_theirs: Numbers

    @classmethod
    def of(cls, our_records: Numbers, our_pairs: Numbers, their_records: Numbers, their_pairs: Numbers,
           slots: _Slots) -> _Sides:  # fmt: skip
        records = np.union1d(our_records, their_records)
        in_ours, in_theirs = (
            np.isin(records, side, assume_unique=True) for side in (our_records, their_records)
        )
        shared = records[in_ours & in_theirs]
        sets = (
            np.intersect1d(our_pairs, their_pairs, assume_unique=True),
            np.setdiff1d(our_pairs, their_pairs, assume_unique=True),
            np.setdiff1d(their_pairs, our_pairs, assume_unique=True),
        )
        both, ours, theirs = (pairs[np.isin(_record_of(pairs, slots), shared)] for pairs in sets)
        counts = {
            (side, group): np.bincount(
                np.searchsorted(records, _record_of(pairs[which], slots)), minlength=len(records)
            )
            for side, pairs in enumerate((both, ours, theirs)) for group in range(4)
            for which in [slots.group[pairs % len(slots.names)] == group]
        }  # fmt: skip
        hccs = (counts[0, _HCC], counts[1, _HCC], counts[2, _HCC])
        differs = {
            group: counts[1, group] + counts[2, group] > 0 for group in (_OREC, _AGE_SEX, _INTERACTION)
        }
        tests = (
            ~in_theirs, ~in_ours, (hccs[1] > 0) & (hccs[2] > 0), hccs[1] > 0, hccs[2] > 0, differs[_OREC],
            differs[_AGE_SEX], differs[_INTERACTION],
        )  # fmt: skip
        chosen = np.select(tests, range(len(tests)), len(tests))
        return cls(slots, records, chosen, hccs, both, ours, theirs)

    def counts(self) -> dict[str, int]:
        """Return counts that add up: each side's records are those of both and those it alone has."""
        only = {
            name: int((self.difference_class == MOR_CLASSES.index(name)).sum())
            for name in ("only_ours", "only_theirs")
        }
        both = len(self.records) - sum(only.values())
        return {
            "our_records": both + only["only_ours"], "their_records": both + only["only_theirs"],
            "records_of_both": both,
            **{f"records_{name}": n for name, n in only.items()},
        }  # fmt: skip

    def classes(self) -> pa.Table:
        """Return records and members by class."""
        n_records = np.bincount(self.difference_class, minlength=len(MOR_CLASSES))
        members = [
            np.unique(self.records[self.difference_class == n] // len(self.slots.models))
            for n in range(len(MOR_CLASSES))
        ]
        return pa.table({
            "difference_class": pa.array(MOR_CLASSES), "n_rows": from_numpy(n_records, pa.int64()),
            "n_members": pa.array([len(each) for each in members], pa.int64()),
        })  # fmt: skip

    def members(self, names: pa.Array) -> pa.Table:
        """Return every record that differs."""
        rows = self.difference_class != MOR_CLASSES.index("equal")
        records = self.records[rows]
        counts = dict(zip(("n_hccs_both", "n_hccs_only_ours", "n_hccs_only_theirs"), self.hccs, strict=True))
        return pa.table({
            "member_id": names.take(from_numpy(records // len(self.slots.models), pa.int64())),
            "model_id": encoded_strings(records % len(self.slots.models), self.slots.models),
            "difference_class": encoded_strings(self.difference_class[rows], MOR_CLASSES),
            **{name: from_numpy(values[rows], pa.int64()) for name, values in counts.items()},
        })  # fmt: skip

    def differences(self, names: pa.Array) -> pa.Table:
        """Return every variable that one side has and the other has not, of records that both have."""
        pairs = np.concatenate([self.only_ours, self.only_theirs])
        side = np.repeat([0, 1], [len(self.only_ours), len(self.only_theirs)])
        slot = pairs % len(self.slots.names)
        return pa.table({
            "member_id": names.take(from_numpy(pairs // len(self.slots.names), pa.int64())),
            "model_id": encoded_strings(self.slots.model_of[slot], self.slots.models),
            "kind": encoded_strings(slot, self.slots.kinds).cast(pa.string()),
            "variable": encoded_strings(slot, self.slots.names).cast(pa.string()),
            "side": encoded_strings(side, ("only_ours", "only_theirs")),
        })  # fmt: skip

    def variable_counts(self) -> pa.Table:
        """Return, for each variable that anybody has, how many members both sides have it for, and either alone."""
        sides = {
            f"n_{name}": np.bincount(pairs % len(self.slots.names), minlength=len(self.slots.names))
            for name, pairs in (
                ("both", self.both),
                ("only_ours", self.only_ours),
                ("only_theirs", self.only_theirs),
            )
        }
        found = np.flatnonzero(sum(sides.values()))
        return pa.table({
            "model_id": pa.array([self.slots.models[self.slots.model_of[slot]] for slot in found], pa.string()),
            "kind": pa.array([self.slots.kinds[slot] for slot in found], pa.string()),
            "variable": pa.array([self.slots.names[slot] for slot in found], pa.string()),
            **{name: from_numpy(values[found], pa.int64()) for name, values in sides.items()},
        })  # fmt: skip


def _record_of(pairs: Numbers, slots: _Slots) -> Numbers:
    member, slot = pairs // len(slots.names), pairs % len(slots.names)
    return member * len(slots.models) + slots.model_of[slot]
