"""A stateful WooCommerce REST v3, held against recorded exchanges of WooCommerce 11.0.1 (tests/contract).

`settings` what a shop is set to · `amounts` its arithmetic · `shop` its state · `orders`, `products`, `refunds` what
happens to it · `render` what it shows · `auth`, `query` how it is asked · `api_*` its routes · `deliveries` its
webhooks · `generator` its customers · `app` all of it as one app for `connectors.sandbox.server` · `process` the
command.
"""
