"""`pricing` as tests call it: the words of a command line, its exit status, what it printed and complained of."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

from pricing.cli import app


def run(*words: object) -> tuple[int, str, str]:
    """Run a command; return exit status, standard output and standard error."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app(args=[str(word) for word in words], prog_name="pricing")
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()
