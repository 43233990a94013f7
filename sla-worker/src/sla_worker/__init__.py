"""Calculates SLAs from Prometheus, keeps an exact ledger of them, and reports by mail."""

__version__ = "0.1.0"
