"""ISO 4217 minor units: to how many decimals a target rounds. They never change what a source wrote."""

from __future__ import annotations

from collections.abc import Mapping

_USUAL = 2
#: The active codes of ISO 4217 list one that do not have two decimals.
_UNUSUAL: Mapping[str, int] = {
    **dict.fromkeys(
        (
            *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"),
            *("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_unit(currency: str, named: Mapping[str, int]) -> int:
    """Decimals to which a target rounds amounts in `currency`: as `named` by its connection, else the usual number."""
    digits = named.get(currency)
    return _UNUSUAL.get(currency, _USUAL) if digits is None else digits
