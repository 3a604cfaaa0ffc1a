"""`python -m connectors.sandbox.woocommerce`."""

from connectors.sandbox.woocommerce.process import main

main()
