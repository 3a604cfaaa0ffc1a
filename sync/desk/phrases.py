"""What the desk says to people: phrases (`mappings.canonical.words`), and refusals in their words."""

from __future__ import annotations

from mappings.canonical.words import Phrase, joined, quote, say, say_many

__all__ = ["Phrase", "Refusal", "joined", "quote", "say", "say_many"]


class Refusal(Exception):
    """Something was not done, and why, in plain words."""

    def __init__(self, phrase: Phrase) -> None:
        """The words; without a full stop where they become a part of a sentence."""
        super().__init__(phrase)
        self.phrase = phrase
