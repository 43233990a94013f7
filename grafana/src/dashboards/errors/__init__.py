"""The dashboard about what fails, and what keeps failures from spreading."""
