"""Keys of providers in the database: encrypted, one's own first, never another's, changed without a stop."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from coursewright.db.pool import Pool
from coursewright.db.scope import ScopedPool
from coursewright.errors import ConfigurationError, InvalidRequest, KeyRefused, NotFound
from coursewright.llm import Accepted, Answer, Deferred, Gateway, Message, Origin, Reply, Request, Verdict
from coursewright.llm.keys import ProviderKeys
from coursewright.llm.limits import model_states
from coursewright.llm.providers.configured import ConfiguredProviders
from coursewright.llm.providers.wiring import fingerprint
from coursewright.settings import GatewaySettings, ProviderSettings
from tests.integration.llm.gateway_bench import ALPHA, BETA, GatewayBench
from tests.integration.llm.providers import vendor as wire
from tests.integration.llm.providers.vendor import Vendor, vendor

MASTER, OLD_MASTER = (Fernet.generate_key().decode() for _ in range(2))
REQUEST = Request("compatible:qwen3", (Message("user", "What do bees eat?"),), 100)
REPLY = {
    "id": "c1", "object": "chat.completion", "created": 1, "model": "qwen3",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Honey"}}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29},
}  # fmt: skip
REFUSED = {"error": {"message": "Incorrect API key"}}


def keys(pool: Pool, *masters: str) -> ProviderKeys:
    return ProviderKeys(pool, SecretStr(",".join(masters or (MASTER,))))


def accept(reply: Reply) -> Verdict[str]:
    return Accepted(reply.text)


@pytest.fixture
def there() -> Iterator[Vendor]:
    with vendor({"POST /chat/completions": [wire.Answer(REPLY)]}) as serving:
        yield serving


class Installation:
    """A gateway whose providers take their keys from settings and database, at an endpoint that notes them."""

    def __init__(self, pool: Pool, there: Vendor) -> None:
        settings = ProviderSettings(base_url=there.url, key=SecretStr("sk-of-the-settings"))
        self.keys = keys(pool)
        self.providers = ConfiguredProviders(settings, self.keys)
        self.gateway = Gateway(pool, self.providers, GatewaySettings(prices={"compatible:*": "0"}))

    async def ask(self, organisation: UUID) -> Answer[str]:
        self.providers._known.clear()  # it looks again after some seconds
        return await self.gateway.call(Origin(organisation, str(uuid4()), "lesson_section"), REQUEST, accept)


@pytest.fixture
async def here(pool: Pool, there: Vendor) -> AsyncIterator[Installation]:
    installed = Installation(pool, there)
    yield installed
    await installed.providers.aclose()


async def test_ones_own_key_comes_first_then_the_installations_and_never_anothers(
    here: Installation, there: Vendor
) -> None:
    await here.ask(ALPHA)
    await here.keys.add("compatible", SecretStr("sk-of-alpha"), ALPHA, "first")
    await here.ask(ALPHA)
    await here.ask(BETA)
    await here.keys.add("compatible", SecretStr("sk-of-all-in-the-database"), None, "")
    await here.ask(BETA)
    await here.ask(ALPHA)
    assert there.keys == [
        "sk-of-the-settings",
        "sk-of-alpha",
        "sk-of-the-settings",
        "sk-of-all-in-the-database",
        "sk-of-alpha",
    ]


async def test_keys_change_without_a_stop_and_the_ledger_tells_them_apart(
    here: Installation, there: Vendor, pool: Pool
) -> None:
    first = await here.keys.add("compatible", SecretStr("sk-the-old-one"), ALPHA, "old")
    await here.ask(ALPHA)
    second = await here.keys.add("compatible", SecretStr("sk-the-new-one"), ALPHA, "new")
    await here.ask(ALPHA)
    await here.keys.revoke(second.id)
    await here.ask(ALPHA)
    await here.keys.revoke(first.id)
    await here.ask(ALPHA)
    assert there.keys == ["sk-the-old-one", "sk-the-new-one", "sk-the-old-one", "sk-of-the-settings"]
    used = await GatewayBench(pool).sql(
        "select array_agg(fingerprint order by started_at) from coursewright.sends where organisation_id = %s", ALPHA
    )
    assert used == [fingerprint(key) for key in there.keys]
    assert len(await model_states(pool)) == 3  # a limit and a breaker for each key
    with pytest.raises(NotFound):
        await here.keys.revoke(first.id)


async def test_a_key_that_is_refused_gives_way_to_the_owners_next_one_only(here: Installation, there: Vendor) -> None:
    await here.keys.add("compatible", SecretStr("sk-still-good"), ALPHA, "")
    await here.keys.add("compatible", SecretStr("sk-withdrawn"), ALPHA, "")
    there.answers["POST /chat/completions"] = [wire.Answer(REFUSED, 401), wire.Answer(REPLY)]
    origin = Origin(ALPHA, "task", "lesson_section")
    with pytest.raises(Deferred, match="next key"):
        await here.gateway.call(origin, REQUEST, accept)
    assert (await here.gateway.call(origin, REQUEST, accept)).value == "Honey"
    assert there.keys == ["sk-withdrawn", "sk-still-good"]
    there.answers["POST /chat/completions"] = [wire.Answer(REFUSED, 401)]
    with pytest.raises(KeyRefused):  # and not: the installation's pays for it
        await here.ask(ALPHA)
    assert there.keys[2] == "sk-still-good"


async def test_a_reply_is_fetched_with_the_key_that_asked_for_it(here: Installation) -> None:
    asked = (await here.providers.get("compatible", ALPHA)).fingerprint
    await here.keys.add("compatible", SecretStr("sk-a-later-one"), ALPHA, "")
    here.providers._known.clear()
    assert (await here.providers.get("compatible", ALPHA)).fingerprint == fingerprint("sk-a-later-one")
    assert (await here.providers.get("compatible", ALPHA, asked)).fingerprint == asked
    assert (await here.providers.get("compatible", BETA, fingerprint("sk-a-later-one"))).fingerprint == asked


async def test_a_reply_is_fetched_with_the_next_key_when_that_which_asked_is_refused(here: Installation) -> None:
    await here.keys.add("compatible", SecretStr("sk-still-good"), ALPHA, "")
    await here.keys.add("compatible", SecretStr("sk-withdrawn"), ALPHA, "")
    asked = await here.providers.get("compatible", ALPHA)
    assert asked.fingerprint == fingerprint("sk-withdrawn")
    assert await here.providers.refused(asked, ALPHA)
    next_one = await here.providers.get("compatible", ALPHA, asked.fingerprint)
    assert next_one.fingerprint == fingerprint("sk-still-good")
    assert not await here.providers.refused(next_one, ALPHA)
    assert (await here.providers.get("compatible", ALPHA, asked.fingerprint)).fingerprint in {
        asked.fingerprint,
        next_one.fingerprint,
    }  # somebody has to be asked


async def test_at_rest_a_key_is_encrypted_and_bound_to_its_owner(pool: Pool, database_url: str) -> None:
    await keys(pool).add("openai", SecretStr("sk-a-secret-of-alpha"), ALPHA, "")
    with psycopg.connect(database_url, autocommit=True) as connection:
        stored = str(connection.execute("select provider_keys::text from coursewright.provider_keys").fetchall())
        assert "sk-a-secret" not in stored
        assert b"sk-a-secret".hex() not in stored
        connection.execute("update coursewright.provider_keys set organisation_id = %s", [BETA])
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        await keys(pool).usable("openai", BETA)


async def test_the_master_key_is_replaced_in_steps(pool: Pool) -> None:
    await keys(pool, OLD_MASTER).add("openai", SecretStr("sk-a-secret"), ALPHA, "")
    with pytest.raises(ConfigurationError, match="master key that is not set"):
        await keys(pool, MASTER).usable("openai", ALPHA)
    assert await keys(pool, MASTER, OLD_MASTER).encrypt_anew() == 1
    (found,) = await keys(pool, MASTER).usable("openai", ALPHA)
    assert found.key.get_secret_value() == "sk-a-secret"


@pytest.mark.parametrize(
    ("masters", "match"), [(None, "no master key is set"), ("short", "is no master key")], ids=["none", "unreadable"]
)
async def test_without_a_master_key_nothing_is_kept_or_used(pool: Pool, masters: str | None, match: str) -> None:
    unable = ProviderKeys(pool, None if masters is None else SecretStr(masters))
    with pytest.raises(ConfigurationError, match=match):
        await unable.add("openai", SecretStr("sk-a-secret"), ALPHA, "")
    assert await unable.usable("openai", ALPHA) == []
    await keys(pool).add("openai", SecretStr("sk-a-secret"), ALPHA, "")
    with pytest.raises(ConfigurationError):  # the settings' key is no substitute
        await ConfiguredProviders(ProviderSettings(openai_key=SecretStr("x")), unable).get("openai", ALPHA)


@pytest.mark.parametrize("key", ["", "sk", "sk-with a-space", "sk-ünknown-letters"])
async def test_what_is_no_key_is_refused(pool: Pool, key: str) -> None:
    with pytest.raises(InvalidRequest):
        await keys(pool).add("openai", SecretStr(key), None, "")


async def test_a_request_sees_its_own_organisations_calls_and_no_key(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await keys(pool).add("openai", SecretStr("sk-a-secret"), ALPHA, "")
    await keys(pool).add("openai", SecretStr("sk-another"), BETA, "")
    for organisation in (ALPHA, BETA):
        await bench.ledger.limit_organisation(organisation, provider_storage=True)
        await bench.ask(organisation_id=organisation)
        await bench.ask(organisation_id=organisation, job_id=uuid4())
    tables = ("calls", "sends", "call_texts", "call_uses", "spending_limits")
    async with ScopedPool(pool, ALPHA).connection() as connection:
        for table in tables:
            cursor = await connection.execute(f"select count(*) from coursewright.{table}".encode())  # noqa: S608 - names above
            assert await cursor.fetchone() == (1,), table
        cursor = await connection.execute("select scope from coursewright.budgets order by 1")
        assert await cursor.fetchall() == [("job",), ("month",), ("organisation",)]
        cursor = await connection.execute("select fingerprint from coursewright.provider_keys")
        assert await cursor.fetchall() == [(fingerprint("sk-a-secret"),)]
    for forbidden in (
        "select secret from coursewright.provider_keys",
        "select * from coursewright.limits",
        "select * from coursewright.breakers",
        "select * from coursewright.learned",
        "update coursewright.budgets set cap = null",
        "delete from coursewright.sends",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with ScopedPool(pool, ALPHA).connection() as connection:
                await connection.execute(forbidden.encode())


async def run(url: str, *words: str, typed: str = "", master: str = MASTER) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "coursewright", "provider-keys", *words),
        env=os.environ | {"DATABASE_URL": url, "NO_COLOR": "1", "COURSEWRIGHT_MASTER_KEYS": master},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate(typed.encode())
    return process.returncode or 0, printed.decode()


async def test_the_commands_never_show_a_key(pool: Pool, database_url: str) -> None:
    code, printed = await run(database_url, "add", "openai", "--organisation", str(ALPHA), typed="sk-a-secret\n")
    assert (code, "sk-a-secret" in printed) == (0, False)
    assert fingerprint("sk-a-secret") in printed
    code, printed = await run(database_url, "list")
    assert "sk-a-secret" not in printed
    assert printed.split("\t")[1:5] == ["openai", fingerprint("sk-a-secret"), "in force", str(ALPHA)]
    (listed,) = json.loads((await run(database_url, "list", "--json"))[1])
    code, printed = await run(
        database_url, "rotate", master=f"{(await run(database_url, 'master'))[1].strip()},{MASTER}"
    )
    assert (code, "1 key" in printed) == (0, True)
    code, printed = await run(database_url, "revoke", listed["id"])
    assert code == 0
    assert json.loads((await run(database_url, "list", "--json"))[1])[0]["state"] == "revoked"
    code, printed = await run(database_url, "add", "openai", typed="sk-a-secret\n", master="")
    assert code != 0
    assert "provider-keys master" in printed


async def test_an_endpoint_can_what_its_operator_says() -> None:
    for reasons in (False, True):
        settings = ProviderSettings(base_url="http://127.0.0.1:1/v1", reasoning=reasons, json_schema="loose")
        providers = ConfiguredProviders(settings)
        known = (await providers.get("compatible", None)).abilities("qwen3")
        await providers.aclose()
        assert (known.reasoning, known.json_schema) == (reasons, "loose")
