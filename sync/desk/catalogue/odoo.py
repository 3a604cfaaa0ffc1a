"""The catalogue's entries for the codes of Odoo."""

from __future__ import annotations

from typing import Final

from sync.desk.catalogue.entry import Entry
from sync.desk.phrases import say

ODOO: Final = (
    Entry(
        "odoo.no_odoo",
        say("There is no Odoo at this address."),
        say("The address is another site's, or has a path in it that does not belong there."),
        say("Set `url` to the server's own address, then resume."),
    ),
    Entry(
        "odoo.not_found",
        say("Odoo does not find what was asked for."),
        say("The server has several databases and does not know which is meant, or the address is another site's."),
        say("Set the option `database`, check `url`, then resume."),
    ),
    Entry(
        "odoo.version",
        say("This Odoo is too old."),
        say("Crossdock speaks to Odoo 17 and newer."),
        say("Update Odoo, then resume."),
    ),
    Entry(
        "odoo.login",
        say("Odoo does not know the login with this key."),
        say("The login, the key or the database is wrong; Odoo does not say which."),
        say("Correct `auth.login`, `auth.key` and the option `database`, then resume."),
    ),
    Entry(
        "odoo.access",
        say("Odoo does not let the key's user do this."),
        say("A group is missing, or a rule of access hides the records from the user."),
        say("Give the integration's user the groups that the text names, then resume."),
    ),
    Entry(
        "odoo.unknown_name",
        say("Odoo does not know a model, a method or a field that we named."),
        say("The app that has it is not installed, or a rule of the mapping names a field that is not there."),
        say("Install the app that the text names, or correct the mapping; then resume or retry."),
    ),
    Entry(
        "odoo.busy",
        say("Two changes in Odoo wanted the same records at once, and one had to give way."),
        say("Other users or jobs write there at the same time. Nothing was kept."),
        say("Nothing: it is tried again by itself."),
    ),
    Entry(
        "odoo.load",
        say("Odoo does not take the values of the document."),
        say("A product, customer or tax is gone, or a rule of an app refuses the values. Nothing was kept."),
        say("Correct what the text names, then retry."),
    ),
    Entry(
        "odoo.wizard",
        say("Odoo asks a person something instead of doing it."),
        say("An app has put a question before the step: a credit limit, a missing address, an approval."),
        say("Do this step once in Odoo and answer the question, or switch it off there; then retry."),
    ),
    Entry(
        "odoo.gone",
        say("The document is gone in Odoo."),
        say("Somebody deleted it meanwhile."),
        say("Look at the order; a retry makes it anew."),
    ),
    Entry(
        "odoo.shape",
        say("Odoo answered with something that is no answer of Odoo."),
        say("A proxy or an app has put its own answer in its place."),
        say("Nothing: what was written is looked up first. Look at the answer if it stays."),
    ),
    Entry(
        "odoo.checkpoint",
        say("The place from which to read on is none of this connector."),
        say("The connection was of another system before, or the database comes from elsewhere."),
        say("Rewind the connection to a date; nothing is lost, and nothing is made twice."),
    ),
    Entry(
        "odoo.nothing_due",
        say("Odoo has nothing of this sale to invoice."),
        say("It was invoiced meanwhile, or its articles are invoiced as delivered and nothing has left."),
        say("Nothing, if the sale shows its invoice; else see what the sale says in Odoo."),
    ),
    Entry(
        "odoo.not_invoiced",
        say("Odoo's wizard has ended, and the sale has no new invoice."),
        say("An app of Odoo makes the invoices of sales in another way, or later."),
        say("Look at the sale in Odoo; make its invoice there, then retry."),
    ),
    Entry(
        "odoo.wrong_state",
        say("A document was posted, and Odoo shows it in another state."),
        say("An app of Odoo has held the posting back, or a person has changed the document at the same time."),
        say("Look at the document in Odoo, then retry: it is read again first."),
    ),
    Entry(
        "odoo.state",
        say("Odoo shows the invoice as not posted."),
        say("Only a posted invoice can be paid."),
        say("Post the invoice in Odoo, then retry."),
    ),
    Entry(
        "odoo.overpaid",
        say("More is to be paid than the invoice is open for."),
        say("Somebody has booked a payment or a credit note on it already."),
        say("See in Odoo what is booked on the invoice; approve if the payment is there."),
    ),
    Entry(
        "odoo.not_matched",
        say("The payment stands in Odoo, but the invoice is open as before."),
        say("The invoice was paid in another way meanwhile, or the two are on different accounts of the customer."),
        say("Match the payment with the invoice in Odoo, then retry."),
    ),
    Entry(
        "odoo.cancelled",
        say("People have cancelled the payment in Odoo."),
        say("A key is used once, so it is not made a second time."),
        say("Set the payment in Odoo back to draft, or make another one there and approve."),
    ),
    Entry(
        "odoo.no_account",
        say("The journal of the payment method has no account."),
        say("Neither the journal nor its payment methods name one."),
        say("Give the journal an account in Odoo, then retry."),
    ),
    Entry(
        "odoo.no_warehouse",
        say("The company has no warehouse into which goods can come back."),
        say("Odoo has none for this company, or hides it from the key's user."),
        say("Make a warehouse, or give the user the group Inventory: User; then retry."),
    ),
    Entry(
        "odoo.no_file",
        say("Odoo has no file of this document."),
        say("Only invoices and credit notes are printed, or the file was removed."),
        say("Print the invoice in Odoo again, then retry."),
    ),
    Entry(
        "odoo.no_pdf",
        say("What hangs on the invoice in Odoo is no PDF."),
        say("An app or a person has put another file in its place."),
        say("Print the invoice in Odoo again, then retry."),
    ),
    Entry(
        "odoo.not_printed",
        say("The invoice was not printed in Odoo yet."),
        say("Odoo prints nothing for a key: a person does it, or an automation."),
        say("Print it once (Send & Print); its file is fetched then."),
    ),
    Entry(
        "odoo.too_large",
        say("The printed file is larger than we keep."),
        say("The report has large pictures, or very many lines."),
        say("Make the report smaller in Odoo, then retry."),
    ),
    Entry(
        "odoo.picked",
        say("The goods are being picked already, or have left."),
        say("They were refunded in the shop after somebody in Odoo had begun."),
        say("Take them out of the picking in Odoo, or send them; approve the order if they are to be sent."),
    ),
    Entry(
        "odoo.steps",
        say("The goods go through several pickings in Odoo, so we take nothing out of them."),
        say("Asking the last picking for less does not reach the ones before it."),
        say("Take the goods out of the pickings in Odoo; the order goes on by itself."),
    ),
)
