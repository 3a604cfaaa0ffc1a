"""A ready-to-use Tryton for the demo and the tests: `with running_tryton(directory) as erp: ...`."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from connectors.sandbox.catalogue import Product, catalogue
from connectors.sandbox.tryton import books, goods, shop
from connectors.sandbox.tryton.admin import Admin
from connectors.sandbox.tryton.environment import (
    Environment,
    Progress,
    SandboxError,
    exclusive,
    fingerprint,
    install,
    run,
)
from connectors.sandbox.tryton.server import Site, serving

#: Everything that an order integration meets; what they depend on is activated with them.
MODULES: Final = (
    *("sale", "account_invoice_stock", "sale_shipment_cost", "sale_discount", "sale_invoice_grouping"),
    *("sale_payment", "account_payment", "web_shop", "stock_package_shipping", "product_kit"),
)
#: The project folder's `.tryton`, beside `.venv`.
HOME: Final = Path(__file__).resolve().parents[3] / ".tryton"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Erp:
    """A running Tryton: everything that a connection needs, and the ids that a test looks at."""

    url: str
    database: str
    #: The integration user's: REST key for everything, login and password for bulk quote and confirm.
    rest_key: str = dataclasses.field(repr=False)
    login: str
    password: str = dataclasses.field(repr=False)
    admin_password: str = dataclasses.field(repr=False)
    #: A user who may log in and see nothing, for tests of missing rights.
    poor_rest_key: str = dataclasses.field(repr=False)
    company: int
    web_shop: int
    web_shop_name: str
    payment_term: int
    carrier: int
    currencies: Mapping[str, int]
    countries: Mapping[str, int]
    taxes: Mapping[str, int]
    warehouses: Mapping[str, int]
    #: Code -> id, services too.
    products: Mapping[str, int]
    #: The server's process and database log.
    directory: Path

    def admin(self) -> Admin:
        """The administrator, for spoiling things by hand in tests; one session for all of this process."""
        return _session(self.url, self.database, self.admin_password)


# To check a password costs the server more than most calls: it hashes with 64 MiB.
@functools.cache
def _session(url: str, database: str, password: str) -> Admin:
    return Admin(url, database, password)


def _say_nothing(_: str) -> None:
    """For callers who do not want to know."""


@contextlib.contextmanager
def running_tryton(
    directory: Path,
    *,
    port: int = 0,
    products: Iterable[Product] | None = None,
    uri: str = "sqlite://",
    database: str = "erp",
    fresh: bool = False,
    home: Path = HOME,
    progress: Progress = _say_nothing,
) -> Iterator[Erp]:
    """Start a Tryton whose files are in `directory`, give its description, stop it at the end.

    The first start on a machine installs it (half a minute) and makes the database schema (about a minute); both are
    kept in `home`, so later starts take seconds. What is in `directory` already is served as it is, unless `fresh`.
    The sandbox catalogue is in it from the beginning, and whatever else of `products` is missing is added. For
    PostgreSQL give the `uri` of a server and the name of an empty `database` on it. Raises SandboxError.
    """
    environment = install(home, progress)
    site = Site(directory.resolve(), database, uri)
    directory.mkdir(parents=True, exist_ok=True)
    _prepare(environment, site, progress, fresh=fresh)
    progress("starting Tryton")
    with serving(environment, site, port) as url:
        yield _describe(url, site, tuple(products or ()), progress)


def _prepare(environment: Environment, site: Site, progress: Progress, *, fresh: bool) -> None:
    """Put a set-up database and its description into the site's directory."""
    if _facts_file(site).exists() and not fresh:
        return
    if site.sqlite:
        template = _template(environment, progress)
        for name in (site.sqlite_file.name, f"{site.sqlite_file.name}-wal", f"{site.sqlite_file.name}-shm"):
            (site.directory / name).unlink(missing_ok=True)
        shutil.copyfile(template.sqlite_file, site.sqlite_file)
        _write_facts(site, _facts(template))
    else:
        _make_schema(environment, site, progress)
        _set_up(environment, site, progress)


def setup_key() -> str:
    """Changes with the versions, the set-up code and the year: what was set up under another key is outdated."""
    code = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(_schema_key() + str(dt.datetime.now(dt.UTC).year).encode() + code).hexdigest()[:12]


def _schema_key() -> bytes:
    return f"{fingerprint()} {MODULES}".encode()


def _template(environment: Environment, progress: Progress) -> Site:
    """A set-up SQLite database without orders, made once."""
    with exclusive(environment.home / "template.lock"):
        schema_key = hashlib.sha256(_schema_key()).hexdigest()[:12]
        schema = _made_once(environment, "schema", schema_key, lambda site: _make_schema(environment, site, progress))

        def set_up(site: Site) -> None:
            shutil.copytree(schema.directory, site.directory)
            _set_up(environment, site, progress)

        return _made_once(environment, "template", setup_key(), set_up)


def _made_once(environment: Environment, name: str, key: str, make: Callable[[Site], None]) -> Site:
    """The site of that key; what was made for another key is thrown away."""
    directory = environment.home / f"{name}-{key}"
    if not directory.exists():
        making = environment.home / f"{name}-making"
        for outdated in environment.home.glob(f"{name}-*"):
            shutil.rmtree(outdated)
        make(Site(making))
        _fold_in_log(Site(making))
        making.rename(directory)
    return Site(directory)


