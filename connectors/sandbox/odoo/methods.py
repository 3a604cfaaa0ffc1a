"""What can be called from outside: every model's own methods, then those of single models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connectors.sandbox.odoo import accounting, loading, orm, sales, stock
from connectors.sandbox.odoo.database import Database, Json, OdooError, user_error
from connectors.sandbox.odoo.domain import search
from connectors.sandbox.odoo.fields import LABELS

Context = Mapping[str, Any]


class Model:
    """One model for one call: its public methods are what the API offers. `ids` is None for methods of the model."""

    #: Methods that take no ids.
    OF_MODEL: Final = frozenset(
        {
            *("search", "search_read", "search_count", "web_search_read", "create", "load", "fields_get"),
            *("context_get", "check_object_reference"),
        }
    )

    def __init__(self, db: Database, name: str, ids: Sequence[int], context: Context) -> None:
        self.db, self.name, self.ids, self.context = db, name, list(ids), context

    def records(self) -> list[Json]:
        """Those that the call is about. Raises OdooError where one is gone."""
        return [self.db.get(self.name, number) for number in self.ids]

    # -- any model -------------------------------------------------------------------------------------------

    def search(self, domain: Any, offset: int = 0, limit: int | None = None, order: str | None = None) -> list[int]:
        """Ids."""
        return orm.find(self.db, self.name, domain, self.context, order=order, offset=offset, limit=limit)

    def search_count(self, domain: Any, limit: int | None = None) -> int:
        """How many match."""
        return len(search(self.db, self.name, domain, self.context)[:limit])

    def search_read(
        self,
        domain: Any = (),
        fields: Sequence[str] = (),
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
    ) -> list[Json]:
        """Rows."""
        ids = self.search(domain, offset, limit, order)
        return orm.read(self.db, self.name, ids, fields or list(self.db.models[self.name]), self.context)

    def read(self, fields: Sequence[str] = (), load: str | None = "_classic_read") -> list[Json]:
        """Rows; one that is gone is left out."""
        rows = orm.read(self.db, self.name, self.ids, fields or list(self.db.models[self.name]), self.context)
        if load is None:
            for row in rows:
                for name, value in row.items():
                    if self.db.models[self.name][name].kind == "many2one" and value:
                        row[name] = value[0]
        return rows

    def web_read(self, specification: Json) -> list[Json]:
        """Rows with what is asked of their relations."""
        return orm.read_nested(self.db, self.name, self.ids, specification, self.context)

    def web_search_read(
        self, domain: Any, specification: Json, offset: int = 0, limit: int | None = None, order: str | None = None
    ) -> Json:
        """The same, searched for."""
        ids = self.search(domain, offset, limit, order)
        rows = orm.read_nested(self.db, self.name, ids, specification, self.context)
        return {"length": self.search_count(domain), "records": rows}

    def create(self, vals_list: Any) -> list[int]:
        """New records."""
        many = vals_list if isinstance(vals_list, list) else [vals_list]
        return [orm.create(self.db, self.name, values) for values in many]

    def write(self, vals: Json) -> bool:
        """The same values to each."""
        orm.write(self.db, self.name, self.ids, vals)
        return True

    def unlink(self) -> bool:
        """Remove them."""
        self.records()
        orm.unlink(self.db, self.name, self.ids)
        for number in self.ids:
            self.db.tell(f"{self.name}.unlink", number)
        return True

    def load(self, fields: Sequence[str], data: Sequence[Sequence[Any]]) -> Json:
        """See `loading`."""
        known = set(self.db.tables[self.name])
        answer = loading.load(self.db, self.name, fields, data, self.context)
        for number in dict.fromkeys(answer["ids"] or []):
            if number not in known:
                key = next(iter(self.db.external_ids(self.name, number)), "")
                self.db.tell(f"{self.name}.create", number, key=key)
        return answer

    def fields_get(self, allfields: Sequence[str] = (), attributes: Sequence[str] = ()) -> Json:
        """What fields there are."""
        told = {}
        for name, field in self.db.models[self.name].items():
            if not allfields or name in allfields:
                every = {"type": field.kind, "string": field.label or name, "required": field.required}
                told[name] = {key: value for key, value in every.items() if not attributes or key in attributes}
        return told

    def get_external_id(self) -> Json:
        """Id, as text -> its first external id, or empty."""
        return {str(each): next(iter(self.db.external_ids(self.name, each)), "") for each in self.ids}

    def get_metadata(self) -> list[Json]:
        """Who wrote it, when, and how it is called from outside."""
        return [self._metadata(record) for record in self.records()]

    def _metadata(self, record: Json) -> Json:
        names = self.db.external_ids(self.name, record["id"])
        known = [{"xmlid": name, "noupdate": self.db.external[name][2]} for name in names]
        user = [5, "Integration"]
        return {
            "id": record["id"],
            "create_uid": user,
            "create_date": record["create_date"][:19],
            "write_uid": user,
            "write_date": record["write_date"][:19],
            "xmlid": names[0] if names else False,
            "noupdate": known[0]["noupdate"] if known else False,
            "xmlids": known,
        }


class Users(Model):
    """`res.users`."""

    def context_get(self) -> Json:
        """What the user's own calls are made with."""
        return {"lang": "en_US", "tz": False, "uid": 5}


