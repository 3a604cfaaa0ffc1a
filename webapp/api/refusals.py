"""What the desk, the connectors and the configuration refuse, as problems of the API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from config.problems import ConfigError
from connectors.kit.errors import ConnectorError
from mappings.canonical.errors import Problems
from sync.desk.corrections import Mistakes
from sync.desk.gate import GateShut
from sync.desk.lookups import RowsChanged
from sync.desk.phrases import Refusal
from sync.desk.profiles import ProfileConflict
from sync.desk.steering import Stale
from sync.rules.systems import SystemMissing
from webapp.api.problems import ApiProblem

#: What somebody else has done meanwhile.
_CONFLICTS = (ProfileConflict, RowsChanged, Stale)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Around a call of the desk: raises ApiProblem for what it refuses. Nothing was changed then."""
    try:
        yield
    except _CONFLICTS as error:
        raise ApiProblem(
            409,
            "changed_since",
            str(error),
            "Read what it says now and decide anew: `seen` and `base` of that are what this call takes.",
        ) from error
    except GateShut as error:
        raise ApiProblem(
            409, "gate_shut", str(error), "Correct the profile; /replay says which orders would fail."
        ) from error
    except Refusal as error:
        raise ApiProblem(422, "refused", str(error), "Correct the request and send it again.") from error
    except ConfigError as error:
        raise ApiProblem(
            422,
            "profile_invalid",
            "The text has mistakes; nothing was changed.",
            "Correct what `errors` names.",
            errors=[(problem.path or str(problem.place), str(problem)) for problem in error.problems],
        ) from error
    except (Mistakes, Problems) as error:
        raise _not_made(error) from error
    except (KeyError, IndexError):
        # A defect of ours, whatever they inherit from.
        raise
    except LookupError as error:
        raise ApiProblem(
            409, "not_now", str(error.args[0] if error.args else error), "Read what it says now and decide anew."
        ) from error
    except ConnectorError as error:
        raise ApiProblem(
            502, "system_away", str(error), "Nothing was changed. Try again when the other system answers."
        ) from error
    except SystemMissing as error:
        raise ApiProblem(422, "system_missing", str(error), "Correct the configuration.") from error


def _not_made(error: Mistakes | Problems) -> ApiProblem:
    if isinstance(error, Problems):
        return ApiProblem(422, "not_mapped", str(error), "Look at the order's `causes`.")
    return ApiProblem(
        422,
        "invalid",
        "The order cannot be corrected like this; nothing was kept.",
        "Correct what `errors` names.",
        errors=[(problem.path, str(problem.reason)) for problem in error.problems],
    )
