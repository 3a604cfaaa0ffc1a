"""Shopify, GraphQL Admin API, https://shopify.dev/docs/api/admin-graphql .

Every query is held against the vendor's published schema of 2026-07. A version lives about a year; a call to one that
is gone is answered by the oldest that is left (`X-Shopify-API-Version` says which).

Limits: a bucket of cost for each app and shop, which every answer tells (`extensions.cost.throttleStatus`); a thousand
points a query; 25,000 objects of one list; 250 ids of one input.

Oddities that shape this connector:

* An error comes with status 200: `errors` beside the data for what stopped the query, `userErrors` inside for what a
  mutation did not take.
* Without the scope `read_all_orders` orders older than 60 days are left out without a word (see `scopes`).
* `updatedAt` has whole seconds, and the search behind lists is a few seconds late: a pull steps back by the overlap.
* A webhook's body has no transactions, comes late, twice and out of order: it only says "look".
* An order's lines, refunds and transactions are lists of their own inside; what does not fit is read after it.
"""

from __future__ import annotations

from connectors.shopify.connector import Shopify

__all__ = ["Shopify"]
