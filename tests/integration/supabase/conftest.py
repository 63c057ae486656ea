"""A Supabase project in a database of its own: roles, the schema auth, the application's tables; not yet migrated."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

APPLICATION = Path(__file__).with_name("application.sql")
OWNER = "supabase_owner"  # Supabase calls it postgres; it may create roles and databases, and is no superuser
USER = "00000000-0000-0000-0000-0000000000aa"

_ROLES = {
    OWNER: "login createrole createdb replication bypassrls",
    "supabase_auth_admin": "nologin",
    "anon": "nologin",
    "authenticated": "nologin",
    "service_role": "nologin bypassrls",
}
_AUTH = f"""
    create schema auth authorization supabase_auth_admin;
    create table auth.users (id uuid primary key, email text);
    alter table auth.users owner to supabase_auth_admin;
    create function auth.jwt() returns jsonb stable language sql as
        $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{{}}')::jsonb $$;
    create function auth.uid() returns uuid stable language sql as $$ select (auth.jwt() ->> 'sub')::uuid $$;
    create function auth.role() returns text stable language sql as $$ select auth.jwt() ->> 'role' $$;
    grant usage on schema auth to {OWNER}, anon, authenticated, service_role;
    grant select, references on auth.users to {OWNER};
    grant all on schema public to {OWNER};
    grant usage on schema public to anon, authenticated, service_role;
"""


@pytest.fixture
def project(empty_database_url: str) -> Iterator[str]:
    """URL of the project for the role of migrations."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        for role, rights in _ROLES.items():
            connection.execute(
                f"do $$ begin create role {role} {rights}; exception when duplicate_object or unique_violation"
                " then null; end $$".encode()
            )
        connection.execute(f"grant anon, authenticated, service_role to {OWNER}".encode())
        # What another database of this server has made belongs to its maker; each database needs it for its own owner.
        connection.execute(
            f"do $$ begin create role coursewright_api nologin; exception when duplicate_object or unique_violation"
            f" then null; end $$; grant coursewright_api to {OWNER}".encode()
        )
        connection.execute(
            sql.SQL("alter database {} owner to {}").format(
                sql.Identifier(connection.info.dbname), sql.Identifier(OWNER)
            )
        )
        connection.execute(_AUTH.encode())
        connection.execute("insert into auth.users values (%s, 'author@example.com')", [USER])
    owner = make_conninfo(empty_database_url, user=OWNER)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(APPLICATION.read_text().encode())
    yield owner
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("drop publication if exists supabase_realtime")
