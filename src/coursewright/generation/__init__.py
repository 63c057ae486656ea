"""How a course comes about: the graph of tasks, the steps that carry them out, the authors that write."""
