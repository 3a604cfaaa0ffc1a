"""A real Tryton on demand, for the demo and for tests: installed, set up, started and stopped from here."""

from connectors.sandbox.tryton.site import HOME, Erp, SandboxError, running_tryton

__all__ = ["HOME", "Erp", "SandboxError", "running_tryton"]
