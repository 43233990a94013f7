"""A month of the demo-app that has not been: what a Prometheus would have scraped of it, for `make demo`.

How the app behaves is not invented: `recording` runs the real one on a clock of its own, healthy and under
each fault of the story, and `month` puts those recordings together minute by minute. The same seed and the
same end are the same month.
"""
