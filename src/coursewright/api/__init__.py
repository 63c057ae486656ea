"""The HTTP service: routes, schemas, problems. `application.create_app` builds it."""
