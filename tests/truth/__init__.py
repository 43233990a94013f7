"""Ground truth: a simulated world is counted twice, by the worker and by hand, and both must agree.

The calculation by hand (accountant, coverage, journal, forms, books) is written from docs/counting.md alone
and imports nothing of the worker, so that a mistake of one is not a mistake of both.
"""
