"""Who may ask the service, how often and how much: bearer tokens with scopes, rates, and the size of bodies."""

from headrace.access.binding import bound_host, warn_if_open
from headrace.access.gate import Gate, TokenGate, open_gate
from headrace.access.guarding import Guarded
from headrace.access.refusing import Refused
from headrace.access.tokens import Scope, Token, create, read_tokens, revoke

__all__ = [
    "Gate",
    "Guarded",
    "Refused",
    "Scope",
    "Token",
    "TokenGate",
    "bound_host",
    "create",
    "open_gate",
    "read_tokens",
    "revoke",
    "warn_if_open",
]
