"""Chaos: a whole installation under load and faults, and a checker that proves from three ledgers what came of it.

`python -m tests.chaos --seconds 90 --seed 7 [--database postgresql] [--workers 4] [--plan]`, see docs/chaos.md.
"""
