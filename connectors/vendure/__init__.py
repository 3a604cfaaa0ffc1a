"""Vendure, Admin API (GraphQL), https://docs.vendure.io/reference/graphql-api/admin/queries .

Written for and held against Vendure 3.7; everything that is sent was answered by a shop of 3.7.3. A shop does not say
its version.

Limits: lists of a thousand; no rate limit of its own, so what stands before it decides.

Oddities that shape this connector:

* Every answer has status 200: `errors` beside the data, or a typed result inside (`__typename` with an `errorCode`).
* `updatedAt` of an order does not move with its fulfilments, refunds and notes: a sweep reads their own times.
* Carts are orders too, and a marketplace's orders stand there twice: as a whole, and for each seller.
* There are no webhooks: a pull is all there is.
* Money is a whole number; a cancelled order comes to nothing, a piece that is cancelled leaves the totals.
* What is on hand includes what is allocated to orders that were not sent yet; what can be sold is the difference.
* Nothing is found by a key of ours but by what stands in texts: a fulfilment's method, a refund's reason, a note.
"""

from __future__ import annotations

from connectors.vendure.connector import Vendure

__all__ = ["Vendure"]
