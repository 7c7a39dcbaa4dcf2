"""The service's own settings, from the environment (`CLIFFGUARD_…`), checked when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FilePath, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Everything a deployment decides. Every field can be read from `CLIFFGUARD_<FIELD>`; secrets never appear in a repr."""

    model_config = SettingsConfigDict(env_prefix="CLIFFGUARD_", env_file=".env", extra="ignore", frozen=True)

    app_id: int | None = Field(None, description="Id of the GitHub App.")
    private_key: SecretStr | None = Field(None, description="The App's private key, PEM.")
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), max_length=2, description="Secrets a delivery may be signed with, comma separated; two while rotating."
    )
    github_url: str = Field("https://github.com", description="Where repositories are fetched from.")
    api_url: str = Field("https://api.github.com", description="REST API; https://HOST/api/v3 on an Enterprise Server.")
    public_url: str = Field("", description="Where GitHub reaches the service, https://HOST; only /setup asks for it.")
    valkey_url: str = Field("redis://127.0.0.1:6379/0", description="Queue, leases and delivery ids. Needs noeviction.")
    facts_url: str | None = Field(None, description="A second, evictable Valkey shared by workers as cache of facts.")
    data_dir: Path = Field(Path(".cliffguard"), description="Mirrors and the cache of facts.")
    host: str = Field("127.0.0.1", description="Address the webhook service listens on.")
    port: int = Field(8321, description="Port the webhook service listens on.")
    workers: int = Field(1, ge=1, le=64, description="Worker processes started by `cliffguard worker`.")
    job_timeout: int = Field(300, ge=10, description="Seconds one review may take.")
    queue_age: int = Field(300, ge=1, description="Seconds a job may wait until `/readyz` says `degraded`.")
    sweep: int = Field(900, ge=0, description="Seconds between two looks for what got lost; 0: none.")
    write_spacing: float = Field(
        1.0,
        ge=0,
        description="Seconds between writes to GitHub for one installation in the long run; 0: no limit.",
    )
    stop_grace: int = Field(20, ge=0, description="Seconds a stopping worker may take to finish the review under way.")
    alive: Path | None = Field(None, description="A file that `cliffguard worker` touches every second, for probes.")
    max_blob_bytes: int = Field(1_000_000, description="Larger files are not analysed, and the review says so.")
    max_repository_files: int = Field(60_000, description="Repositories with more files are refused, visibly.")
    mirror_bytes: int = Field(20 * 2**30, description="Disk the mirrors may take; the least recently used go first.")
    fail_on: Literal["critical", "high", "medium", "low", "never"] = Field(
        "high", description="Lowest severity whose new findings fail the check; a repository may set its own."
    )
    defaults: FilePath | None = Field(
        None, description="A `.cliffguard.yml` that counts in every repository, where it and its organisation say nothing."
    )
    on_error: Literal["neutral", "failure"] = Field(
        "neutral", description="How a check ends that we could not do: neutral lets the pull request pass, and says so."
    )
    resolve_threads: bool = Field(
        False,
        description="Resolve the threads of fixed comments, which needs `contents: write`; nothing else does.",
    )
    trust_floor: int = Field(
        20,
        ge=0,
        le=100,
        description="Percent of a rule's comments in a repository that are to be fixed; below, it only lists.",
    )
    operator_password: SecretStr | None = Field(
        None,
        min_length=16,
        description="Password of `operator` for the operator's page; without one there is no page.",
    )
    operator_host: str = Field("127.0.0.1", description="Address `cliffguard operator` listens on.")
    operator_port: int = Field(8323, description="Port `cliffguard operator` listens on.")
    log_format: Literal["json", "console"] = Field("json", description="Form of the log lines.")

    @field_validator("webhook_secrets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
