# pint looks at the Prometheus rules beyond what promtool does; tests/rules/test_pint.py runs it, without a server.

# These fire without comparing anything, and mean to: absent() has a result only while a metric is gone, and the Watchdog
# always fires.
rule {
  match {
    kind = "alerting"
    name = "Watchdog|.+MetricsAbsent"
  }
  disable = ["alerts/comparison"]
}

# Two jobs are two alerts: no sum of a hand-written rule may mix them.
rule {
  match {
    kind = "alerting"
    path = "prometheus/rules/[^/]+"
  }
  aggregate ".+" {
    keep     = ["job"]
    severity = "bug"
  }
}
