"""The catalogue's entries for the codes of Fxiaoke; their ids are the vendor's own numbers."""

from __future__ import annotations

from typing import Final

from sync.desk.catalogue.entry import Entry
from sync.desk.phrases import say

_AGAIN: Final = say("Nothing: it is tried again, and what may have been written is looked up first.")
_CREDENTIALS: Final = say(
    "Compare `key` (appId), `secret` (appSecret) and `password` (permanentCode) with the app's page in Fxiaoke, then "
    "resume."
)
_RIGHTS: Final = say("Give the app and its employee the right in Fxiaoke's administration, then resume.")
_UNDOCUMENTED: Final = say("Fxiaoke answered in a way that it does not document.")

FXIAOKE: Final = (
    Entry(
        "fxiaoke.30002",
        say("The calls that the company has bought for the day are spent."),
        say(
            "Everything that calls Fxiaoke's Open API uses up the same number; it is counted anew at midnight in China."
        ),
        say("Nothing: it goes on after midnight. Buy more calls, or pull less often, where it comes again."),
    ),
    Entry(
        "fxiaoke.30003",
        say("The company has bought no calls of Fxiaoke's Open API."),
        say("Without a pack of calls Fxiaoke refuses each of them."),
        say("Buy a pack from Fxiaoke, then resume."),
    ),
    Entry(
        "fxiaoke.30004",
        say("An interface of Fxiaoke was called too fast."),
        say("Each takes 100 calls in 20 seconds, whoever makes them."),
        say("Nothing: the connection waits. Set `rate_per_s` lower where other programs call it, too."),
    ),
    Entry(
        "fxiaoke.14001",
        say("An interface of Fxiaoke takes no more calls for now."),
        say("Each takes 100 calls in 20 seconds, whoever makes them."),
        say("Nothing: the connection waits. Set `rate_per_s` lower where other programs call it, too."),
    ),
    Entry(
        "fxiaoke.minus_1",
        say("Fxiaoke is busy."),
        say("It has trouble of its own."),
        _AGAIN,
    ),
    Entry(
        "fxiaoke.minus_2",
        say("Fxiaoke had an error of its own."),
        say("It has trouble of its own."),
        _AGAIN,
    ),
    Entry(
        "fxiaoke.50009",
        say("A service of Fxiaoke did not answer in time."),
        say("It has trouble of its own."),
        _AGAIN,
    ),
    Entry(
        "fxiaoke.20016",
        say("Fxiaoke does not take the access token, and not the next one either."),
        say("The app's credentials were changed, or another program uses them up."),
        _CREDENTIALS,
    ),
    Entry(
        "fxiaoke.20005",
        say("Fxiaoke does not take the access token, and not the next one either."),
        say("The app's credentials were changed, or another program uses them up."),
        _CREDENTIALS,
    ),
    Entry(
        "fxiaoke.11003",
        say("Fxiaoke finds the access token malformed."),
        say("The credentials are of another way of asking, or of another cloud."),
        _CREDENTIALS,
    ),
    Entry(
        "fxiaoke.11014",
        say("Fxiaoke finds the access token malformed."),
        say("The credentials are of another way of asking, or of another cloud."),
        _CREDENTIALS,
    ),
    Entry(
        "fxiaoke.20006",
        say("Fxiaoke does not know this appId with this appSecret."),
        say("One of them has a mistake in it, or the secret was reset."),
        _CREDENTIALS,
    ),
    Entry(
        "fxiaoke.20015",
        say("Fxiaoke does not take the permanent code."),
        say("It has a mistake in it, or belongs to another app or company."),
        _CREDENTIALS,
    ),
    Entry(
        "fxiaoke.20017",
        say("Fxiaoke misses the company or its token in a call."),
        say("The credentials are of another way of asking, or of another cloud."),
        say(
            "Set `method` of `auth` to `bearer` or `session`, as the app was made, and `url` to its cloud, then resume."
        ),
    ),
    Entry(
        "fxiaoke.12002",
        say("Fxiaoke takes the app as not logged in."),
        say("The credentials are of another way of asking, or of another cloud."),
        _CREDENTIALS,
    ),
    Entry(
        "fxiaoke.no_token",
        say("Fxiaoke gives the app no access token."),
        say("The credentials are wrong, or the address is that of another cloud."),
        _CREDENTIALS,
    ),
    Entry(
        "fxiaoke.20012",
        say("Fxiaoke does not know the employee for whom calls are made."),
        say("In `auth`, `login` names nobody, or somebody whom the app cannot see."),
        say("Set `login` of `auth` to an employee within the app's reach, then resume."),
    ),
    Entry(
        "fxiaoke.30027",
        say("Fxiaoke does not know the employee for whom calls are made."),
        say("In `auth`, `login` names nobody, or somebody whom the app cannot see."),
        say("Set `login` of `auth` to an employee within the app's reach, then resume."),
    ),
    Entry(
        "fxiaoke.no_user",
        say("Nobody in Fxiaoke has this mobile number."),
        say("The legacy way of asking needs the employee's FSUID_, or the number by which it is found."),
        say("Correct `login` of `auth`, then resume."),
    ),
    Entry(
        "fxiaoke.15003",
        say("The app may not use this interface of Fxiaoke."),
        say("Its rights do not reach so far."),
        _RIGHTS,
    ),
    Entry(
        "fxiaoke.20014",
        say("The app may not read what belongs to this employee."),
        say("The employee is not within the app's reach."),
        _RIGHTS,
    ),
    Entry(
        "fxiaoke.20020",
        say("The app may not read this company's records."),
        say("The company has not given it the right."),
        _RIGHTS,
    ),
    Entry(
        "fxiaoke.20021",
        say("The app is switched off in Fxiaoke."),
        say("Somebody has disabled it for this company."),
        say("Switch it on in Fxiaoke's administration, then resume."),
    ),
    Entry(
        "fxiaoke.20022",
        say("The company has not authorised the app."),
        say("It was never authorised, or the authorisation was taken back."),
        say("Authorise it in Fxiaoke's administration, then resume."),
    ),
    Entry(
        "fxiaoke.20023",
        say("The app may not read this department."),
        say("The department is not within the app's reach."),
        _RIGHTS,
    ),
    Entry(
        "fxiaoke.no_envelope",
        say("The answer was not one of Fxiaoke's."),
        say("Something between us and Fxiaoke has put its own page in the answer's place."),
        _AGAIN,
    ),
    Entry(
        "fxiaoke.not_a_list",
        say("Fxiaoke answered with something that is no list of records."),
        _UNDOCUMENTED,
        say("Nothing: it is tried again. Report it where it stays so."),
    ),
    Entry(
        "fxiaoke.old_rows",
        say("A list of Fxiaoke held records that were not asked for."),
        _UNDOCUMENTED,
        say("Nothing: it is tried again. Report it where it stays so."),
    ),
    Entry(
        "fxiaoke.no_time",
        say("A record of Fxiaoke has no readable time."),
        _UNDOCUMENTED,
        say("Nothing: it is tried again. Report it where it stays so."),
    ),
    Entry(
        "fxiaoke.no_record",
        say("Fxiaoke did not say what became of a write."),
        _UNDOCUMENTED,
        say("Nothing: what may have been written is looked up first."),
    ),
    Entry(
        "fxiaoke.no_describe",
        say("Fxiaoke does not say which fields an object has."),
        say("The company does not have the object, or the app may not see it."),
        say("Correct the name of the object in the connection's options, or give the app the right to it."),
    ),
    Entry(
        "fxiaoke.under_approval",
        say("Fxiaoke's people have the order under approval, or have locked it."),
        say("While somebody has to decide about it, Fxiaoke refuses every change of it."),
        say("Approve, refuse or unlock it in Fxiaoke. It goes on by itself then."),
    ),
    Entry(
        "fxiaoke.gone",
        say("The record is no longer in Fxiaoke, or the app's employee may not see it."),
        say("Somebody has deleted it, or taken it out of the employee's reach."),
        say("Look for it in Fxiaoke's recycle bin, restore it and retry; or reject the order."),
    ),
    Entry(
        "fxiaoke.not_kept",
        say("Fxiaoke took a value and does not show it."),
        say("The field takes only its own options, computes itself, or may not be written by the app's employee."),
        say("Correct the field in Fxiaoke, or name another one in the connection's options, then retry."),
    ),
    Entry(
        "fxiaoke.no_field",
        say("There is no place in Fxiaoke for what is to be told."),
        say("The connection names no field of the order for parcels, and no object for them either."),
        say("Set the option `shipment_field` or `shipment_object`, or `shipments: off` in `after_import`, then retry."),
    ),
    Entry(
        "fxiaoke.exists",
        say("Fxiaoke has a record with this key already."),
        say("It was made before, by an earlier try whose answer was lost."),
        say("Nothing: it is looked up by its key and gone on with."),
    ),
    Entry(
        "fxiaoke.checkpoint",
        say("The place from which to read on is none of this connector."),
        say("The connection was of another system before, or the database comes from elsewhere."),
        say("Rewind the connection to a date; nothing is lost, and nothing is made twice."),
    ),
    Entry(
        "fxiaoke.no_key",
        say("The connection names no field of customers for Crossdock's key."),
        say("Without it a customer whose making was not answered could be made twice, so none is made."),
        say("Make a text field with unique values, name it in the option `account_key_field`, then retry."),
    ),
    Entry(
        "fxiaoke.no_object",
        say("The connection names no object for the histories of customers."),
        say("Fxiaoke has none of its own for them that is documented; the company makes one."),
        say("Make the object, name it and its fields in the options `entry_...`, then retry."),
    ),
)
