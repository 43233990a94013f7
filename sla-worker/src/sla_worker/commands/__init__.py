"""The commands, one a file. Each `main` returns its exit code."""
