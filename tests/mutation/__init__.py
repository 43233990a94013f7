"""Mutation tests of the alert rules: each rule is changed a little, and one of its cases must notice.

A changed rule is a mutant. A mutant that no case notices survives, and shows what the cases do not hold fast.
docs/mutation.md says how to read the result.
"""
