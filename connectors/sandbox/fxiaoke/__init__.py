"""A stateful stand-in for one company on Fxiaoke: tokens, both ways of asking, records, approval, limits, faults."""

from __future__ import annotations

from connectors.sandbox.fxiaoke.app import FxiaokeApp, serve_company
from connectors.sandbox.fxiaoke.company import Company, CompanySettings

__all__ = ["Company", "CompanySettings", "FxiaokeApp", "serve_company"]
