"""Countries, warehouses, carrier, web shop and the users that Crossdock logs in as."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from connectors.sandbox.tryton.admin import Admin

#: ISO 3166-1 codes and name of every country in the recorded and generated orders.
COUNTRIES: Final = (
    *(("AE", "ARE", "784", "United Arab Emirates"), ("AT", "AUT", "040", "Austria"), ("AU", "AUS", "036", "Australia")),
    *(("BE", "BEL", "056", "Belgium"), ("BR", "BRA", "076", "Brazil"), ("CA", "CAN", "124", "Canada")),
    *(("CH", "CHE", "756", "Switzerland"), ("CN", "CHN", "156", "China"), ("CZ", "CZE", "203", "Czechia")),
    *(("DE", "DEU", "276", "Germany"), ("DK", "DNK", "208", "Denmark"), ("EG", "EGY", "818", "Egypt")),
    *(("ES", "ESP", "724", "Spain"), ("FI", "FIN", "246", "Finland"), ("FR", "FRA", "250", "France")),
    *(("GB", "GBR", "826", "United Kingdom"), ("GR", "GRC", "300", "Greece"), ("IE", "IRL", "372", "Ireland")),
    *(("IL", "ISR", "376", "Israel"), ("IN", "IND", "356", "India"), ("IT", "ITA", "380", "Italy")),
    *(("JP", "JPN", "392", "Japan"), ("KR", "KOR", "410", "South Korea"), ("KW", "KWT", "414", "Kuwait")),
    *(("LU", "LUX", "442", "Luxembourg"), ("MX", "MEX", "484", "Mexico"), ("NL", "NLD", "528", "Netherlands")),
    *(("NO", "NOR", "578", "Norway"), ("PL", "POL", "616", "Poland"), ("PT", "PRT", "620", "Portugal")),
    *(("SA", "SAU", "682", "Saudi Arabia"), ("SE", "SWE", "752", "Sweden"), ("SK", "SVK", "703", "Slovakia")),
    *(("TR", "TUR", "792", "Türkiye"), ("US", "USA", "840", "United States")),
)

#: What the integration user may do: parties, products, sales, stock and accounting; not administration.
INTEGRATION_GROUPS: Final = (
    "party.group_party_admin",
    "product.group_product_admin",
    "sale.group_sale",
    "stock.group_stock",
    "account.group_account",
    "account_payment.group_payment",
)


def make_countries(admin: Admin) -> dict[str, int]:
    """ISO code -> id. A new database knows no country at all."""
    values = [
        {"code": code, "code3": code3, "code_numeric": numeric, "name": name}
        for code, code3, numeric, name in COUNTRIES
    ]
    return dict(zip((row[0] for row in COUNTRIES), admin.create("country.country", *values), strict=True))


def make_warehouses(admin: Admin) -> dict[str, dict[str, int]]:
    """Code -> id and storage location of two warehouses."""
    first = admin.one("stock.location", [["type", "=", "warehouse"]])
    admin.call("model.stock.location.write", [first], {"name": "Main warehouse", "code": "WH1"})
    (row,) = admin.read("stock.location", [["id", "=", first]], ["storage_location", "lost_found_location"])
    storage, input_, output = admin.create(
        "stock.location",
        *({"name": f"Second {name}", "type": "storage", "code": code} for name, code in _SECOND.items()),
    )
    (second,) = admin.create(
        "stock.location",
        {
            "name": "Second warehouse",
            "type": "warehouse",
            "code": "WH2",
            "storage_location": storage,
            "input_location": input_,
            "output_location": output,
            # A second warehouse is refused without a place for what gets lost.
            "lost_found_location": row["lost_found_location"],
        },
    )
    return {"WH1": {"id": first, "storage": row["storage_location"]}, "WH2": {"id": second, "storage": storage}}


_SECOND: Final = {"storage": "STO2", "input": "IN2", "output": "OUT2"}


def make_carrier(admin: Admin, shipping_product: int) -> int:
    """One carrier, for everything."""
    (party,) = admin.create("party.party", {"name": "Fast Parcel"})
    values = {"party": party, "carrier_product": shipping_product, "carrier_cost_method": "product"}
    (carrier,) = admin.create("carrier", values)
    admin.create("carrier.selection", {"carrier": carrier})
    return carrier


def make_web_shop(admin: Admin, company: int, warehouses: Iterable[int]) -> int:
    """The shop within which the server keeps `web_id` unique."""
    values = {"name": "Storefront", "company": company, "warehouses": [["add", list(warehouses)]]}
    (shop,) = admin.create("web.shop", values)
    return shop


def make_user(admin: Admin, company: int, login: str, groups: Iterable[str]) -> Mapping[str, Any]:
    """A user with a password and a validated REST key."""
    password = secrets.token_urlsafe(24)
    ids = [admin.xml_id(*reference.split(".", 1)) for reference in groups]
    (user,) = admin.create(
        "res.user",
        {
            "name": login,
            "login": login,
            "password": password,
            "groups": [["add", ids]],
            "companies": [["add", [company]]],
            "company": company,
        },
    )
    (application,) = admin.create("res.user.application", {"user": user, "application": "rest"})
    # Made by an administrator, it is valid at once; one that the user asks for waits for a person.
    (row,) = admin.read("res.user.application", [["id", "=", application]], ["key"])
    return {"id": user, "login": login, "password": password, "rest_key": row["key"]}
