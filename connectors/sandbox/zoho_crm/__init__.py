"""A stateful stand-in for one organisation of Zoho CRM v8: tokens, records, queries, notifications, scripted faults."""

from __future__ import annotations

from connectors.sandbox.zoho_crm.app import ZohoCrmApp, serve_crm
from connectors.sandbox.zoho_crm.organisation import Organisation, OrganisationSettings

__all__ = ["Organisation", "OrganisationSettings", "ZohoCrmApp", "serve_crm"]
