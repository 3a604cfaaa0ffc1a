"""The products that the sandboxes, the demo's ERPs and the order generator agree on.

`catalogue()` is a pure function of its arguments: every process that calls it with the same numbers knows the
same SKUs, names and prices, so nothing has to be passed around.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from decimal import ROUND_HALF_UP, Decimal

#: Shop tax class -> percent in the shop's own country (DE), as in the recorded shop.
TAX_PERCENT = {"": Decimal(19), "reduced-rate": Decimal(7), "zero-rate": Decimal(0)}

#: Service products that an ERP needs for what is no article: a shop has no SKU for them.
SHIPPING_SKU = "SHIPPING"
FEE_SKU = "FEE"
ROUNDING_SKU = "ROUNDING"
#: Money that is given back for no article: goodwill.
REFUND_SKU = "REFUND"

#: In the shop only, planted on purpose: no ERP may know it.
UNKNOWN_SKU = "NUR-IM-SHOP-1"

_CENT = Decimal("0.01")


@dataclasses.dataclass(frozen=True, slots=True)
class Product:
    """One sellable article. A variation has its parent's SKU in `parent_sku` and the option in `option`."""

    sku: str
    name: str
    #: Without tax, at most 2 decimals.
    net_price: Decimal
    #: As a shop with gross prices shows it: net x (1 + tax), rounded to the cent.
    gross_price: Decimal
    #: A key of `TAX_PERCENT`.
    tax_class: str
    stock: int
    weight_kg: Decimal = Decimal("0.25")
    parent_sku: str = ""
    #: Value of the attribute "Farbe" of a variation.
    option: str = ""
    virtual: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """An ERP product that stands for shipping, fees, rounding or goodwill; no stock, no price of its own."""

    sku: str
    name: str


SERVICES = (
    Service(SHIPPING_SKU, "Versand / Shipping"),
    Service(FEE_SKU, "Gebühren / Fees"),
    Service(ROUNDING_SKU, "Rundung / Rounding"),
    Service(REFUND_SKU, "Erstattung / Refund"),
)

#: The recorded shop's articles first (its gross prices), then what the recordings teach to expect of names and SKUs.
_FIXED = (
    ("TEE-ASSAM-100", "Assam Schwarztee 100 g", "7.49", "reduced-rate", "", ""),
    ("KANNE-GLAS", "Glaskanne 1,2 l – „Größe M“", "29.95", "", "", ""),  # noqa: RUF001 - a real name
    ("SIEB-ST", "Teesieb Edelstahl", "3.33", "", "", ""),
    ("LETZTE", "Letztes Stück 茶", "19.99", "", "", ""),
    ("TASSE-ROT", "Tasse - Rot", "12.00", "", "TASSE", "Rot"),
    ("TASSE-BLAU", "Tasse - Blau", "12.00", "", "TASSE", "Blau"),
    ("SET/ÄÖ #1", 'Tee & <b>Gebäck</b> "Set" 5 > 3', "24.90", "reduced-rate", "", ""),
    ("00123", "Zuckerzange (führende Nullen)", "4.50", "", "", ""),
    ("1E5", "Löffel, Set 100", "9.95", "", "", ""),
    ("BUCH-TEE", "Das Teebuch كتاب الشاي", "18.00", "reduced-rate", "", ""),
    ("GESCHENK", "Probierpäckchen (Zugabe) 🎁", "0.00", "reduced-rate", "", ""),
    ("GUTSCHEIN-25", "Gutschein 25 €", "25.00", "zero-rate", "", ""),
)
_VIRTUAL = frozenset({"GUTSCHEIN-25"})

_SORTS = ("Assam", "Darjeeling", "Ceylon", "Sencha", "Oolong", "Rooibos", "Earl Grey", "Jasmin", "Mate", "Kamille")
_THINGS = ("Dose", "Becher", "Kanne", "Stövchen", "Löffel", "Sieb", "Schale", "Filter", "Box", "Waage")


# Every sandbox that is started asks for it, and most that are started in one process ask for the same.
@functools.cache
def catalogue(size: int = 60, *, seed: int = 1) -> tuple[Product, ...]:
    """The first `size` products, at least the fixed dozen; a longer catalogue begins with the shorter one."""
    return (*_fixed_products(), *(_made_product(number, seed) for number in range(max(0, size - len(_FIXED)))))


def unknown_product() -> Product:
    """The article that only the shop knows."""
    return _product(UNKNOWN_SKU, "Nur im Laden: nicht im ERP angelegt", Decimal("11.11"), "", stock=500)


def _fixed_products() -> tuple[Product, ...]:
    return tuple(
        _product(sku, name, Decimal(gross), tax_class, stock=5_000, parent_sku=parent, option=option)
        for sku, name, gross, tax_class, parent, option in _FIXED
    )


def _made_product(number: int, seed: int) -> Product:
    # A generator of its own for each product: its price may not depend on how many were made before.
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
    food = dice.random() < 0.5  # noqa: PLR2004 - one in two
    if food:
        grams = dice.choice((50, 100, 125, 250, 500))
        sku, name = f"TEE-{number:05d}", f"{dice.choice(_SORTS)} {grams} g"
    else:
        sku, name = f"ZUB-{number:05d}", f"{dice.choice(_THINGS)} Modell {number}"
    gross = Decimal(dice.randint(149, 8_999)) * _CENT
    return _product(sku, name, gross, "reduced-rate" if food else "", stock=dice.randint(200, 9_000))


def _product(
    sku: str, name: str, gross: Decimal, tax_class: str, *, stock: int, parent_sku: str = "", option: str = ""
) -> Product:
    net = (gross / (1 + TAX_PERCENT[tax_class] / 100)).quantize(_CENT, ROUND_HALF_UP)
    return Product(
        sku=sku,
        name=name,
        net_price=net,
        gross_price=gross,
        tax_class=tax_class,
        stock=stock,
        parent_sku=parent_sku,
        option=option,
        virtual=sku in _VIRTUAL,
    )
