"""Recording rules: what they record, and the file that Prometheus reads."""
