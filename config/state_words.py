"""What a channel says of `state_back`, held against the words that its source has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from config.fields import Complaint, shown_value
from config.model import LEAVE, StateWords
from config.problems import did_you_mean, one_of
from config.yamlfile import Steps, Tree

#: System, options of its connection -> the words of its orders.
WordsOf = Callable[[str, Mapping[str, Any]], StateWords]

_ADDED: Final = "name a state that people have added there in `own_states` too"


def check_state_back(steps: Steps, after: Mapping[str, Tree], words: StateWords) -> Iterator[tuple[Steps, Complaint]]:
    """A word that the source does not have would stop every order that gets there."""
    said, own = after.get("state_back"), after.get("own_states")
    if words.known is None or not isinstance(said, dict):
        return
    added = [word for word in own if isinstance(word, str)] if isinstance(own, list) and words.extended else []
    known = (LEAVE, *words.known, *added)
    for state, word in said.items():
        if isinstance(word, str) and word not in known:
            hints = (did_you_mean(word, known), words.hint, _ADDED if words.extended else "")
            expected = one_of(known) if len(known) > 1 else LEAVE
            yield (*steps, "state_back", state), Complaint(shown_value(word), expected, "; ".join(filter(None, hints)))
