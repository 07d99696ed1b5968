"""Inputs whose answer was once wrong, as (kind of file, content), shortened: damage and fuzzing found them."""

from __future__ import annotations

_MANY = b"9" * 400  # more digits than a float has
_TOO_MANY = b"9" * 5000  # more than Python turns into a number
_ENDLESS = b'"' + b"9" * 140_000  # a quote that nothing closes: more than Python's csv takes as a cell
_DEEP = b"x = " + b"[" * 5000
_DESIGN = b'[[design]]\nname = "a"\n'
_TRANSFER = b'[[scenario]]\nname = "a"\n'
_RATE = b"parameter,key,first_year,last_year,value,unit,source,where,verified\nsequestration,1,%s,2099,%s,x,x,x,no\n"
_FIELD = b"record,name,start,end,type,allowed,title\ndetail,member_id,1,%s,text,,\n"

KEPT: tuple[tuple[str, bytes], ...] = (
    # No header: the first line is a member's row, and was quoted as the names of the columns.
    ("enrollment.csv", b"QX7Z01,1941-02-03,F\nQX7Z02,1950-02-03,M\n"),
    ("diagnoses.csv", b"QX7Z01,E119\n"),
    ("claim_lines", b"c1,1,QX7Z01,2026-01-05,inpatient,1200.50\n"),
    ("spans", b"QX7Z01,2026-01-01,2026-06-30,A\n"),
    # A header that ran into the first row.
    ("enrollment.csv", b"member_id,birth_date,QX7Z01,1941-02-03,F\n"),
    ("claim_lines", b"claim_id,QX7Z_id,service_date,paid_amount\nc1,1,2026-01-05,1\n"),
    # Lines that end in CR, and no rows at all.
    ("areas", b"rating_area,factor\rA,1\r"),
    ("enrollment.csv", b"member_id,birth_date,sex\rQX7Z01,1941-02-03,F\r"),
    ("areas", b"rating_area,factor\n"),
    ("spans", b"member_id,enrollment_start_date,enrollment_end_date,plan\n"),
    *((kind, _ENDLESS) for kind in ("layout", "procedures", "ratebook", "attributes", "areas")),
    *(
        (kind, _DEEP)
        for kind in ("model", "payment_year", "designs", "contracts", "uncertain", "settlements")
    ),
    *((kind, b"x = " + _TOO_MANY) for kind in ("model", "payment_year", "designs", "revenue_scenarios")),
    ("settlements", b"[high_cost.individual]\npayment = %s\ncharge_rate = 0.1\n" % _MANY),
    (
        "uncertain",
        b'[[uncertain]]\nparameter = "lapse"\ndistribution = "uniform"\nvalues = [0, %s]\n' % _MANY,
    ),
    ("contracts", b'[[contract]]\nname = "a"\nbenchmark = { trend_annual = %s }\n' % _MANY),
    ("designs", _DESIGN + b"deductible = %s\nout_of_pocket_maximum = 1\n" % _MANY),
    ("designs", _DESIGN + b"drug_services = 3\n"),
    *(("transfer_scenarios", _TRANSFER + line) for line in (b"multiply = 3", b'share = "x"', b"where = 3")),
    ("layout", _FIELD % _TOO_MANY),
    ("rates", _RATE % (_TOO_MANY, b"1")),
    ("rates", _RATE % ("\u00b2".encode(), b"1")),
    ("rates", _RATE % (b"2026", _MANY)),
    ("ratebook", b"Code,State,County Name,Parts A&B 3.5.5% Bonus 2027 Rate\n01000,A,A,1\n"),
)