class ModelData(Model):
    """`ir.model.data`, of which an integration may call one method."""

    def check_object_reference(self, module: str, xml_id: str) -> list[Any]:
        """What an external id stands for."""
        if (found := self.db.external.get(f"{module}.{xml_id}")) is None:
            raise OdooError("builtins.ValueError", f"External ID not found in the system: {module}.{xml_id}", 500)
        return list(found[:2])


class Orders(Model):
    """`sale.order`."""

    def action_confirm(self) -> bool:
        """All or none."""
        return sales.action_confirm(self.db, self.records())

    def action_quotation_sent(self) -> None:
        """Marked as sent."""
        sales.action_quotation_sent(self.db, self.records())

    def action_cancel(self) -> Any:
        """With its drafts, or a question first."""
        orders = self.records()
        if sales.asks(self.db, orders, self.context):
            return sales.question(orders)
        return sales.action_cancel(self.db, orders)

    def action_lock(self) -> None:
        """Nobody changes it by mistake."""
        for order in self.records():
            self.db.update("sale.order", order, {"locked": True})


class CancelWizard(Model):
    """`sale.order.cancel`."""

    def action_cancel(self) -> bool:
        """Yes, without a mail."""
        return sales.action_cancel(self.db, [self.db.get("sale.order", each["order_id"]) for each in self.records()])


class InvoiceWizard(Model):
    """`sale.advance.payment.inv`."""

    def create_invoices(self) -> Json:
        """Drafts."""
        [wizard] = self.records()
        return sales.create_invoices(self.db, wizard)


class Pickings(Model):
    """`stock.picking`."""

    def action_confirm(self) -> bool:
        """Take up drafts."""
        return stock.confirm(self.db, self.records())

    def action_assign(self) -> bool:
        """Reserve."""
        for picking in self.records():
            stock.assign(self.db, picking)
        return True

    def button_validate(self) -> Any:
        """Send, take in, or ask about the rest."""
        return stock.validate(self.db, self.records(), self.context)

    def action_cancel(self) -> bool:
        """Not any more."""
        for picking in self.records():
            if picking["state"] == "done":
                raise user_error("You cannot cancel a stock move that has been set to 'Done'.")
            stock.cancel(self.db, picking)
        return True


class Backorders(Model):
    """`stock.backorder.confirmation`."""

    def process(self) -> Any:
        """The rest becomes a transfer of its own."""
        ids = self.context.get("button_validate_picking_ids") or []
        pickings = [self.db.get("stock.picking", number) for number in ids]
        return stock.validate(self.db, pickings, {**self.context, "skip_backorder": True})


class Moves(Model):
    """`account.move`."""

    def action_post(self) -> bool:
        """False, whatever it did."""
        return accounting.action_post(self.db, self.records())

    def button_cancel(self) -> None:
        """A draft is given up."""
        for move in self.records():
            if move["state"] != "draft":
                raise user_error("You can not cancel a posted entry: reset it to draft first.")
            self.db.update("account.move", move, {"state": "cancel"})

    def js_assign_outstanding_line(self, line_id: int) -> None:
        """Reconcile."""
        accounting.assign_line(self.db, self.records(), line_id)


class Payments(Model):
    """`account.payment`."""

    def action_post(self) -> None:
        """Book them."""
        accounting.post_payments(self.db, self.records())


_OWN: Final[Mapping[str, type[Model]]] = {
    "res.users": Users,
    "ir.model.data": ModelData,
    "sale.order": Orders,
    "sale.order.cancel": CancelWizard,
    "sale.advance.payment.inv": InvoiceWizard,
    "stock.picking": Pickings,
    "stock.backorder.confirmation": Backorders,
    "account.move": Moves,
    "account.payment": Payments,
}
#: What a plain integration user may not do: (model, method).
_FORBIDDEN: Final = frozenset({("ir.model.data", "search_read"), ("ir.model.data", "create"), ("res.users", "write")})


def find_method(db: Database, model: str, method: str, ids: Sequence[int], context: Context) -> Callable[..., Any]:
    """What is to be called. Raises OdooError as the server does for what cannot be."""
    if model not in db.models:
        raise OdooError("werkzeug.exceptions.NotFound", f"the model '{model}' does not exist", 404)
    if method.startswith("_"):
        text = f"Private methods (such as '{model}.{method}') cannot be called remotely."
        raise OdooError("odoo.exceptions.AccessError", text, 403)
    found = getattr(_OWN.get(model, Model)(db, model, ids, context), method, None)
    if found is None or method in {"records", "OF_MODEL"}:
        raise OdooError("werkzeug.exceptions.NotFound", f"The method '{model}.{method}' does not exist", 404)
    if (model, method) in _FORBIDDEN:
        label = LABELS.get(model, model)
        text = f"You are not allowed to access '{label}' ({model}) records.\n\nContact your administrator."
        raise OdooError("odoo.exceptions.AccessError", text, 403)
    called: Callable[..., Any] = found
    return called
