"""Fxiaoke (纷享销客, ShareCRM), Open API v2, https://developer.fxiaoke.com/openapi_v2 .

Held against its published conventions, error codes and samples; nobody has let us into a tenant, so request bodies are
as documented and not as seen, and what the documents leave open is an option of the connection.

Limits: 100 calls in 20 s for each interface; a bought number of calls a day; 100 rows a page; an offset of 10,000 at
most, so that longer lists are walked by `_id`; 10 token calls a minute, never two at once.

Oddities that shape this connector:

* HTTP is always 200, and there are no headers that say anything: `errorCode` in the body decides, never its message.
* Everything is POST, and each call needs a `thirdTraceId` of its own in the address.
* There are two ways to say who asks, which must not be mixed: headers, or fields of the body (auth method `session`).
* Numbers come as texts, times as milliseconds, what is empty is left out; an order's lines are records of their own.
* Nothing refuses a second record: only a field that the tenant has made unique does (`checkup` looks whether it is).
* What is under approval refuses changes, with a code that is not documented: so its state is read first.
* Deleted records are nowhere any more, and no event tells of a change: orders are pulled.
"""

from __future__ import annotations

from connectors.fxiaoke.connector import Fxiaoke

__all__ = ["Fxiaoke"]
