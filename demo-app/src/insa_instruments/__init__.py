"""The metrics of an application that the bundle's alerts, dashboards and SLAs can watch.

One module a family of metrics, each with one class whose attributes are instruments of prometheus_client.
The names, labels and buckets stand here alone. Every label set that is given to a class is made at zero, so
that no series begins with its first event.
"""
