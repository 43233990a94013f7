"""The web side: pages, metrics, a small API, and the webhook for Alertmanager."""
