"""The audit log: what was done to a service by whom, in lines that show whether one of them was altered."""

from headrace.audit.appending import actor, append, record
from headrace.audit.records import Head, Record, audit_file, head_file, read_lines, read_record
from headrace.audit.verifying import Verified, verify

__all__ = [
    "Head",
    "Record",
    "Verified",
    "actor",
    "append",
    "audit_file",
    "head_file",
    "read_lines",
    "read_record",
    "record",
    "verify",
]
