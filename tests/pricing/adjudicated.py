"""Claim lines for tests of adjudication, and what a member pays of them."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa

from pricing.benefits.adjudication import adjudicate

SCHEMA = pa.schema(
    [
        ("claim_id", pa.string()), ("claim_line_number", pa.int16()), ("member_id", pa.string()),
        ("family_id", pa.string()), ("service_date", pa.date32()), ("paid_date", pa.date32()),
        ("service_category", pa.string()), ("allowed_amount", pa.float64()), ("units", pa.int16()),
        ("network_tier", pa.string()),
    ]
)  # fmt: skip


def line(amount, day=1, service="specialist", member="A", **others):
    """A claim line; without more, a claim of its own on a day of January."""
    row = {
        "claim_id": None, "claim_line_number": 1, "member_id": member, "family_id": None,
        "service_date": date(2025, 1, 1) + timedelta(days=day - 1), "service_category": service,
        "allowed_amount": float(amount), "units": 1, "network_tier": "in",
    }  # fmt: skip
    row |= others
    return {"paid_date": row["service_date"], **row}


def extract(lines):
    rows = [
        {**row, "claim_id": row["claim_id"] or f"C{number:03}"} for number, row in enumerate(lines, start=1)
    ]
    return rows, pa.Table.from_pylist(rows, schema=SCHEMA)


def member_pays(design, *lines):
    """What the member pays of each line [dollars], in the order in which the lines were written."""
    result = adjudicate(extract(lines)[1], design, keep_lines=True).lines.to_pylist()
    paid = {row["row_number"]: row["member_paid"] for row in result}
    return [paid.get(number) for number in range(1, len(lines) + 1)]


def family(*amounts_of):
    return [
        line(amount, day, member=who, family_id="F") for day, (who, amount) in enumerate(amounts_of, start=1)
    ]
