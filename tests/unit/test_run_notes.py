"""What a run says of itself on the screen."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from riskadj.commands.run_summary import print_notes


def test_numbers_that_are_not_verified_are_told_each_once():
    said = [
        "rounding",
        "cost_sharing of m: 1.00",
        "cost_sharing of m: 1.07",
        "cost_sharing of m: 1.00",
        "policy PACE",
    ]
    screen = StringIO()
    print_notes(Console(file=screen, width=200), {"unverified": said, "notes": ["seen"]})
    assert screen.getvalue().splitlines() == [
        "not verified in an official document: rounding; cost_sharing of m: 1.00, 1.07; policy PACE",
        "note: seen",
    ]
