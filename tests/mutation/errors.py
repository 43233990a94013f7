"""What can go wrong with a mutation test itself; a surviving mutant is a result and no error."""


class MutationError(Exception):
    """The message holds the place, the value and the fix, in one line."""
