"""Who gets in: keys, tokens, cookies; and who does not."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from coursewright.access.session_cookie import access_token
from coursewright.db.pool import Pool
from tests.integration.api.conftest import OURS, Service, served
from tests.loopback import web_server

SECRET = "a-secret-of-at-least-thirty-two-bytes"
LIST = "/api/course-generation/v2"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


def token(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, str] | None = None, **claims: Any) -> str:
    """Return a token as Supabase makes them."""
    told = {
        "sub": str(uuid4()),
        "aud": "authenticated",
        "exp": time.time() + 600,
        "app_metadata": {"organisation_id": str(OURS), "role": "teacher"},
    }
    return jwt.encode(told | claims, key, algorithm, headers=headers)


@pytest.fixture
def published() -> Iterator[str]:
    """Address of a server that publishes the public keys."""
    keys = [
        jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True) | {"kid": "e"},
        jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True) | {"kid": "r"},
    ]

    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": keys}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with web_server(Published) as url:
        yield f"{url}/keys"


@pytest.fixture
async def tokens(pool: Pool, database_url: str, published: str) -> AsyncIterator[Service]:
    auth = {"jwt_secret": SECRET, "jwks_url": published}
    async with served(pool, database_url, auth=auth, api={"cors_origins": ["https://app.example"]}) as service:
        yield service


async def _status(service: Service, credential: str | None, **request: Any) -> int:
    headers = request.pop("headers", {}) | ({"Authorization": f"Bearer {credential}"} if credential else {})
    answer = await service.anonymous.request(request.pop("method", "GET"), LIST, headers=headers, **request)
    return answer.status_code


async def test_a_key_works_until_it_is_revoked(service: Service) -> None:
    key, made = await service.program.keys.create("k", OURS, uuid4(), "teacher")
    assert await _status(service, key) == 200
    await service.program.keys.revoke(made.id)
    assert await _status(service, key) == 401


async def test_a_key_is_kept_as_a_hash_only(service: Service, pool: Pool) -> None:
    key, _ = await service.program.keys.create("k", OURS, uuid4(), "teacher")
    async with pool.connection() as connection:
        rows = await (await connection.execute("select t::text from coursewright.api_keys t")).fetchall()
    assert not any(key[10:] in text for (text,) in rows)


@pytest.mark.parametrize("credential", ["cw_wrong", "cw_", "nonsense", "a.b.c"])
async def test_what_is_no_credential_is_refused(service: Service, credential: str) -> None:
    assert await _status(service, credential) == 401


async def test_other_schemes_are_refused(service: Service) -> None:
    assert await _status(service, None, headers={"Authorization": "Basic eDp5"}) == 401


async def test_tokens_of_each_kind_are_accepted(tokens: Service) -> None:
    assert await _status(tokens, token()) == 200
    assert await _status(tokens, token(EC_KEY, "ES256", {"kid": "e"})) == 200
    assert await _status(tokens, token(RSA_KEY, "RS256", {"kid": "r"})) == 200


FORGED = {
    "expired": lambda: token(exp=time.time() - 60),
    "not yet valid": lambda: token(nbf=time.time() + 600),
    "without an end": lambda: jwt.encode({"sub": str(uuid4()), "aud": "authenticated"}, SECRET, "HS256"),
    "for others": lambda: token(aud="anon"),
    "of another secret": lambda: token("another-secret-of-thirty-two-bytes!!"),
    "unsigned": lambda: token("", "none"),
    "signed with the public key": lambda: _signed_with_the_public_key(),
    "of an unknown key": lambda: token(EC_KEY, "ES256", {"kid": "x"}),
    "of a key without a name": lambda: token(EC_KEY, "ES256"),
    "for nobody": lambda: token(sub="nobody"),
}


def _signed_with_the_public_key() -> str:
    """The classic confusion: the public key, which all know, used as the secret of HS256."""
    public = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = token().rpartition(".")[0]
    seal = hmac.digest(public, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_token_that_is_not_right_is_refused(tokens: Service, forge: Any) -> None:
    assert await _status(tokens, forge()) == 401


async def test_while_the_issuer_is_away_nobody_is_told_that_a_token_is_wrong(pool: Pool, database_url: str) -> None:
    signed = token(EC_KEY, "ES256", {"kid": "e"})
    async with served(pool, database_url, auth={"jwks_url": "http://127.0.0.1:9/keys"}) as service:
        answer = await service.anonymous.get(LIST, headers={"Authorization": f"Bearer {signed}"})
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_user_without_an_organisation_is_forbidden(tokens: Service) -> None:
    assert await _status(tokens, token(app_metadata={})) == 403
    none = {"Authorization": f"Bearer {token(app_metadata={'organisation_id': 'none'})}"}
    answer = await tokens.anonymous.get(LIST, headers=none)
    assert answer.status_code == 403
    assert "the claim app_metadata.organisation_id" in answer.json()["hint"]


async def test_the_organisation_may_come_from_a_query(pool: Pool, database_url: str) -> None:
    user, stranger = uuid4(), uuid4()
    async with pool.connection() as connection:
        await connection.execute("create table members (user_id uuid, org uuid, role text)")
        await connection.execute("insert into members values (%s, %s, 'teacher')", [user, OURS])
    query = "select org as organisation_id, role from members where user_id = %(user_id)s"
    async with served(pool, database_url, auth={"jwt_secret": SECRET, "membership_query": query}) as service:
        assert await _status(service, token(sub=str(user), app_metadata={})) == 200
        # A claim that the user could write is not believed when a query is configured.
        assert await _status(service, token(sub=str(stranger))) == 403


def _cookie(value: str) -> dict[str, str]:
    session = json.dumps({"access_token": value, "refresh_token": "x" * 3000})
    coded = "base64-" + base64.urlsafe_b64encode(session.encode()).decode().rstrip("=")
    return {"sb-ref-auth-token.0": coded[:3000], "sb-ref-auth-token.1": coded[3000:]}


@pytest.mark.parametrize(
    "cookies",
    [
        _cookie("t.o.k"),
        {"sb-ref-auth-token": quote(json.dumps(["t.o.k", "refresh"]))},
        {"sb-ref-auth-token": quote(json.dumps({"access_token": "t.o.k"}))},
        {"other": "x"} | _cookie("t.o.k"),
    ],
)
def test_every_form_of_the_session_cookie_is_read(cookies: dict[str, str]) -> None:
    assert access_token(cookies) == "t.o.k"


@pytest.mark.parametrize(
    "cookies",
    [
        {},
        {"sb-ref-auth-token": "x"},
        {"sb-ref-auth-token": "base64-!!"},
        {"sb-ref-auth-token": "[]"},
        {"auth-token": "{}"},
        {"sb-ref-auth-token": "[" * 30_000},
        {"sb-ref-auth-token": r'{"access_token": "\ud800"}'},
    ],
)
def test_a_broken_session_cookie_is_none(cookies: dict[str, str]) -> None:
    assert access_token(cookies) is None


def _cookies(value: str) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={part}" for name, part in _cookie(value).items())}


async def test_a_cookie_reads_and_writes_from_allowed_origins_only(tokens: Service) -> None:
    sent = _cookies(token())
    assert await _status(tokens, None, headers=sent) == 200
    body = {"method": "POST", "json": {"baseClassId": str(UUID(int=1))}}
    for origin, status in (
        ("https://app.example", 404),
        ("http://localhost", 404),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        (None, 403),
    ):
        headers = sent | ({"Origin": origin} if origin else {})
        assert await _status(tokens, None, headers=headers, **body) == status, origin


async def test_a_key_needs_no_origin(service: Service) -> None:
    headers = {"Origin": "https://anywhere.example"}
    assert await _status(service, service.ours.key, headers=headers) == 200


async def test_without_keys_the_owner_of_the_machine_gets_in_by_loopback_names_only(
    pool: Pool, database_url: str
) -> None:
    async with served(pool, database_url, local=True) as service:
        assert await _status(service, None) == 200
        assert await _status(service, None, headers={"Host": "rebound.example"}) == 421
        assert await _status(service, None, headers={"Host": "["}) == 421
        assert await _status(service, None, headers={"Origin": "https://evil.example"}) == 403
        assert await _status(service, None, headers={"Origin": "http://localhost"}) == 200
        await service.program.keys.create("first", OURS, uuid4(), "admin")
        assert await _status(service, None) == 401


async def test_revoking_the_last_key_opens_nothing(pool: Pool, database_url: str) -> None:
    async with served(pool, database_url, local=True) as service:
        _, made = await service.program.keys.create("only", OURS, uuid4(), "admin")
        await service.program.keys.revoke(made.id)
        assert await _status(service, None) == 401


async def test_answers_carry_security_headers(service: Service) -> None:
    answer = await service.ours.http.get(LIST)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


async def test_only_listed_origins_may_read_answers(tokens: Service) -> None:
    preflight = {"Access-Control-Request-Method": "POST"}
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        answer = await tokens.anonymous.options(LIST, headers=preflight | {"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed


async def test_measures_need_their_token(pool: Pool, database_url: str) -> None:
    async with served(pool, database_url, api={"metrics_token": "m"}) as service:
        assert (await service.anonymous.get("/metrics")).status_code == 401
        answer = await service.anonymous.get("/metrics", headers={"Authorization": "Bearer m"})
        assert answer.status_code == 200
        assert "coursewright_queue_age_seconds" in answer.text
    async with served(pool, database_url) as service:
        assert (await service.ours.http.get("/metrics")).status_code == 401


async def test_no_secret_is_logged(tokens: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secret = token()
    await _status(tokens, secret)
    await _status(tokens, "cw_secret")
    await asyncio.sleep(0)
    assert secret not in caplog.text
    assert "cw_secret" not in caplog.text
