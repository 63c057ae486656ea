"""The HTTP service: routes, schemas, problems. `create_app` builds the ASGI application."""

from coursewright.api.application import create_app

__all__ = ["create_app"]
