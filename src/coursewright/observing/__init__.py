"""What is seen of a process from outside: logs, traces and error reports, without secrets and content."""
