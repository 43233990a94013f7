"""A small multi-agent CRM with real mechanisms, into which faults can be put."""

__version__ = "0.1.0"
