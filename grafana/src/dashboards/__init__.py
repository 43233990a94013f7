"""Grafana dashboards and the SLA alert rule as code: Python in, provisioning files out."""
