"""Zoho CRM, REST API v8, https://www.zoho.com/crm/developer/docs/api/v8/ .

Limits: credits in 24 hours by edition and users, 5 to 25 calls at once; 2,000 rows of one query; 100 records of one
write; 10 access tokens of one refresh token in ten minutes, shared by all processes (`connectors.kit.tokens`).

Oddities that shape this connector:

* Seven data centres, each with accounts and addresses of its own; a token of one is refused by all others.
* A refused refresh token is answered with status 200 and `error`; a refused row with 200, 201, 202 or 207.
* 429 says neither for how long nor why: seconds first, then minutes.
* The lines of an order come with the record alone, in no list and no query; e-mail and VAT number stand at its contact
  and account. So an order costs one call, and a page one query more.
* `Modified_Time` has whole seconds and the zone of a user: instants are compared, and a pull steps back by the overlap.
* A notification bears no signature, only the text that its channel was made with; a channel ends after a day.
* A plain POST that is repeated makes two records: what is created goes by upsert over a unique field.
"""

from __future__ import annotations

from connectors.zoho_crm.connector import ZohoCrm

__all__ = ["ZohoCrm"]
