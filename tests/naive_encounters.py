"""The plain twin of encounter completeness: rows as dictionaries, loops, and no matching but comparing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]
ORDER = ("accepted_allowed", "deleted", "accepted_not_allowed", "rejected", "no_response", "missing")


def standing(rows: Sequence[Row], names: Sequence[str]) -> list[bool]:
    """Whether each row of a report counts: added and accepted, and taken back by no deletion of that day or later."""
    answer = []
    for row in rows:
        gone = any(
            other["deletes"]
            and other["day"] >= row["day"]
            and any(
                all(row[name] == (linked if name == "claim" else other[name]) for name in names)
                for linked in (other["claim"], other.get("linked"))
            )
            for other in rows
        )
        answer.append(row["counts"] and not gone)
    return answer


def says(report: str, row: Row, *, stands: bool) -> tuple[str, str] | None:
    """Class and reason that a row of a report gives the diagnosis that it is about."""
    if row["deletes"]:
        return "deleted", "deletion"
    if row["counts"]:
        return ("accepted_allowed", "") if stands else ("deleted", "deletion")
    if report == "MAO-004":
        return "accepted_not_allowed", row["reason"]
    return None if row.get("was_deletion") else ("rejected", row["reason"])


def classify(
    ours: Iterable[Row],
    *,
    mao004: Sequence[Row],
    mao002: Sequence[Row],
    raps: Sequence[Row],
    sent: Sequence[str],
) -> dict[tuple[str, str, str, str], tuple[str, str | None, str]]:
    """Return class, source and reason of each diagnosis (member, claim, code, date)."""
    stands_4 = standing(mao004, ("member", "claim", "code"))
    stands_r = standing(raps, ("member", "code", "start", "date", "provider"))
    found = {}
    for row in ours:
        heard: list[tuple[str, str | None, str]] = []
        for report, stands in zip(mao004, stands_4, strict=True):
            names_claim = row["claim"] in (report["claim"], report["deletes"] and report.get("linked"))
            if report["member"] == row["member"] and names_claim and report["code"] == row["code"]:
                kind, reason = says("MAO-004", report, stands=stands) or ("", "")
                heard.append((kind, "MAO-004", reason))
        for report, stands in zip(raps, stands_r, strict=True):
            if all(report[name] == row[name] for name in ("member", "code", "date")):
                told = says("RAPS", report, stands=stands)
                if told:
                    heard.append((told[0], "RAPS", told[1]))
        is_reported = any(report["claim"] == row["claim"] for report in mao004)
        for one in mao002:
            if one["claim"] == row["claim"] and one["error"]:
                heard.append(("rejected", "MAO-002", one["error"]))
            elif one["claim"] == row["claim"] and not is_reported:
                heard.append(("no_response", "MAO-002", "accepted, no report of its diagnoses"))
        if row["claim"] in sent and not is_reported:
            heard.append(("no_response", "submissions", "submitted"))
        if any(report["member"] == row["member"] and report["claim"] == row["claim"] for report in mao004):
            heard.append(("missing", "MAO-004", "claim is there without it"))
        heard.append(("missing", None, ""))
        best = min(ORDER.index(kind) for kind, _, _ in heard)
        key = tuple(row[name] for name in ("member", "claim", "code", "date"))
        found[key] = next(one for one in heard if one[0] == ORDER[best])
    return found
