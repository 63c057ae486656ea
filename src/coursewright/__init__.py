"""Turn an organisation's documents into complete, cited online courses, as durable background work."""

__version__ = "0.1.0"

__all__ = ["__version__"]
