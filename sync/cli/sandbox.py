"""`sandbox`: the stateful stand-ins for other systems, for demos and for users' own tests."""

from __future__ import annotations

import importlib
from typing import Final

import click

#: System -> the module that serves its stand-in.
SANDBOXES: Final = {
    "fxiaoke": "connectors.sandbox.fxiaoke.process",
    "odoo": "connectors.sandbox.odoo.process",
    "shopify": "connectors.sandbox.shopify.process",
    "vendure": "connectors.sandbox.vendure.process",
    "woocommerce": "connectors.sandbox.woocommerce.process",
    "erp": "connectors.sandbox.erp.__main__",
    "tryton": "connectors.sandbox.tryton.__main__",
    "zoho_crm": "connectors.sandbox.zoho_crm.process",
}


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("system", type=click.Choice(sorted(SANDBOXES)))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def sandbox(system: str, options: tuple[str, ...]) -> None:
    """Serve a sandbox on 127.0.0.1 until it is stopped; `crossdock sandbox SYSTEM --help` has its options.

    `fxiaoke`, `odoo`, `shopify`, `vendure`, `woocommerce`, `zoho_crm` and `erp` are stand-ins of ours with fault
    injection; `tryton` installs and starts a real ERP.
    """
    # Imported by name: only this command needs any of them.
    importlib.import_module(SANDBOXES[system]).main(list(options))
