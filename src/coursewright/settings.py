"""Settings: environment variables (`COURSEWRIGHT_…`), a `.env` file, and the well-known names of the field.

Only `app`, `api` and `cli` read them; every component gets its own section.
"""

from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Section):
    """Where Postgres is and how it is talked to."""

    pool_size: int = Field(10, ge=1, description="Most connections that one process opens.")
    connect_timeout: float = Field(10, gt=0, description="Seconds to wait for a connection.")


class WorkerSettings(_Section):
    """How a worker leases and carries out tasks."""

    concurrency: int = Field(4, ge=1, description="Tasks that one worker carries out at once.")
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
    embedder: str = Field("", description="`minilm` (extra `embeddings` and pgvector) or empty: lexical only.")


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
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = WorkerSettings()
    documents: DocumentSettings = DocumentSettings()


__all__ = ["DatabaseSettings", "DocumentSettings", "Settings", "WorkerSettings"]
