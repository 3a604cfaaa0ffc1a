"""The catalogue's entries for the codes of Zoho CRM."""

from __future__ import annotations

from typing import Final

from sync.desk.catalogue.entry import Entry
from sync.desk.phrases import say

_AGAIN: Final = say("Nothing: it is tried again by itself. Report it if it stays.")
_ODD: Final = say("Zoho CRM answered in a way that it does not document.")
_RIGHTS: Final = say("The profile of the token's user lacks a right.")

ZOHO_CRM: Final = (
    Entry(
        "zoho_crm.data_centre",
        say("The connection's address is not of the data centre in which the account is."),
        say("Zoho has several data centres, each with accounts of its own; a token of one is no use in another."),
        say("Set `url` to the address of the account's data centre, which the text names, then resume."),
    ),
    Entry(
        "zoho_crm.no_token",
        say("Zoho gives the client no access token."),
        say("The client id or secret is wrong, or the refresh token was revoked; a user has twenty of them at most."),
        say("Correct `auth` of the connection, or make a new refresh token, then resume."),
    ),
    Entry(
        "zoho_crm.tokens",
        say("Zoho gives no more access tokens for ten minutes."),
        say("The same refresh token is used elsewhere too, or Redis, over which our processes share a token, is away."),
        say("Nothing: it goes on by itself. Give every program a refresh token of its own."),
    ),
    Entry(
        "zoho_crm.invalid_token",
        say("Zoho CRM does not take the access token."),
        say("The token is of another data centre, or the client was deleted."),
        say("Check `url` and `auth` of the connection, then resume."),
    ),
    Entry(
        "zoho_crm.authentication_failure",
        say("Zoho CRM does not let the client in."),
        say("The user of the token is no longer active."),
        say("Make a refresh token of an active user, then resume."),
    ),
    Entry(
        "zoho_crm.oauth_scope_mismatch",
        say("The token lacks a scope."),
        say("The refresh token was made with fewer scopes than this connector needs."),
        say("Make a refresh token with the scopes that the connector's page lists, then resume."),
    ),
    Entry(
        "zoho_crm.no_permission",
        say("The token's user may not do this in the CRM."),
        _RIGHTS,
        say("Give the profile the right that the text names, then resume."),
    ),
    Entry(
        "zoho_crm.authorization_failed",
        say("The token's user may not do this with these records."),
        _RIGHTS,
        say("Give the profile the right, or the user another role, then resume."),
    ),
    Entry(
        "zoho_crm.invalid_url_pattern",
        say("There is no API of Zoho CRM at this address."),
        say("The connection's `url` has a mistake in it, or leads to the pages for people."),
        say("Set `url` to https://www.zohoapis.eu, or to that of another data centre, then resume."),
    ),
    Entry(
        "zoho_crm.invalid_module",
        say("The CRM has no such module."),
        say("The edition does not have sales orders or quotes, or the user's profile hides the tab."),
        say("Show the module to the user, or set `orders_from` to another one, then resume."),
    ),
    Entry(
        "zoho_crm.too_many_requests",
        say("Zoho CRM asks for a pause."),
        say("Too many calls at once, or the credits of 24 hours are used up; Zoho does not say which."),
        say("Nothing: it goes on by itself. If it stays, pull less often or raise the credits of the edition."),
    ),
    Entry(
        "zoho_crm.record_locked",
        say("The record is locked in the CRM."),
        say("A person or a rule of the CRM has locked it, so that nothing may be written to it."),
        say("Unlock it there; what waits for it is written then."),
    ),
    Entry(
        "zoho_crm.record_in_blueprint",
        say("A blueprint of the CRM holds the record in its state."),
        say("The process of the CRM allows no change of this field in this state."),
        say("Bring the record on in the CRM, or leave this field out of the blueprint."),
    ),
    Entry(
        "zoho_crm.not_approved",
        say("The record waits for an approval in the CRM."),
        say("Nobody may change it before it is approved."),
        say("Approve or reject it there; what waits for it is written then."),
    ),
    *(
        Entry(
            f"zoho_crm.{code}",
            say("The record was changed in the CRM while we were writing to it."),
            say("Somebody else writes to the same record again and again."),
            say("Nothing: it is read anew and written again. Look for a rule that changes it each time, if it stays."),
        )
        for code in ("already_modified", "record_modified")
    ),
    Entry(
        "zoho_crm.rows",
        say("The CRM did not say what became of each record that was written."),
        _ODD,
        say("Nothing: what was written is looked up first. Look at the answer if it stays."),
    ),
    Entry(
        "zoho_crm.gone",
        say("The order is no longer in the CRM."),
        say("Somebody has deleted it, or the token's user may not see it any more."),
        say("Restore it from the recycle bin of the CRM, or leave it: nothing can be shown on it."),
    ),
    Entry(
        "zoho_crm.too_many",
        say("The CRM has more accounts for these customers than anybody can look at."),
        say("The field by which they are looked for holds the same text in thousands of records."),
        say("Look at the field that `vat_field` names; texts such as `-` or `none` stand in it, probably."),
    ),
    Entry("zoho_crm.no_organisation", say("The CRM says nothing of its organisation."), _ODD, _AGAIN),
    Entry("zoho_crm.not_the_record", say("The CRM answered with another record than was asked for."), _ODD, _AGAIN),
    Entry("zoho_crm.not_a_list", say("The CRM answered with something that is no list of records."), _ODD, _AGAIN),
    Entry("zoho_crm.no_time", say("A record has no time that can be read."), _ODD, _AGAIN),
    Entry("zoho_crm.old_rows", say("The list holds records older than asked for."), _ODD, _AGAIN),
    Entry(
        "zoho_crm.option",
        say("An option of the connection cannot be used."),
        say("Its value is not what it must be, or belongs to something else."),
        say("Correct it in the configuration as the text says; the connection's page of the documentation lists them."),
    ),
    Entry(
        "zoho_crm.no_key",
        say("The CRM's accounts have no field for Crossdock's key."),
        say("Without it an account whose making was not answered could be made twice, so none is made."),
        say("Make the field that the text names, of a single line and without duplicate values, then retry."),
    ),
    Entry(
        "zoho_crm.same_name",
        say("An account of the CRM has the name of a customer for whom one was to be made."),
        say("The CRM would take one for the other, and nobody but a person knows whether they are the same."),
        say("Decide it in the list of doubtful matches, or rename the account in the CRM, then retry."),
    ),
    Entry(
        "zoho_crm.elsewhere",
        say("A contact with this e-mail address is at another account of the CRM."),
        say("A contact is at one account only, and what people have put there is not moved."),
        say("Move the contact in the CRM where it is at the wrong account; else nothing."),
    ),
)
