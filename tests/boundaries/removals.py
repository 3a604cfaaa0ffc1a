"""Taking one safeguard out of the code, from outside: each must make a case go red, or the tests prove nothing."""

from __future__ import annotations


def take_out(name: str) -> None:
    """In this process and its children; nothing for an empty name."""
    if name:
        raise ValueError(name)
