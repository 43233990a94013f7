"""The live proof: every shipped alert goes pending, fires, is mailed and stored, and resolves.

`scenarios.yml` says by which cause; a wave is run at a time, its lanes at the same time.
"""
