"""A local Third-Party Device-ID service: real mutual TLS, the vendor's rules, and named faults.

What Pebble is to ACME clients: something to run tests and demonstrations against, with nothing of production in it.
``Simulator.running()`` serves it from a thread, ``python -m simulator serve`` from a terminal.
"""

from simulator.certificates import CertificateRecord
from simulator.clock import Clock
from simulator.faults import FAULTS
from simulator.journal import Request
from simulator.simulator import Simulator
from simulator.tenants import Tenant
from simulator.tokens import TokenRecord, TokenRules

__all__ = ["FAULTS", "CertificateRecord", "Clock", "Request", "Simulator", "Tenant", "TokenRecord", "TokenRules"]
