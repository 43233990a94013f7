"""What can be wrong with a configuration that shall be compressed."""


class CompressionError(Exception):
    """The message holds the place, the value and the fix."""
