"""What can go wrong in the proof."""


class ProofError(Exception):
    """Something that was to be shown did not show; the message says what, and what was seen last."""


class RefusalError(Exception):
    """The proof cannot begin; the message says why, and the fix."""


class StoppedError(Exception):
    """Somebody asked for the end."""
