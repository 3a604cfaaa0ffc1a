"""The doctor: everything that can be checked before an order finds out, each with what to do.

`examine` looks at everything at once, each system in a thread of its own, and is done by its deadline whatever they
do; `prove_key` shows with two real calls that an ERP keeps our documents single.
"""

from sync.desk.doctor.examine import Patient, examine, examine_connection
from sync.desk.doctor.keyproof import KeyProof, prove_key
from sync.desk.doctor.report import Line, Report, keep_report, last_checkup, last_checkups

__all__ = [
    "KeyProof",
    "Line",
    "Patient",
    "Report",
    "examine",
    "examine_connection",
    "keep_report",
    "last_checkup",
    "last_checkups",
    "prove_key",
]