def _fold_in_log(site: Site) -> None:
    """Bring what still stands in the write-ahead log into the database file, so that the file alone can be copied."""
    with contextlib.closing(sqlite3.connect(site.sqlite_file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _make_schema(environment: Environment, site: Site, progress: Progress) -> None:
    """Create the tables of every module."""
    progress("making the database schema (once; about a minute)")
    site.write_config(0)
    if site.sqlite:
        # An empty file is what tells the server that the database exists; it never creates one itself.
        site.sqlite_file.touch(mode=0o600)
    password = secrets.token_urlsafe(24)
    password_file = site.directory / "admin.pass"
    password_file.write_text(f"{password}\n")
    password_file.chmod(0o600)
    run(
        [
            *(str(environment.program("trytond-admin")), "-c", str(site.config_file), "-d", site.database),
            *("-u", *MODULES, "--activate-dependencies", "--email", "admin@example.test"),
        ],
        site.directory / "schema.log",
        {"TRYTONPASSFILE": str(password_file), "PATH": os.defpath},
    )
    password_file.unlink()
    _write_facts(site, {"admin_password": password})


def _set_up(environment: Environment, site: Site, progress: Progress) -> None:
    """Fill a new schema with what a company has before it sells."""
    progress("setting up company, taxes and users")
    facts = _facts(site)
    with serving(environment, site) as url:
        admin = Admin(url, site.database, facts["admin_password"])
        made = _bootstrap(admin)
        _write_facts(site, {**facts, **made, "products": _add_products(admin, made, catalogue())})


def _bootstrap(admin: Admin) -> dict[str, Any]:
    done = admin.search("ir.module.config_wizard.item", [["state", "!=", "done"]])
    admin.call("model.ir.module.config_wizard.item.write", done, {"state": "done"})
    currencies = books.make_currencies(admin)
    company = books.make_company(admin, next(iter(currencies.values())))
    accounts = books.make_chart(admin, company)
    year = dt.datetime.now(dt.UTC).year
    books.make_fiscal_years(admin, company, (year - 1, year, year + 1))
    taxes = books.make_taxes(admin, company, accounts["tax"])
    means = books.make_payment_means(admin, company, currencies["EUR"], accounts["cash"])
    categories = goods.make_categories(admin, accounts, taxes)
    services = goods.make_services(admin, categories)
    warehouses = shop.make_warehouses(admin)
    ids = [warehouse["id"] for warehouse in warehouses.values()]
    return {
        **means,
        "company": company,
        "currencies": currencies,
        "taxes": taxes,
        "categories": categories,
        "warehouses": warehouses,
        "countries": shop.make_countries(admin),
        "carrier": shop.make_carrier(admin, services["SHIPPING"]),
        "web_shop": shop.make_web_shop(admin, company, ids),
        "user": shop.make_user(admin, company, "integration", shop.INTEGRATION_GROUPS),
        "poor_user": shop.make_user(admin, company, "readonly", ()),
        "services": services,
    }


def _add_products(admin: Admin, facts: Mapping[str, Any], products: Collection[Product]) -> dict[str, int]:
    """Make those that are missing, with their stock; code -> id of every product that is known then."""
    ids: dict[str, int] = facts.get("products", {})
    made = goods.make_products(admin, facts["categories"], products)
    stock = {made[each.sku]: each.stock for each in products if each.sku not in ids and not each.virtual}
    goods.make_stock(admin, facts["company"], facts["warehouses"]["WH1"]["storage"], stock)
    return {**ids, **made}


def _describe(url: str, site: Site, products: Collection[Product], progress: Progress) -> Erp:
    facts = _facts(site)
    ids = facts.get("products", {})
    if any(product.sku not in ids for product in products):
        progress(f"adding {len(products)} products")
        ids = _add_products(Admin(url, site.database, facts["admin_password"]), facts, products)
        _write_facts(site, {**facts, "products": ids})
    return Erp(
        url=url,
        database=site.database,
        rest_key=facts["user"]["rest_key"],
        login=facts["user"]["login"],
        password=facts["user"]["password"],
        admin_password=facts["admin_password"],
        poor_rest_key=facts["poor_user"]["rest_key"],
        company=facts["company"],
        web_shop=facts["web_shop"],
        web_shop_name="Storefront",
        payment_term=facts["payment_term"],
        carrier=facts["carrier"],
        currencies=facts["currencies"],
        countries=facts["countries"],
        taxes=facts["taxes"],
        warehouses={code: each["id"] for code, each in facts["warehouses"].items()},
        products={**facts["services"], **ids},
        directory=site.directory,
    )


def _facts(site: Site) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(_facts_file(site).read_text())
    return facts


def _write_facts(site: Site, facts: Mapping[str, Any]) -> None:
    file = _facts_file(site)
    file.touch(mode=0o600)
    file.write_text(json.dumps(facts, indent=2))


def _facts_file(site: Site) -> Path:
    return site.directory / "erp.json"


__all__ = ["HOME", "Erp", "SandboxError", "running_tryton", "setup_key"]
