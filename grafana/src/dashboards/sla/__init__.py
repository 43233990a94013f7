"""SLA Monitoring & Compliance: which SLAs are met, what is broken now, and how much error budget is left."""
