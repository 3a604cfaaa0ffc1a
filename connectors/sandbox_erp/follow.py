"""What became of our shop's sales: which of them changed, and how each stands with all that hangs on it.

The ERP numbers every change in the order in which it became visible, so the last number that was told is a place to go
on from at which nothing can be missed; no overlap is needed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from connectors.kit.base import Envelope, JsonDict, Page
from connectors.kit.errors import ConnectionBroken
from connectors.kit.words import say
from connectors.sandbox_erp.client import Client, batches, number, reading
from connectors.sandbox_erp.documents import version

#: Sales of one survey.
SURVEY_BATCH: Final = 50

_FORMAT: Final = "1:"


def pull_sales(
    client: Client, shop: str, page_size: int, checkpoint: str | None, since: dt.datetime | None
) -> Iterator[Page]:
    """Pages of sales to look at, one empty page where nothing changed."""
    after = None if checkpoint is None else position(checkpoint)
    yielded = False
    while True:
        begin = [("since", since.isoformat())] if after is None and since is not None else []
        params = [("shop", shop), ("limit", str(page_size)), *begin, *([("after", str(after))] if after else [])]
        data = client.get("api/sales/changes", params)
        with reading():
            envelopes = tuple(_envelope(change) for change in data["changes"])
            reached, last = int(data["reached"]), int(data["last"])
        if after is not None and after > last:
            # An ERP that was set up anew, or restored from a backup, counts anew: everything is looked at again.
            after = 0
            continue
        if envelopes or not yielded:
            yielded = True
            yield Page(envelopes, written(reached))
        if reached >= last:
            return
        after = reached


def survey_sales(client: Client, external_ids: Sequence[str]) -> dict[str, JsonDict]:
    """Sale id -> the sale with everything that hangs on it."""
    found: dict[str, JsonDict] = {}
    for batch in batches(dict.fromkeys(external_ids), SURVEY_BATCH):
        data = client.get("api/sales/survey", [("id", str(number(each))) for each in batch])
        with reading():
            found |= {str(int(sale["id"])): sale for sale in data["sales"]}
    return found


def position(checkpoint: str) -> int:
    """The number of the last change that was told. Raises ConnectionBroken for a text that is no checkpoint of ours."""
    told = checkpoint.removeprefix(_FORMAT)
    if told == checkpoint or not (told.isascii() and told.isdecimal()):
        text = say("%(checkpoint)s is no checkpoint of this ERP; begin anew from a date", checkpoint=repr(checkpoint))
        raise ConnectionBroken(text, code="checkpoint")
    return int(told)


def written(number_of_change: int) -> str:
    """The checkpoint at which all up to this change is told."""
    return f"{_FORMAT}{number_of_change}"


def _envelope(change: JsonDict) -> Envelope:
    return Envelope(str(int(change["id"])), version(change["change"]), {})
