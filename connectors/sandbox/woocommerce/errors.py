"""WordPress' error envelope: `{"code", "message", "data": {"status", ...}}`."""

from __future__ import annotations

from typing import Any


class WpError(Exception):
    """A reply that WordPress makes from a WP_Error; the recorded exchanges have the codes and texts."""

    def __init__(self, status: int, code: str | int, message: str, *, data: dict[str, Any] | int | None = None) -> None:
        """`data` None means `{"status": status}`; a dict is added to that; a bare number is what some errors carry."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data: dict[str, Any] | int = data if isinstance(data, int) else {"status": status, **(data or {})}

    def as_json(self) -> dict[str, Any]:
        """The body of the reply."""
        return {"code": self.code, "message": self.message, "data": self.data}


def invalid_param(name: str, message: str, code: str, detail: dict[str, Any] | None = None) -> WpError:
    """400 `rest_invalid_param`, as the schema validation answers."""
    return WpError(
        400,
        "rest_invalid_param",
        f"Invalid parameter(s): {name}",
        data={"params": {name: message}, "details": {name: {"code": code, "message": message, "data": detail}}},
    )


def no_route() -> WpError:
    """404 of a path that no plugin serves; also what a switched-off feature answers."""
    return WpError(404, "rest_no_route", "No route was found matching the URL and request method.")


def invalid_id(kind: str = "shop_order") -> WpError:
    """404 of a record that does not exist."""
    return WpError(404, f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.")
