"""Which line of a mapping profile wrote a field that an ERP refuses."""

from __future__ import annotations

from connectors.kit.errors import RecordRejected
from mappings.canonical.words import say
from mappings.profiles import Profile
from mappings.profiles.model import Rule, rules_of


def rule_behind(profile: Profile | None, erp: str, field: str) -> Rule | None:
    """The last rule for this ERP system that writes a field, as the ERP names it: `x_depot`, `lines[0].x_depot`."""
    name = field.rpartition(".")[2]
    if profile is None or not name:
        return None
    scopes = [scope for scope_name, scope in profile.erp.get(erp, {}).items() if scope_name != "settings"]
    found = [rule for scope in scopes for rule in rules_of(scope) if rule.field.first == name]
    return found[-1] if found else None


def naming_rule(refusal: RecordRejected, profile: Profile | None, erp: str) -> RecordRejected:
    """The refusal with the profile's line, where a rule wrote what is refused; else as it is."""
    rule = rule_behind(profile, erp, refusal.field)
    if rule is None or type(refusal) is not RecordRejected:
        return refusal
    told = say(
        "%(refusal)s; the rule at %(place)s of the mapping profile writes %(field)s",
        refusal=refusal,
        place=rule.place,
        field=rule.field.path,
    )
    return RecordRejected(
        told, field=refusal.field, code=refusal.code, status=refusal.status, rolled_back=refusal.rolled_back
    )
