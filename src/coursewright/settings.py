"""Settings: environment variables (`COURSEWRIGHT_…`), a `.env` file, and the well-known names of the field.

Only `app`, `api` and `cli` read them; every component gets its own section.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Optional = Annotated[int | None, BeforeValidator(_none_if_blank)]  # a variable that is set to nothing


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DatabaseSettings(_Section):
    """Where Postgres is and how it is talked to."""

    pool_size: int = Field(10, ge=1, description="Most connections that one process opens.")
    connect_timeout: float = Field(10, gt=0, description="Seconds to wait for a connection.")


class WorkerSettings(_Section):
    """How a worker leases and carries out tasks."""

    concurrency: int = Field(
        4, ge=1, le=10_000, description="Tasks that one worker carries out at once. Not set: 32 where models write."
    )
    lease_seconds: float = Field(15, gt=0, description="A task whose worker is silent for so long is rescued.")
    heartbeat_seconds: float = Field(5, gt=0, description="How often a worker renews its leases.")
    control_seconds: float = Field(1, gt=0, description="How often a worker looks for pauses and cancellations.")
    max_rescues: int = Field(5, ge=0, description="A task that outlives so many workers fails as poison.")
    grace_seconds: float = Field(10, ge=0, description="On SIGTERM: how long running tasks may finish.")


class DocumentSettings(_Section):
    """Limits on what is read, per file."""

    max_file_mb: int = Field(200, gt=0, description="Largest file.")
    max_unpacked_mb: int = Field(1000, gt=0, description="Most that an archive (DOCX, EPUB, …) may unpack to.")
    memory_mb: int = Field(1500, gt=0, description="Memory of the subprocess that reads a file.")
    seconds: float = Field(180, gt=0, description="Time to read one file.")
    readers: int = Field(0, ge=0, description="Files read at once; 0: one a core.")
    embedder: str = Field("", description="`minilm` (English; extra `embeddings`, pgvector) or empty: search by words.")
    source_query: str | None = Field(
        None,
        description="SQL that names the application's own documents of %(base_class_id)s of %(organisation_id)s.",
    )
    source_seconds: float = Field(30, gt=0, le=600, description="Time for that query.")
    storage_url: str | None = Field(
        None, description="The application's Supabase Storage: https://REF.supabase.co/storage/v1."
    )
    storage_key: SecretStr | None = Field(None, description="Its service key.")


class ApiSettings(_Section):
    """The HTTP service."""

    host: str = Field("127.0.0.1", description="Address to listen on. Without keys only a loopback address is allowed.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    cors_origins: tuple[str, ...] = Field((), description="JSON list of other origins whose pages may call the API.")
    max_body_kb: int = Field(256, gt=0, description="Largest request body, uploads aside.")
    max_upload_mb: int = Field(50, gt=0, description="Largest uploaded or fetched document.")
    max_documents: int = Field(2000, gt=0, description="Most documents in one knowledge base.")
    url_seconds: float = Field(30, gt=0, description="Time to fetch a document from a URL, redirects included.")
    url_networks: tuple[str, ...] = Field(
        (), description="JSON list of networks that are not global and may be fetched from (an intranet)."
    )
    keepalive_seconds: float = Field(15, gt=0, description="Silence after which an event stream sends a comment.")
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for /metrics; without one it answers only where no key is needed."
    )


class LogSettings(_Section):
    """What `serve`, `worker` and `tick` write to standard error."""

    format: Literal["auto", "json", "text"] = Field(
        "auto", description="`json`: an object a line; `text`: for people; `auto`: text on a terminal, else JSON."
    )
    level: Literal["debug", "info", "warning", "error"] | None = Field(
        None, description="Least level; empty: info, of ticks warning."
    )


class AuthSettings(_Section):
    """Who is recognised besides the holders of API keys: users with a JWT of Supabase, or of the same form."""

    jwt_secret: SecretStr | None = Field(None, description="Secret of HS256 tokens.")
    jwks_url: str | None = Field(None, description="Where the public keys of ES256 and RS256 tokens are.")
    jwt_audience: str = Field("authenticated", description="Audience that a token must have.")
    jwt_issuer: str | None = Field(None, description="Issuer that a token must have.")
    organisation_claim: str = Field(
        "app_metadata.organisation_id", description="Claim with the organisation's id; dots lead into objects."
    )
    role_claim: str = Field("app_metadata.role", description="Claim with the role.")
    membership_query: str | None = Field(
        None,
        description="SQL with %(user_id)s that gives organisation_id and role, asked instead of the two claims.",
    )
    default_role: str = Field("student", description="Role of a token that names none.")


class Windows(_Section):
    """How many requests for courses are accepted in sliding windows of time."""

    minute: Optional = Field(None, ge=1, description="Courses a minute; empty: no limit.")
    hour: Optional = Field(None, ge=1, description="Courses an hour; empty: no limit.")
    day: Optional = Field(None, ge=1, description="Courses a day; empty: no limit.")


class RoleLimits(Windows):
    """The windows of one user, and how many of the user's courses are made at once; others wait in the queue."""

    at_once: Optional = Field(None, ge=1, description="Courses under way at once; empty: no limit.")


