"""From a verified document to its orders: each with its id and its version, or with what keeps it from being read."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from connectors.kit import strict_json
from connectors.kit.base import Delivery, Envelope
from connectors.kit.errors import ConnectionBroken
from connectors.kit.options import Options
from connectors.kit.words import say

OPTIONS: Final = frozenset({"id", "version", "version_is", "orders", "when"})
VERSIONS: Final = ("time", "number", "text")
#: Of one delivery. They are stored in a few transactions, and their sender waits for the answer.
MAX_ORDERS: Final = 500
#: The topic of an order that came in a list with others.
IN_LIST: Final = "list"
_MAX_EXPRESSION: Final = 500
_MAX_VERSION: Final = 64
#: Digits before and behind the point of a version that is a number: more than any counter or clock has.
_WHOLE, _FRACTION = 30, 9


class _Unreadable(Exception):
    """An order that cannot be kept as one; the text says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reader:
    """Where in a system's documents things stand."""

    id: ParsedResult
    #: None where nothing tells which of two documents is newer: the later arrival is.
    version: ParsedResult | None
    version_is: str
    #: None where each document is one order.
    orders: ParsedResult | None
    #: None where each document is about orders.
    when: ParsedResult | None
    #: So many orders may stand in one document.
    most: int = MAX_ORDERS

    def read(self, body: bytes) -> Delivery:
        """A whole document; what is wrong with it, or with one of its orders, is in the delivery."""
        try:
            document = strict_json.loads(body)
            if self.when is not None and _found(self.when, document) is not True:
                return Delivery("", None, None, ignored=True)
            orders = document if self.orders is None else _found(self.orders, document)
        except strict_json.InvalidJson as error:
            return _problem(say("the body is no JSON that can be trusted: %(error)s", error=error))
        except _Unreadable as error:
            return _problem(error.args[0])
        if not isinstance(orders, list):
            return self._order(orders, body)
        if len(orders) > self.most:
            return _problem(say("the body has %(count)s orders, more than %(most)s", count=len(orders), most=self.most))
        parts = tuple(dataclasses.replace(self._order(order), topic=IN_LIST, content=order) for order in orders)
        return Delivery("", None, None, parts=parts, ignored=not parts)

    def read_again(self, topic: str, body: bytes) -> Delivery:
        """What was kept of a delivery that could not be read: all of it, or one order of a list."""
        if topic != IN_LIST:
            return self.read(body)
        try:
            return dataclasses.replace(self._order(strict_json.loads(body)), topic=topic)
        except strict_json.InvalidJson as error:
            return _problem(say("the body is no JSON that can be trusted: %(error)s", error=error))

    def _order(self, order: object, raw: bytes | None = None) -> Delivery:
        if not isinstance(order, dict):
            return _problem(say("an order must be a JSON object"))
        try:
            external_id, version = self._id(order), self._version(order)
        except _Unreadable as error:
            return _problem(error.args[0])
        return Delivery("", external_id, Envelope(external_id, version, order, raw=raw))

    def _id(self, order: dict[str, Any]) -> str:
        found = _found(self.id, order)
        if type(found) is int or (isinstance(found, str) and found.strip()):
            return str(found).strip()
        raise _Unreadable(say("option 'id' finds no id in it: a text or a whole number was expected"))

    def _version(self, order: dict[str, Any]) -> str:
        if self.version is None:
            return ""
        found = _found(self.version, order)
        made = _VERSIONS[self.version_is](found)
        if made is None:
            # Without one an old state could take the place of a newer one.
            raise _Unreadable(say("option 'version' finds no %(kind)s in it", kind=self.version_is))
        return made


def read_reader(options: Options) -> Reader:
    """By a connection's options. Raises ConnectionBroken naming what cannot be."""
    id_ = _expression(options, "id")
    if id_ is None:
        raise ConnectionBroken(
            say("option 'id' is needed: where in a document the id of its order stands (JMESPath)"), code="option"
        )
    return Reader(
        id=id_,
        version=_expression(options, "version"),
        version_is=options.one_of("version_is", VERSIONS, "time"),
        orders=_expression(options, "orders"),
        when=_expression(options, "when"),
    )


def _expression(options: Options, name: str) -> ParsedResult | None:
    text = options.text(name)
    if not text:
        return None
    try:
        if len(text) <= _MAX_EXPRESSION:
            return jmespath.compile(text)
    except (JMESPathError, RecursionError):
        pass
    expected = say("option %(name)s is no JMESPath expression that can be used, such as order.id", name=repr(name))
    raise ConnectionBroken(expected, code="option")


def _found(expression: ParsedResult, document: object) -> Any:
    try:
        return expression.search(document)
    except (JMESPathError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        # A function that was given a value of another kind; the library lets Python's own errors through.
        raise _Unreadable(
            say("an expression of the options cannot be applied to it (%(kind)s)", kind=type(error).__name__)
        ) from None


def _time(value: object) -> str | None:
    """As text that sorts; one without a zone is taken as UTC, for only the order of a system's own times matters."""
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None:
            return None
        moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat(timespec="microseconds")


def _number(value: object) -> str | None:
    """With as many digits as any other, so that 10 comes behind 9."""
    try:
        number = Decimal(value) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
    except ArithmeticError:
        return None
    if number is None or not number.is_finite() or not 0 <= number < 10**_WHOLE:
        return None
    return f"{number:0{_WHOLE + 1 + _FRACTION}.{_FRACTION}f}"


def _text(value: object) -> str | None:
    found = value if isinstance(value, str) else str(value) if type(value) is int else ""
    return found if 0 < len(found) <= _MAX_VERSION else None


def _problem(text: str) -> Delivery:
    return Delivery("", None, None, problem=text)


_VERSIONS: Final = {"time": _time, "number": _number, "text": _text}
