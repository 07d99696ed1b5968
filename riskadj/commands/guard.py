"""How a command ends: exit statuses, and messages that hold no member's data."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

from riskadj.errors import RiskAdjError, defect

DONE, DEFECT, WRONG, INTERRUPTED = 0, 1, 2, 130

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Return `command` with its errors turned into a message on stderr and an exit status.

    2 for a deliberate error (the call or the data is wrong), 130 for an interrupt, 1 for anything else. The text of an
    unexpected error may quote a member's data and is left out. A reader that closes the pipe early ends it quietly.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except RiskAdjError as error:
            say(f"{type(error).__name__}: {error}")
            raise SystemExit(WRONG) from error
        except BrokenPipeError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(DONE) from error
        except KeyboardInterrupt as error:
            say("interrupted")
            raise SystemExit(INTERRUPTED) from error
        except Exception as error:
            say(defect(error))
            raise SystemExit(DEFECT) from error

    return run


def say(message: str) -> None:
    """Write one message to stderr."""
    sys.stderr.write(f"{message}\n")