class LimitSettings(_Section):
    """How many courses may be asked for: by one user in each role, by one organisation, by everyone together.

    Whoever is above a window gets 429. A role that is not listed has the limits of `student`.
    """

    enabled: bool = Field(True, description="Whether limits of users are kept at all.")
    student: RoleLimits = RoleLimits(minute=2, hour=10, day=50, at_once=1)
    teacher: RoleLimits = RoleLimits(minute=5, hour=30, day=200, at_once=3)
    admin: RoleLimits = RoleLimits(minute=10, hour=100, day=1000, at_once=10)
    super_admin: RoleLimits = RoleLimits(minute=20, hour=500, day=5000, at_once=20)
    organisation: Windows = Windows()
    everyone: Windows = Windows()

    @model_validator(mode="before")
    @classmethod
    def _keep_the_other_windows(cls, given: Any) -> Any:
        """Whoever sets one window of a role means to keep the others."""
        if not isinstance(given, dict):
            return given
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return given | {
            name: defaults[name].model_dump() | value
            for name, value in given.items()
            if isinstance(value, dict) and isinstance(defaults.get(name), Windows)
        }


class TickSettings(_Section):
    """Time-boxed passes, for hosts that end a request after some seconds."""

    budget: float = Field(
        50, gt=0.5, le=3600, description="Seconds of one tick; one to three less than the host's own limit."
    )
    chains: int = Field(
        2, ge=0, description="A tick rings for the next one while work remains and fewer others are at work."
    )


class ModelLimits(_Section):
    """What a provider allows for one model under one key, a minute. None: learned from headers and refusals."""

    requests: float | None = Field(None, gt=0, description="Requests a minute.")
    tokens: float | None = Field(None, gt=0, description="Tokens a minute, input and output.")


class GatewaySettings(_Section):
    """How models are called: time, turns, money, limits, cache."""

    timeout_seconds: float = Field(60, gt=0, description="Time for a reply, besides what its length allows for.")
    tokens_per_second: float = Field(20, gt=0, description="Slowest writing that a reply is waited for.")
    most_seconds: float = Field(600, gt=0, description="Longest time that any reply is waited for.")
    grace_seconds: float = Field(15, gt=0, description="Time to store a reply before its call is given up.")
    max_turns: int = Field(
        3, ge=1, description="Replies that are asked for before a task fails (first try and repairs)."
    )
    max_sends: int = Field(8, ge=1, description="Tries of one turn that fail without a reply.")
    poll_seconds: float = Field(5, gt=0, description="How often a reply made in the background is asked for.")
    background_seconds: float = Field(
        540, gt=0, description="How long a provider keeps a reply made in the background."
    )
    calls_at_once: int = Field(100, ge=1, description="Calls in flight of one organisation.")
    line_seconds: float = Field(20, gt=0, description="How far ahead one organisation may book a limit.")
    month_budget: float | None = Field(None, ge=0, description="Dollars an organisation may spend in a month.")
    limits: dict[str, ModelLimits] = Field({}, description="By `provider:model` or `provider:*`.")
    prices: dict[str, str] = Field(
        {}, description="By `provider:model` or `provider:*`: `input/output` in dollars a million tokens."
    )
    wave_seconds: float = Field(60, ge=0, description="How long calls wait to be handed in as one batch.")
    wave_calls: int = Field(200, ge=1, description="So many waiting calls are handed in at once.")
    batch_calls: int = Field(5000, ge=1, description="Most calls in one batch.")
    batch_tokens: float = Field(2_000_000, gt=0, description="Tokens that a provider lets wait in batches of a model.")
    batch_seconds: float = Field(86_400, gt=0, description="How long a batch may take before it is cancelled.")
    batch_poll_seconds: float = Field(60, gt=0, description="How often a batch is asked for.")
    batch_deadline_seconds: float = Field(
        86_400, gt=0, description="A job that is not urgent is done so long after its first call."
    )
    batch_margin_seconds: float = Field(
        7_200, ge=0, description="So long before that, what is not done yet is asked for at once."
    )
    flex_multiplier: float = Field(0.5, gt=0, le=1, description="Price of a call in a provider's cheaper tier (flex).")
    flex_seconds: float = Field(900, gt=0, description="How long a reply of the cheaper tier is waited for.")
    flex_wait_seconds: float = Field(60, gt=0, description="How long a call waits when the cheaper tier has no room.")
    batch_multiplier: float = Field(0.5, gt=0, le=1, description="Price of a batch call beside an immediate one.")
    cache_days: float = Field(30, gt=0, description="Replies not used for so long are deleted.")
    cache_mb: int = Field(2000, gt=0, description="Prompts and replies kept for one organisation.")
    redis_hours: float = Field(
        0, ge=0, le=168, description="How long accepted replies are held in Redis, too (REDIS_URL); 0: not at all."
    )
    redis_entry_kb: int = Field(256, gt=0, description="Largest reply that is held in Redis.")
    redis_entries: int = Field(10_000, gt=0, description="Most replies of one organisation in Redis.")


