"""Questions about what the sources define, number and tabulate: one module a kind of draft, and `write`."""
