# pint looks at the Prometheus rules beyond what promtool does; tests/rules/test_pint.py runs it, without a server.

# These fire without comparing anything, and mean to: absent() has a result only while a metric is gone, and the Watchdog
# always fires; a breach has a series only while it lasts.
rule {
  match {
    kind = "alerting"
    name = "Watchdog|.+MetricsAbsent|SLABreachActive"
  }
  disable = ["alerts/comparison"]
}

# A metric counts as missing only while its target is there: that record is made once, by the group "monitoring". One that
# is an evaluation older changes nothing beside a "for" of minutes.
rule {
  match {
    kind = "alerting"
    name = ".+MetricsAbsent"
  }
  disable = ["rule/dependency"]
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