class ProviderSettings(_Section):
    """Which language models may be asked, and how they are reached. Without a key or an address no model is."""

    model: str | None = Field(None, description="`provider:model` that writes when a request names none.")
    models: dict[str, str] = Field({}, description="Another model by kind of task, such as `lesson_mind_map`.")
    fallbacks: tuple[str, ...] = Field(
        (), description="JSON list of models to ask, in order, while the one before fails."
    )
    openai_key: SecretStr | None = Field(None, description="Well-known name: OPENAI_API_KEY.")
    openai_webhook_secret: SecretStr | None = Field(
        None,
        description="Well-known name: OPENAI_WEBHOOK_SECRET. Several, with commas, while one is replaced.",
    )
    openai_base_url: str = Field("https://api.openai.com/v1", description="Address of OpenAI's API.")
    anthropic_key: SecretStr | None = Field(None, description="Well-known name: ANTHROPIC_API_KEY.")
    anthropic_base_url: str = Field("https://api.anthropic.com", description="Address of Anthropic's API.")
    base_url: str | None = Field(None, description="Of `compatible`: any endpoint with Chat Completions.")
    key: SecretStr | None = Field(None, description="Key of `compatible`, if it wants one.")
    context_window: int = Field(32_768, ge=2_048, description="Tokens that models of `compatible` read.")
    largest_output: int = Field(8_192, ge=256, description="Tokens that models of `compatible` write at most.")
    json_schema: Literal["strict", "loose", "none"] = Field("strict", description="What `compatible` takes.")
    reasoning: bool = Field(False, description="Whether models of `compatible` reason before they answer.")
    storage: bool = Field(False, description="Whether replies may rest at a provider (background, batch).")
    reasoning_tokens: int | None = Field(
        None,
        ge=0,
        description="Room for reasoning beside each answer. Default: 2,000 where a model reasons unasked, as hard "
        "as its provider lets it.",
    )
    job_budget: float = Field(1.0, ge=0, description="Hard cap in dollars of a job that names none.")


class GenerationSettings(_Section):
    """Who writes the courses that are asked for over HTTP, or in rows that other programs insert."""

    author: Literal["extractive", "llm"] | None = Field(
        None, description="Where a request names none. Default: `llm` where a model has a key or an address."
    )
    models: tuple[str, ...] = Field(
        (), description="JSON list of models, `provider:model`, that a request may name beside the configured one."
    )


class DeliverySettings(_Section):
    """How the application is told that a job has ended, and where finished courses are written. Off by default."""

    webhook_url: str | None = Field(None, description="Address that the end of every job is posted to.")
    webhook_secret: SecretStr | None = Field(
        None, description="`whsec_` and base64 of 24 bytes or more; two, with a space, while one replaces the other."
    )
    webhook_seconds: float = Field(15, gt=0, le=60, description="Time for the application to answer.")
    networks: tuple[str, ...] = Field(
        (), description="JSON list of networks that are not global and may be posted to (an intranet)."
    )
    tries: int = Field(10, ge=1, le=100, description="So many failures, over three days, and a delivery is given up.")
    outline_sql: str | None = Field(None, description="SQL that writes a finished course into the application's table.")
    path_sql: str | None = Field(None, description="The same for each module.")
    lesson_sql: str | None = Field(None, description="The same for each lesson.")
    sql_seconds: float = Field(30, gt=0, le=300, description="Time of each of these statements.")


