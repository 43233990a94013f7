"""The dashboard about workers, the message bus, and what the system has left."""
