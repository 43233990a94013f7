"""The errors that keep the app from starting: what is wrong, and how to fix it."""


class StartError(Exception):
    """Something that whoever starts the app can put right; the message holds the value."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix

    @property
    def lines(self) -> str:
        """The two lines that the terminal shows."""
        return f"error: {self}\nfix:   {self.fix}"