class _Environment(EnvSettingsSource):
    """Hands a value that is no JSON on as it stands: then the check of values refuses it, and names its variable."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class _DotEnv(_Environment, DotEnvSettingsSource):
    """The same for `.env`."""


class Settings(BaseSettings):
    """Everything that can be configured. Frozen; secrets print as stars."""

    model_config = SettingsConfigDict(
        env_prefix="COURSEWRIGHT_", env_nested_delimiter="__", env_file=".env", frozen=True, extra="ignore"
    )

    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_DATABASE_URL", "DATABASE_URL"),
        description="Postgres 15 or newer. Without it an embedded Postgres runs in the data folder.",
    )
    data_dir: Path = Field(Path(".coursewright"), description="Folder of the embedded Postgres.")
    worker_id: str | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_WORKER_ID", "WORKER_ID"),
        description="Name of this worker; default: host, process and a random part.",
    )
    poll_interval: float = Field(
        5,
        gt=0,
        validation_alias=AliasChoices("COURSEWRIGHT_POLL_INTERVAL", "POLL_INTERVAL"),
        description="Seconds between looks at the queue when no doorbell rings.",
    )
    cron_secret: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_CRON_SECRET", "CRON_SECRET"),
        description="Bearer secret of /api/cron/process-courses.",
    )
    worker_url: str | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_WORKER_URL", "WORKER_URL"),
        description="Public address of the service that works: webhooks go there, and ticks ring there again.",
    )
    qstash_token: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_QSTASH_TOKEN", "QSTASH_TOKEN"),
        description="With WORKER_URL: every job is published to QStash, which calls the webhook.",
    )
    qstash_url: str = Field(
        "https://qstash.upstash.io",
        validation_alias=AliasChoices("COURSEWRIGHT_QSTASH_URL", "QSTASH_URL"),
        description="Where QStash is.",
    )
    qstash_current_signing_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_QSTASH_CURRENT_SIGNING_KEY", "QSTASH_CURRENT_SIGNING_KEY"),
        description="Key that webhooks are signed with.",
    )
    qstash_next_signing_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_QSTASH_NEXT_SIGNING_KEY", "QSTASH_NEXT_SIGNING_KEY"),
        description="Key that they will be signed with after the next rotation.",
    )
    port: Optional = Field(
        None,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("PORT"),
        description="The same as COURSEWRIGHT_API__PORT: so hosts say where they look for a service.",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_REDIS_URL", "REDIS_URL"),
        description="Redis or Valkey: every job rings through BullMQ too (extra `bullmq`); replies may be held there "
        "(extra `redis`, COURSEWRIGHT_GATEWAY__REDIS_HOURS).",
    )
    master_keys: SecretStr | None = Field(
        None,
        description="Keys that the keys of providers in the database are encrypted with, with commas between them: the "
        "first encrypts, all decrypt. `coursewright provider-keys master` prints one.",
    )
    sentry_dsn: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_SENTRY_DSN", "SENTRY_DSN"),
        description="Surprises (not failures that were foreseen) are reported to Sentry (extra `sentry`).",
    )
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = WorkerSettings()
    documents: DocumentSettings = DocumentSettings()
    api: ApiSettings = ApiSettings()
    auth: AuthSettings = AuthSettings()
    logs: LogSettings = LogSettings()
    limits: LimitSettings = LimitSettings()
    gateway: GatewaySettings = GatewaySettings()
    ticks: TickSettings = TickSettings()
    providers: ProviderSettings = ProviderSettings()
    generation: GenerationSettings = GenerationSettings()
    delivery: DeliverySettings = DeliverySettings()
    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_OPENAI_API_KEY", "OPENAI_API_KEY"),
        description="The same as COURSEWRIGHT_PROVIDERS__OPENAI_KEY.",
    )
    anthropic_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
        description="The same as COURSEWRIGHT_PROVIDERS__ANTHROPIC_KEY.",
    )

    openai_webhook_secret: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("COURSEWRIGHT_OPENAI_WEBHOOK_SECRET", "OPENAI_WEBHOOK_SECRET"),
        description="The same as COURSEWRIGHT_PROVIDERS__OPENAI_WEBHOOK_SECRET.",
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *others: Any, **more: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the program says comes before the environment, and that before `.env`."""
        return init_settings, _Environment(settings_cls), _DotEnv(settings_cls)

    @model_validator(mode="after")
    def _honour_well_known_names(self) -> "Settings":
        known = {
            "openai_key": self.openai_api_key,
            "anthropic_key": self.anthropic_api_key,
            "openai_webhook_secret": self.openai_webhook_secret,
        }
        given = {name: key for name, key in known.items() if key and not getattr(self.providers, name)}
        if given:  # frozen for everybody else
            object.__setattr__(self, "providers", self.providers.model_copy(update=given))
        if self.port is not None and "port" not in self.api.model_fields_set:
            object.__setattr__(self, "api", self.api.model_copy(update={"port": self.port}))
        if not (self.database_url and self.database_url.get_secret_value().strip()):  # set to nothing: not set
            object.__setattr__(self, "database_url", None)
        return self


__all__ = [
    "ApiSettings",
    "AuthSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "DocumentSettings",
    "GatewaySettings",
    "GenerationSettings",
    "LimitSettings",
    "LogSettings",
    "ModelLimits",
    "ProviderSettings",
    "RoleLimits",
    "Settings",
    "TickSettings",
    "Windows",
    "WorkerSettings",
]
