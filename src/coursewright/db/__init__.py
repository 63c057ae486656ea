"""Postgres: the embedded server, the pool, migrations and the loading of SQL files.

Import from the modules (`db.embedded`, `db.pool`, `db.migrate`, `db.queries`): each has one purpose.
"""

__all__: list[str] = []
