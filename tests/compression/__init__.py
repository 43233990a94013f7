"""Copies of the shipped Prometheus and Alertmanager configuration in which time runs faster.

Live tests use them, so that an alert which needs ten minutes fires within one. Every duration in a rule is
divided by one factor, in expressions through the parser's tree; nothing else changes.
"""
