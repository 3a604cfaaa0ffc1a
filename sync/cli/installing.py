"""`crossdock install ...`: an access token for a shop whose owner approves our app in the browser."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from pathlib import Path

import click

from connectors.kit.errors import ConnectorError
from connectors.kit.http import HttpClient
from connectors.shopify.install import SCOPES, Installation
from sync.cli.console import err


@click.group()
def install() -> None:
    """Install an app in a shop, and keep its access token in a file."""


@install.command()
@click.argument("shop", metavar="NAME.myshopify.com")
@click.option("--client-id", required=True, help="The app's client id.")
@click.option(
    "--client-secret",
    envvar="SHOPIFY_CLIENT_SECRET",
    show_envvar=True,
    prompt="Client secret",
    hide_input=True,
    help="Asked for where the environment does not say it.",
)
@click.option("--to", "path", required=True, type=click.Path(path_type=Path), help="A new file for the token.")
@click.option("--redirect", default="http://127.0.0.1:8085/", show_default=True, help="One of the app's redirect URLs.")
@click.option("--scope", "scopes", multiple=True, help="Instead of the usual scopes; may be given again.")
def shopify(
    *, shop: str, client_id: str, client_secret: str, path: Path, redirect: str, scopes: tuple[str, ...]
) -> None:
    """Install the app in one Shopify shop; run it once for each shop."""
    if path.exists():
        raise click.ClickException(f"{path} is there already: name a new file, or remove it")
    try:
        installation = Installation(
            shop=shop.lower().removeprefix("https://").rstrip("/"),
            client_id=client_id,
            client_secret=client_secret,
            redirect=redirect,
            state=secrets.token_urlsafe(24),
            scopes=scopes or SCOPES,
        )
        err.print("Open this address as the shop's owner, and approve:")
        click.echo(installation.address)
        err.print(f"The browser is then sent to {redirect} ...; whether anything answers there does not matter.")
        callback = click.prompt("Paste the whole address that it was sent to", err=True)
        token, missing = _token(installation, callback)
    except ConnectorError as error:
        raise click.ClickException(str(error)) from None
    _write(path, token)
    err.print(f"The token is in {path}. The connection:")
    click.echo(_connection(installation.shop, path))
    if missing:
        err.print(f"Not granted: {', '.join(missing)}. What needs them is refused by the shop.")


def _token(installation: Installation, callback: str) -> tuple[str, list[str]]:
    code = installation.code(callback, dt.datetime.now(dt.UTC))
    http = HttpClient(f"https://{installation.shop}", secrets=(installation.client_secret, code))
    try:
        return installation.token(code, http)
    finally:
        http.close()


def _write(path: Path, token: str) -> None:
    """For its owner's eyes alone."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)


def _connection(shop: str, path: Path) -> str:
    name = shop.partition(".")[0]
    return "\n".join(
        (
            "connections:",
            f"  {name}:",
            "    system: shopify",
            f"    url: https://{shop}",
            "    auth:",
            f"      secret: ${{file:{path.resolve()}}}",
            "    webhook_secrets:",
            "      - ${env:SHOPIFY_CLIENT_SECRET}",
        )
    )
