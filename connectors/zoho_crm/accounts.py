"""Accounts and their contacts: found by what is surest of them, made once under our key, and shown what was bought.

A plain POST that is repeated makes two, so accounts are made by upsert over a unique field of the organisation's own.
But an upsert looks at the module's own unique fields too (the name of an account, the e-mail of a contact) and changes
whatever it finds by them: so names and addresses are looked for first, and what is somebody else's is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.crm import GONE, AccountMark, Made, doubled
from connectors.kit.errors import AlreadyExists, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.words import say
from connectors.zoho_crm.client import MOST_RECORDS, Client
from connectors.zoho_crm.orders import quoted, record_id

#: The organisation's own field of accounts that carries our key; its values must be unique.
KEY: Final = "Crossdock_Key"
#: Under this name a payload says the VAT number, whichever field holds it.
_VAT_ID: Final = "vat_id"
_NAME: Final = "Account_Name"


class Accounts:
    """The accounts of one organisation. Thread-safe."""

    def __init__(self, client: Client, vat_field: str) -> None:
        self._client, self._vat_field = client, vat_field

    def find(self, marks: Sequence[AccountMark]) -> list[list[JsonDict]]:
        """By id, VAT number, a contact's e-mail, name: the first of these that finds anything."""
        rungs: list[tuple[Callable[[AccountMark], str], Callable[[list[str]], dict[str, list[JsonDict]]]]] = [
            (lambda mark: mark.account_id, self._by_id),
            (lambda mark: mark.vat_id if self._vat_field else "", lambda values: self._by(self._vat_field, values)),
            (lambda mark: mark.email.lower(), self._by_email),
            (lambda mark: mark.name.casefold(), self._by_name),
        ]
        found: list[list[JsonDict]] = [[] for _ in marks]
        for value_of, look in rungs:
            open_marks = [index for index, mark in enumerate(marks) if not found[index] and value_of(mark)]
            values = list(dict.fromkeys(value_of(marks[index]) for index in open_marks))
            known: dict[str, list[JsonDict]] = {}
            for start in range(0, len(values), MOST_RECORDS):
                known |= look(values[start : start + MOST_RECORDS])
            for index in open_marks:
                found[index] = known.get(value_of(marks[index]), [])
        return found

    def update(self, payloads: Mapping[str, JsonDict]) -> dict[str, ConnectorError]:
        """A hundred a call, each row with an answer of its own, whatever the status is."""
        refused: dict[str, ConnectorError] = {}
        ids = list(payloads)
        for start in range(0, len(ids), MOST_RECORDS):
            some = ids[start : start + MOST_RECORDS]
            body = {"data": [{**payloads[each], "id": record_id(each)} for each in some], "trigger": []}
            # Absolute values: the same twice is the same.
            rows = self._client.write("PUT", "Accounts", body, repeatable=True)
            wrong = zip(some, rows, strict=True)
            refused |= {each: missed(each, row) for each, row in wrong if isinstance(row, ConnectorError)}
        return refused

    # -- making them -----------------------------------------------------------------------------------------

    def create(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        """See `ZohoCrm.create_accounts`: a query and an upsert for each hundred."""
        made: dict[str, Made] = {}
        for keys in _hundreds(payloads):
            try:
                made |= self._standing({key: str(payloads[key].get(_NAME) or "") for key in keys})
                if missing := [key for key in keys if key not in made]:
                    made |= self._upserted({key: payloads[key] for key in missing})
            except (RecordRejected, OutcomeUnknown) as error:
                made |= {key: Made(error=error) for key in keys if key not in made}
        return made

    def _standing(self, names: Mapping[str, str]) -> dict[str, Made]:
        """What stands under each key already, and whose name is somebody else's; the others may be made."""
        rows = self._of_keys_and_names(names)
        found, taken = dict[str, Made](), {str(row.get(_NAME)).casefold(): row["id"] for row in reversed(rows)}
        for key, name in names.items():
            ours = [row["id"] for row in rows if row.get(KEY) == key]
            if len(ours) > 1:
                found[key] = Made(error=doubled(key, ours))
            elif ours:
                found[key] = Made(external_id=ours[0])
            elif name.casefold() in taken:
                found[key] = Made(error=_same_name(name, taken[name.casefold()]))
            else:
                # Two of one call would become one.
                taken[name.casefold()] = "-"
        return found

    def _of_keys_and_names(self, names: Mapping[str, str]) -> list[JsonDict]:
        """Oldest first. Raises RecordRejected (`no_key`) where the organisation has no field for keys."""
        keys, called = _listed(names), _listed(dict.fromkeys(names.values()))
        where = f"({KEY} in ({keys}) or {_NAME} in ({called}))"
        try:
            return self._select("Accounts", ("id", _NAME, KEY), where)
        except RecordRejected as error:
            if error.code != "invalid_query":
                raise
            text = say(
                "no account can be made: accounts of the organisation have no field %(field)s (%(error)s)",
                field=KEY,
                error=error,
            )
            raise RecordRejected(text, field=KEY, code="no_key", status=error.status) from None

    def _upserted(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        rows = [{**self._fields(payload), KEY: key} for key, payload in payloads.items()]
        answers = self._upsert("Accounts", KEY, rows)
        told = zip(payloads.items(), answers, strict=True)
        return {key: self._judged(str(payload.get(_NAME) or ""), answer) for (key, payload), answer in told}

    def _fields(self, payload: JsonDict) -> JsonDict:
        """With the VAT number in its field; without, where the connection names none."""
        named = {self._vat_field if name == _VAT_ID else name: value for name, value in payload.items()}
        return {name: value for name, value in named.items() if name}

    def _judged(self, name: str, answer: JsonDict | ConnectorError) -> Made:
        """What became of one row."""
        made = _made(answer)
        if isinstance(answer, ConnectorError) or made.new or answer["duplicate_field"] in {"", KEY}:
            return made
        # Somebody made it between our question and our call: it is not ours, and must not be found by our key.
        self._client.write("PUT", "Accounts", {"data": [{"id": made.external_id, KEY: None}], "trigger": []})
        return Made(error=_same_name(name, made.external_id))

    def create_contacts(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        """See `ZohoCrm.create_contacts`: a query and an upsert for each hundred."""
        made: dict[str, Made] = {}
        for emails in _hundreds(payloads):
            try:
                made |= self._standing_contacts({email: payloads[email] for email in emails})
                if missing := [email for email in emails if email not in made]:
                    rows = [{**payloads[email], "Email": email} for email in missing]
                    made |= dict(zip(missing, map(_made, self._upsert("Contacts", "Email", rows)), strict=True))
            except (RecordRejected, OutcomeUnknown) as error:
                made |= {email: Made(error=error) for email in emails if email not in made}
        return made

    def _standing_contacts(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        rows = [{**row, "Email": row["Email"].lower()} for row in self._of_emails(list(payloads))]
        standing = _grouped(rows, "Email")
        found = dict[str, Made]()
        for email, payload in payloads.items():
            if email.lower() in standing:
                found |= _at_account(email, standing[email.lower()], str(payload[_NAME]["id"]))
        return found

    def _upsert(self, module: str, field: str, rows: list[JsonDict]) -> list[JsonDict | ConnectorError]:
        body = {"data": rows, "duplicate_check_fields": [field], "trigger": []}
        return self._client.write("POST", f"{module}/upsert", body, repeatable=True)

    # -- looking for them ------------------------------------------------------------------------------------

    def _by_id(self, ids: list[str]) -> dict[str, list[JsonDict]]:
        rows = self._client.records("Accounts", [record_id(each) for each in ids], ("Account_Name",))
        return {row["id"]: [row] for row in rows}

    def _by(self, field: str, values: list[str]) -> dict[str, list[JsonDict]]:
        return _grouped(self._asked("Accounts", field, ("Account_Name",), values), field)

    def _by_name(self, names: list[str]) -> dict[str, list[JsonDict]]:
        """Names differ in more than capital and small letters, for Zoho CRM."""
        rows = self._asked("Accounts", _NAME, (), names)
        return _grouped([{**row, _NAME: str(row.get(_NAME)).casefold()} for row in rows], _NAME)

    def _by_email(self, emails: list[str]) -> dict[str, list[JsonDict]]:
        """The accounts of the contacts; two contacts of one account are one."""
        accounts = [
            {"id": row[f"{_NAME}.id"], _NAME: row.get(f"{_NAME}.{_NAME}"), "Email": row["Email"].lower()}
            for row in self._of_emails(emails)
            if isinstance(row.get(f"{_NAME}.id"), str)
        ]
        return _grouped(accounts, "Email")

    def _of_emails(self, emails: list[str]) -> list[JsonDict]:
        rows = self._asked("Contacts", "Email", (f"{_NAME}.id", f"{_NAME}.{_NAME}"), emails)
        return [row for row in rows if isinstance(row.get("Email"), str)]

    def _asked(self, module: str, field: str, columns: Sequence[str], values: list[str]) -> list[JsonDict]:
        return self._select(module, dict.fromkeys(("id", field, *columns)), f"{field} in ({_listed(values)})")

    def _select(self, module: str, columns: Iterable[str], where: str) -> list[JsonDict]:
        rows, more = self._client.query(
            f"select {', '.join(columns)} from {module} where {where} order by id asc limit 0, 2000"  # noqa: S608
        )
        if more:
            raise Transient(say("Zoho CRM finds more accounts than anybody can look at"), code="too_many")
        return rows


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(quoted, values))


def _hundreds(payloads: Mapping[str, JsonDict]) -> Iterator[list[str]]:
    keys = list(payloads)
    return (keys[start : start + MOST_RECORDS] for start in range(0, len(keys), MOST_RECORDS))


def _made(answer: JsonDict | ConnectorError) -> Made:
    """What became of a row of an upsert."""
    if isinstance(answer, ConnectorError):
        return Made(error=answer)
    if not isinstance(answer.get("id"), str):
        return Made(error=OutcomeUnknown(say("a row that was taken has no id"), code="rows"))
    return Made(external_id=answer["id"], new=answer.get("action") == "insert")


def _at_account(email: str, contacts: Sequence[JsonDict], account_id: str) -> dict[str, Made]:
    """The contact that stands at the account; nothing where one has no account yet and may be given it."""
    at = {str(row.get(f"{_NAME}.id") or ""): row["id"] for row in contacts}
    if account_id in at:
        return {email: Made(external_id=at[account_id])}
    if "" in at:
        return {}
    text = say(
        "the contact with the e-mail address %(email)s is at another account (%(account)s)",
        email=email,
        account=", ".join(at),
    )
    return {email: Made(error=AlreadyExists(text, field="Email", code="elsewhere"))}


def _same_name(name: str, account_id: str) -> AlreadyExists:
    text = say(
        "an account that is not ours is called so already: %(name)s (%(account)s)", name=name, account=account_id
    )
    return AlreadyExists(text, field=_NAME, code="same_name")


def missed(account: str, error: ConnectorError) -> ConnectorError:
    """A value that is wrong is said with its field; without one it is the id, of a record that is not there."""
    if isinstance(error, RecordRejected) and error.code == "invalid_data" and not error.field:
        return RecordRejected(say("account %(account)s is no longer in the CRM", account=account), code=GONE)
    return error


def _grouped(rows: Sequence[JsonDict], field: str) -> dict[str, list[JsonDict]]:
    """Value -> the records that have it, each once, lowest id first."""
    found: dict[str, dict[str, JsonDict]] = {}
    for row in sorted(rows, key=lambda row: int(row["id"])):
        found.setdefault(str(row.get(field)), {}).setdefault(row["id"], row)
    return {value: list(records.values()) for value, records in found.items()}
