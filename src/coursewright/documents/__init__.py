"""From files to passages: reading, splitting, storing and finding them again."""
