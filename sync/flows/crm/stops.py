"""What stops a customer on its way to the CRM, with its cause, in plain words."""

from __future__ import annotations

from connectors.kit.errors import ConnectionBroken, Locked, OutcomeUnknown, RecordRejected, Transient
from mappings.canonical.words import say
from sync.rules.crm_systems import CrmSystems
from sync.rules.refusals import locked, refusal_of
from sync.rules.stops import Held, Stopped
from sync.store.issues import Cause
from sync.store.matches import Doubt
from sync.store.states import ItemState

#: What says that the CRM is not to be called at the moment.
NO_ANSWER = (Transient, ConnectionBroken, OutcomeUnknown)
#: The cause of a customer who might be one of several accounts; its subject names the customer as a match does.
AMBIGUOUS = "ambiguous_account"


def ambiguous(crm: str, doubt: Doubt) -> Stopped:
    """Nobody but a person may say which account it is."""
    found = ", ".join(f"{each.name} ({each.id})" if each.name else each.id for each in doubt.candidates)
    cause = Cause(
        cause=AMBIGUOUS,
        subject=f"party:{doubt.key}"[:255],
        connection=crm,
        title=say("%(crm)s may have this customer: %(found)s", crm=crm, found=found),
        next_step=say("say on the page of matches which account it is, or that it is none of them"),
        owner="business",
    )
    reason = say("which account of %(crm)s is it? It might be %(found)s", crm=crm, found=found)
    return Stopped(cause, reason)


def gone(systems: CrmSystems, account: str) -> Stopped:
    """It was found just now, and cannot be written to: somebody may see it who may not change it."""
    cause = Cause(
        cause="account_gone",
        connection=systems.connection,
        channel=systems.channel.name,
        title=say("accounts of %(crm)s that are found and cannot be written to", crm=systems.connection),
        next_step=say("look at the rights of the connection's user in the CRM, then retry"),
        owner="integrator",
    )
    return Stopped(
        cause, say("%(crm)s finds account %(id)s and then says that it is gone", crm=systems.connection, id=account)
    )


def meant(systems: CrmSystems, error: Exception) -> Exception:
    """A refusal of this one account, or of an entry at it, becomes a stop; every other error is what it is."""
    if isinstance(error, Locked):
        return Held([locked(error)])
    if not isinstance(error, RecordRejected):
        return error
    crm = systems.connection
    cause = Cause(
        cause="account_refused",
        subject=refusal_of(error),
        code=error.code,
        step="crm",
        channel=systems.channel.name,
        connection=crm,
        title=say("%(crm)s refuses what an account is to show: %(text)s", crm=crm, text=str(error)),
        next_step=say("correct the account or its fields in the CRM, then retry"),
        owner="integrator",
    )
    return Stopped(cause, str(error), ItemState.PARKED)
