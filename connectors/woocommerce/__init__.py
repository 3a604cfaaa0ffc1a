"""WooCommerce, REST API v3 (`/wp-json/wc/v3`), https://woocommerce.github.io/woocommerce-rest-api-docs/ .

Held against recordings of WooCommerce 11.0.1 on WordPress 7.1 with HPOS.

Limits: 100 rows a page; no rate limit of its own, the host in front may answer 429, 403 or 503; two calls in parallel
are worth it, four are not. A page of 100 orders takes 0.8 to 2 s and 250 kB.

Oddities that shape this connector:

* Basic authentication is ignored over plain HTTP; OAuth 1.0a is the only way there. Some hosts strip the
  Authorization header: auth method `query` (TLS only).
* `modified_after` excludes the second it names and reads it as local time unless `dates_are_gmt=true`, which in turn
  must not meet a `Z`. Lists move while they are read (see `walk`). Times have whole seconds.
* `status=any` leaves out the trash, which is therefore a list of its own. Forced deletion leaves no trace but a 404.
* Pages can be short or empty in the middle: rows that the key's user may not see are dropped after paging.
* Notes do not move `date_modified`; a PUT that changes nothing does, so `marks` reads first and sends what differs.
* A refund does not change the order's `total`.
* No write can be repeated safely: the same refund, note or fulfilment twice is two of them. Ours carry a key.
* Stock is set, never compared; `fulfilments` are behind a feature flag (see those modules).
* Cores before 7.x do not sort by `modified` and answer 400: then the whole window up to the server's present is read
  by id, and the checkpoint moves only at its end.
"""

from __future__ import annotations

from connectors.woocommerce.connector import WooCommerce

__all__ = ["WooCommerce"]
