"""The one cookie: signed, and holding nothing but a random session token, the forms' token and what to say next."""

from __future__ import annotations

from flask import Flask, Request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from config.settings import Settings
from webapp.protection import for_machines


class ConsoleCookies(SecureCookieSessionInterface):
    """`__Host-` and `Secure` where the way to us is encrypted; no session at all for machines."""

    def __init__(self, settings: Settings) -> None:
        """The instance is in the name: cookies know no port, and two installations may share a host."""
        self._name = f"{settings.instance}-session"
        self._https = settings.public_url.startswith("https://")

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None for a path of machines, whose way is the hot one and who have no cookie."""
        return None if for_machines(request.path) else super().open_session(app, request)

    def get_cookie_name(self, app: Flask) -> str:
        """With the prefix that lets no other host or path of the domain overwrite it."""
        return f"__Host-{self._name}" if self.get_cookie_secure(app) else self._name

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        """Also where a proxy that we do not count ends the encryption, as the public address says."""
        return self._https or request.is_secure

    def get_cookie_samesite(self, app: Flask) -> str:  # noqa: ARG002
        """Sent along when a link leads here, never with a form of another site."""
        return "Lax"

    def get_cookie_httponly(self, app: Flask) -> bool:  # noqa: ARG002
        """Scripts never see it."""
        return True
