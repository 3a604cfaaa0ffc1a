"""A stateful WooCommerce REST v3, held against recorded exchanges of WooCommerce 11.0.1 (tests/contract).

* `settings` what a shop is set to, `amounts` its arithmetic, `shop` its state;
* `drafts`, `orders`, `sent_orders`, `products`, `stock`, `refunds`, `fulfillments` what happens to it, `render` what it
  shows;
* `auth`, `query`, `calls` how it is asked, `api_*` its routes, `deliveries` its webhooks;
* `generator` and `people` its customers, `edits` its administrator, `control` what tests ask of it;
* `app` all of it as one app for `connectors.sandbox.server`, `process` the command.
"""
