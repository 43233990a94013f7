"""The dashboard about requests to agents."""
