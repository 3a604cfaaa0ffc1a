"""The printed invoice: the PDF that hangs on it once somebody, or an automation, has printed it.

A key cannot have Odoo print: the report's method is private, and its page wants a session of the web client.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import RecordRejected
from connectors.kit.facets import NOT_PRINTED, DocumentFile
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.invoicing import Invoicing, wrong

_ATTACHMENT: Final = "ir.attachment"
_PDF: Final = "application/pdf"
_MAGIC: Final = b"%PDF-"
_LONGEST_NAME: Final = 200


class Files:
    """The files of one company's invoices."""

    def __init__(self, client: OdooClient, invoicing: Invoicing) -> None:
        self._client, self._invoicing = client, invoicing

    def fetch(self, kind: str, external_id: str, max_bytes: int) -> DocumentFile:
        """The PDF of a posted invoice or credit note. Its size is asked for before the file itself."""
        if kind != "invoice":
            raise RecordRejected(say("Odoo prints no %(kind)s", kind=kind), code="no_file")
        invoice = self._invoicing.read(int(external_id), ("state", "invoice_pdf_report_id"))
        if invoice["state"] != "posted":
            raise RecordRejected(wrong(invoice["state"]), code=invoice["state"])
        if not invoice["invoice_pdf_report_id"]:
            text = say("the invoice was not printed yet: print it in Odoo once (Send & Print), or by an automation")
            raise RecordRejected(text, code=NOT_PRINTED)
        number = invoice["invoice_pdf_report_id"][0]
        if (self._read(number, ("file_size",))["file_size"] or 0) > max_bytes:
            raise _too_large(max_bytes)
        row = self._read(number, ("name", "mimetype", "datas"))
        body = _decoded(row["datas"] or "")
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if not body.startswith(_MAGIC):
            raise RecordRejected(
                say("what hangs on the invoice is no PDF, but %(found)s", found=row["mimetype"] or "?"), code="no_pdf"
            )
        return DocumentFile((row["name"] or f"{kind}-{external_id}.pdf")[-_LONGEST_NAME:], _PDF, body)

    def _read(self, number: int, fields: tuple[str, ...]) -> JsonDict:
        rows = self._client.search(_ATTACHMENT, [["id", "=", number]], fields)
        if not rows:
            raise RecordRejected(say("the invoice's file is no longer in the ERP"), code="no_file")
        return rows[0]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RecordRejected(say("the invoice's file cannot be read"), code="no_pdf") from None


def _too_large(max_bytes: int) -> RecordRejected:
    text = say("the file is larger than the %(max_bytes)s bytes that are kept", max_bytes=max_bytes)
    return RecordRejected(text, code="too_large")
