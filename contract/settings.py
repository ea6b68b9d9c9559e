"""The settings of each process, as environment variables: written by the stacks, read by the process.

A value is checked where it is read, not where it is written: at synth it is an unresolved token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Self


class Cage(StrEnum):
    """What a stranger's Blender is held by."""

    BUBBLEWRAP = "bubblewrap"
    NONE = "none"
    """Its scripts do not run then."""


class SettingsError(ValueError):
    """Settings a process cannot start with; the message lists every variable that is missing or wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Reads and writes dataclass fields as environment variables `FARM_<FIELD>`."""

    prefix: ClassVar[str] = "FARM_"

    def to_env(self) -> dict[str, str]:
        """The environment variables that from_env reads back."""
        values = {self._variable(f.name): getattr(self, f.name) for f in fields(self)}
        return {variable: "" if value is None else str(value) for variable, value in values.items()}

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read and check every field. Raises SettingsError."""
        values: dict[str, Any] = {}
        problems = []
        for field in fields(cls):
            variable = cls._variable(field.name)
            text = env.get(variable, "").strip()
            convert, expected = _KINDS[str(field.type)]
            try:
                if variable not in env:
                    raise ValueError
                values[field.name] = convert(text)
            except ValueError:
                state = f"is {text[:80]!r}" if text else ("is empty" if variable in env else "is missing")
                problems.append(f"{variable} {state}: expected {expected}")
        if problems:
            raise SettingsError(f"{cls.__name__}: " + "; ".join(problems))
        return cls(**values)

    @classmethod
    def _variable(cls, name: str) -> str:
        return cls.prefix + name.upper()


def _text(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _text_or_none(text: str) -> str | None:
    return text or None


def _positive_int(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 1_000_000_000:
        raise ValueError
    return int(text)


def _positive_int_or_none(text: str) -> int | None:
    return _positive_int(text) if text else None


def _positive_float(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e9:
        raise ValueError
    return number


def _amount(text: str) -> float | None:
    number = float(text or 0)
    if not 0 <= number < 1e9:
        raise ValueError
    return number if text else None


_KINDS: dict[str, tuple[Callable[[str], Any], str]] = {
    "str": (_text, "a text"),
    "str | None": (_text_or_none, "a text, or nothing"),
    "Cage": (Cage, "one of " + ", ".join(Cage)),
    "int": (_positive_int, "a whole number above 0"),
    "int | None": (_positive_int_or_none, "a whole number above 0, or nothing"),
    "float": (_positive_float, "a number above 0"),
    "float | None": (_amount, "a number from 0, or nothing"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings(Settings):
    """The Lambda that hears of uploads."""

    job_table_name: str
    bake_queue_url: str
    backlog_function_name: str
    """It is told of each job that was queued, so that nobody waits for the minute to be over."""
    monthly_budget_dollars: float | None = None
    """New jobs are held once the month's estimate is there; None or 0: there is no budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterSettings(Settings):
    """The Lambda that reads the dead-letter queue."""

    job_table_name: str
    bake_queue_url: str
    render_queue_url: str
    urgent_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings(Settings):
    """The Lambda that looks for jobs whose tasks are lost."""

    job_table_name: str
    bake_queue_url: str
    render_queue_url: str
    urgent_queue_url: str
    stall_seconds: int
    """How long a job may stand still before its tasks are taken for lost, if too few are on the queues."""
    monthly_budget_dollars: float | None = None
    """As the listener has it: held jobs go on while the month's estimate is below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogSettings(Settings):
    """The Lambda that emits the backlog each minute."""

    job_table_name: str
    bake_queue_url: str
    render_queue_url: str
    urgent_queue_url: str
    worker_asg_name: str
    cloudwatch_namespace: str
    acceptable_latency_seconds: float
    worker_start_seconds: float
    frame_queue_bpi: float
    project_init_queue_bpi: float
    worker_node_max_count: int
    worker_version: str
    """Of the machines that this deploy starts; those of another version finish their task and go."""
    deploy_version: str
    """Boots that failed since this deploy count, and none before it (contract.boot)."""
    worker_hour_dollars: float | None = None
    """What an hour of any machine costs; None: by what the machines say themselves, and the price list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsWidgetSettings(Settings):
    """The Lambda that draws the dashboard's jobs."""

    job_table_name: str
    render_bucket_name: str
    job_action_function_arn: str
    """What the buttons beside a job call."""
    monthly_budget_dollars: float | None = None
    """As the listener has it: shown beside what the month has cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobActionSettings(Settings):
    """The Lambda behind the buttons."""

    job_table_name: str
    bake_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JanitorSettings(Settings):
    """The Lambda that clears the scratch space."""

    job_table_name: str
    scratch_directory: str
    """Where the shared file system is mounted."""
    scratch_ttl_hours: int
    """How long the folder of a job that ended with failures is kept, and one that belongs to no job."""
    cloudwatch_namespace: str
    worker_asg_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings(Settings):
    """The agent on a worker."""

    render_bucket_name: str
    job_table_name: str
    bake_queue_url: str
    render_queue_url: str
    urgent_queue_url: str
    dead_letter_queue_url: str
    cloudwatch_namespace: str
    worker_asg_name: str
    worker_id: str
    """The instance id, or the laptop fleet's name for the process."""
    scratch_directory: str
    """Where the shared file system is mounted."""
    work_directory: str
    """A folder of this machine alone, for what Blender writes before it is uploaded."""
    blender_runtimes: str
    """The Blenders that it has or can install (contract.runtimes)."""
    blender_directory: str
    """A folder that is kept, for those it installs."""
    lease_seconds: int
    """Visibility time-out of a held message; renewed each quarter of it."""
    poll_seconds: int
    """How long one look at the render queue waits for a message (SQS allows 1 to 20)."""
    idle_seconds: int
    """How long it finds nothing to do before it ends its machine, if that is one too many."""
    worker_version: str
    """Of this machine: of its agent, its packages and its settings."""
    deploy_version: str
    """The deploy under which a boot of it counts as failed or done (contract.boot)."""
    cage: Cage = Cage.BUBBLEWRAP
    log_group_name: str | None = None
    """Where its log goes, into a stream of the worker's id, beside what it prints; None: nowhere."""
    metrics_log_group_name: str | None = None
    """Where its metrics go, into a stream of their own, as lines that CloudWatch makes them from; None: they
    are sent to CloudWatch by calls, which cost more."""
    worker_hour_dollars: float | None = None
    """What an hour of this machine costs; None: it asks what Spot costs, or looks into the price list."""
    blender_sessions: int | None = None
    """Blenders that render at once; None: as many as the agent finds useful."""
    stop_seconds: int = 60
    """What it has left after SIGTERM: less than its keeper (render-worker.service) waits before it kills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierSettings(Settings):
    """The Lambda that tells people of jobs."""

    job_table_name: str
    notification_topic_arn: str
    farm_name: str
    dashboard_url: str
