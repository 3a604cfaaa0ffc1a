"""Errors: what each one means, why it comes and what to do; every issue links to its own."""

from __future__ import annotations

import itertools
from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from sync.desk.catalogue.book import entries
from webapp.console.access import needs

blueprint = Blueprint("catalogue", __name__, url_prefix="/errors")

#: First part of the ids -> what that chapter is about.
CHAPTERS: Final = {
    "cause": lazy_gettext("What stops orders"),
    "system": lazy_gettext("What other systems answer"),
    "order": lazy_gettext("What is wrong with an order"),
    "work": lazy_gettext("What ends by itself"),
    "stock": lazy_gettext("Stock"),
    "database": lazy_gettext("The database"),
    "crossdock": lazy_gettext("Crossdock itself"),
    "connection": lazy_gettext("Codes of any connection"),
    "fxiaoke": lazy_gettext("Codes of Fxiaoke"),
    "odoo": lazy_gettext("Codes of Odoo"),
    "shopify": lazy_gettext("Codes of Shopify"),
    "vendure": lazy_gettext("Codes of Vendure"),
    "woocommerce": lazy_gettext("Codes of WooCommerce"),
    "zoho_crm": lazy_gettext("Codes of Zoho CRM"),
    "tryton": lazy_gettext("Codes of Tryton"),
}


@blueprint.get("/")
@needs("viewer")
def index() -> ResponseReturnValue:
    """Every entry; the id is its anchor."""
    grouped = itertools.groupby(entries().values(), key=lambda entry: entry.id.partition(".")[0])
    return render_template(
        "console/catalogue.html", chapters=[(CHAPTERS[part], list(found)) for part, found in grouped]
    )
