"""The command line: progress on standard error, results on standard output, an exit code for each kind of error."""

from coursewright.cli.main import main

__all__ = ["main"]
