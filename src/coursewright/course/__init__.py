"""The course itself: its model, what is planned before it, and the checks that judge it. Pure: no I/O."""
