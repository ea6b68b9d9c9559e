"""The variables of a farm, checked by their shape. Their defaults are in `cdk.json` and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from contract.blender_releases import KNOWN_VERSIONS
from contract.blender_sessions import MOST_BLENDER_SESSIONS
from contract.prices import list_price, microdollars
from stacks.instance_types import Gpu, driver_wanted, gpu_of, mixture


class ConfigError(ValueError):
    """A variable that no farm can be built from: one line with its name, its value, and what was expected."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"variable {name} is {str(value)[:200]!r}: expected {expected}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmConfig:
    """One farm's variables; an empty text means: as AWS, the CDK or the stacks choose."""

    farm_name: str
    """First part of each stack's name: farms with different names live side by side in one account."""
    region: str
    availability_zone: tuple[str, ...]
    vpc_cidr: str
    render_bucket_name: str
    blender_node_image_id: str
    node_image_prepared: bool
    """The image has the agent's packages already: none are published, and its own are used."""
    build_node_image: bool
    """Whether an image recipe is deployed that prepares one."""
    blender_versions: tuple[str, ...]
    """Blenders that workers install when a job needs them."""
    instance_types: tuple[str, ...]
    on_demand_percentage: int
    """Share of workers that are not Spot. AWS rounds it up: from 1 on, a fleet of one is On-Demand."""
    worker_asg_name: str
    worker_node_max_count: int
    node_key_name: str
    ssh_cidr: str
    cloudwatch_namespace: str
    acceptable_latency_seconds: float
    worker_start_seconds: float
    worker_idle_seconds: int
    blender_sessions: int | None
    """How many Blenders render on a machine at once; None: as its agent finds useful."""
    frame_queue_bpi: float
    project_init_queue_bpi: float
    notification_email: str
    """Who is told of jobs and alarms; nobody without it."""
    scratch_ttl_hours: int
    """How long the scratch space keeps the project of a job that ended with failures."""
    monthly_budget_dollars: float | None
    """New jobs are held once the farm's machines have cost so much in a month; None: there is no budget."""
    worker_hour_dollars: float | None
    """What an hour of a machine costs, whatever AWS says; None: as AWS says."""

    @property
    def fleet_name(self) -> str:
        """The Auto Scaling group's, and so the dimension of every metric of this farm."""
        return self.worker_asg_name or f"{self.farm_name}-Compute-Workers"

    @property
    def gpu(self) -> Gpu | None:
        """Whose GPU each of its machines has."""
        return gpu_of(self.instance_types[0])

    @property
    def backlog_function_name(self) -> str:
        """A name, and no reference: the listener calls what depends on the listener's stack."""
        return f"{self.farm_name}-MeasureBacklog"

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> FarmConfig:
        """Read the CDK's context, in which `cdk.json` and `-c` meet. Raises ConfigError."""
        for name in context:
            if name not in _READERS and re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]*", name):  # others are the CDK's
                raise ConfigError(name, context[name], f"one of the names {', '.join(_READERS)}")
        values = {name: read(name, _text(name, context)) for name, read in _READERS.items()}
        config = cls(**_with_region(values))
        _check_machines(config)
        _check_prices(config)
        return config


def _text(name: str, context: Mapping[str, Any]) -> str:
    if name not in context:
        raise ConfigError(name, "", "a value: its line is missing from cdk.json")
    value = context[name]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(name, value, "a text or a number")
    return str(value).strip()


def _with_region(values: dict[str, Any]) -> dict[str, Any]:
    """A zone names its region, which need not be given twice."""
    zones: tuple[str, ...] = values["availability_zone"]
    if not zones:
        return values
    region = values["region"] or zones[0][:-1]
    if any(zone[:-1] != region for zone in zones):
        raise ConfigError("availability_zone", ",".join(zones), f"zones of one region, {region}")
    return {**values, "region": region}


def _check_machines(config: FarmConfig) -> None:
    if config.node_image_prepared and not config.blender_node_image_id:
        raise ConfigError("node_image_prepared", "yes", "blender_node_image_id beside it: the image's id")
    types = ",".join(config.instance_types)
    if expected := mixture(config.instance_types):
        raise ConfigError("instance_types", types, expected)
    driver = driver_wanted(config.instance_types)
    if driver and not config.blender_node_image_id:
        expected = f"blender_node_image_id beside it, an image with the driver, or other types: {driver}"
        raise ConfigError("instance_types", types, expected)
    if config.ssh_cidr and not config.node_key_name:
        raise ConfigError("ssh_cidr", config.ssh_cidr, "node_key_name beside it: who may log in needs a key")


def _check_prices(config: FarmConfig) -> None:
    """A budget that cannot be counted is none."""
    budget, hour = config.monthly_budget_dollars, config.worker_hour_dollars
    if budget is None:
        return
    unknown = [name for name in config.instance_types if not list_price(name)]
    if hour is None and unknown:
        names = ", ".join(unknown)
        expected = f"worker_hour_dollars beside it: the list price of {names} is not known here"
        raise ConfigError("monthly_budget_dollars", f"{budget:g}", expected)
    if hour is not None and not microdollars(hour):
        expected = f"worker_hour_dollars above 0 beside it: at {hour:g} nothing is counted"
        raise ConfigError("monthly_budget_dollars", f"{budget:g}", expected)


_Reader = Callable[[str, str], Any]


def _matching(pattern: str, expected: str) -> _Reader:
    def read(name: str, value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ConfigError(name, value, expected)
        return value

    return read


def _optional(read: _Reader, empty: Any = "") -> _Reader:
    return lambda name, value: read(name, value) if value else empty


def _auto_or(read: _Reader) -> _Reader:
    return lambda name, value: None if value == "auto" else read(name, value)


def _several(read: _Reader) -> _Reader:
    """Values with commas between them, each once."""

    def read_all(name: str, value: str) -> tuple[str, ...]:
        parts = [part.strip() for part in value.split(",")]
        if len(set(parts)) < len(parts):
            raise ConfigError(name, value, "each value once")
        return tuple(read(name, part) for part in parts)

    return read_all


def _number(kind: type[int] | type[float], low: float, high: float, otherwise: str = "") -> _Reader:
    expected = f"a {'whole ' if kind is int else ''}number from {low} to {high}{otherwise}"
    pattern = r"[0-9]{1,9}" if kind is int else r"[0-9]{1,9}(\.[0-9]{1,9})?"

    def read(name: str, value: str) -> int | float:
        if not re.fullmatch(pattern, value, re.ASCII) or not low <= kind(value) <= high:
            raise ConfigError(name, value, expected)
        return kind(value)

    return read


def _network(widest: int, narrowest: int, example: str) -> _Reader:
    expected = f"an IPv4 network of size /{widest} to /{narrowest} without host bits, such as {example}"

    def read(name: str, value: str) -> str:
        try:
            network = IPv4Network(value)
        except ValueError as error:
            raise ConfigError(name, value, expected) from error
        if "/" not in value or not widest <= network.prefixlen <= narrowest:
            raise ConfigError(name, value, expected)
        return str(network)

    return read


def _instance_type(name: str, value: str) -> str:
    if not re.fullmatch(r"[a-z]+[a-z0-9-]*\.[a-z0-9-]+", value, re.ASCII):
        raise ConfigError(
            name, value, "EC2 instance types with commas between, such as m6i.2xlarge,m5.2xlarge"
        )
    family = value.partition(".")[0]
    if re.match(r"a1$|[a-z]+[0-9]+[a-z0-9-]*g", family):
        raise ConfigError(name, value, "x86-64 types: no Blender is published for arm64 Linux")
    if family.startswith("mac"):
        raise ConfigError(name, value, "types that run Linux")
    return value


def _yes_or_no(name: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise ConfigError(name, value, "yes or no")
    return value == "yes"


def _blender_version(name: str, value: str) -> str:
    if value not in KNOWN_VERSIONS:
        raise ConfigError(name, value, f"releases with commas between, of {', '.join(KNOWN_VERSIONS)}")
    return value


_READERS: dict[str, _Reader] = {
    "farm_name": _matching(r"[A-Za-z][A-Za-z0-9-]{0,39}", "a letter, then up to 39 letters, digits, dashes"),
    "region": _optional(_matching(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region such as eu-central-1")),
    "availability_zone": _optional(
        _several(
            _matching(
                r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]",
                "availability zones with commas between, such as eu-central-1a,eu-central-1b",
            )
        ),
        (),
    ),
    "vpc_cidr": _network(16, 24, "10.0.0.0/16"),
    "render_bucket_name": _optional(
        _matching(
            r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(-s3alias|--ol-s3|--x-s3|--table-s3)$)"
            r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
            "3 to 63 lower-case letters, digits and dashes (dots break TLS), no affix that AWS keeps",
        )
    ),
    "blender_node_image_id": _optional(
        _matching(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", "an image id such as ami-0123456789abcdef0")
    ),
    "node_image_prepared": _yes_or_no,
    "build_node_image": _yes_or_no,
    "blender_versions": _several(_blender_version),
    "instance_types": _several(_instance_type),
    "on_demand_percentage": _number(int, 0, 100),
    "worker_asg_name": _optional(
        _matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}", "1 to 255 letters, digits, dots, dashes, underscores")
    ),
    "worker_node_max_count": _number(int, 1, 1000),
    "node_key_name": _optional(
        _matching(r"[!-~]([ -~]{0,253}[!-~])?", "the name of an EC2 key pair: up to 255 ASCII characters")
    ),
    "ssh_cidr": _optional(_network(8, 32, "203.0.113.7/32")),
    "cloudwatch_namespace": _matching(
        r"(?!AWS/)[A-Za-z0-9_.-][A-Za-z0-9_./-]{0,254}",
        "1 to 255 letters, digits, dots, dashes, slashes and underscores, not AWS/ first",
    ),
    "acceptable_latency_seconds": _number(float, 60, 86_400),
    "worker_start_seconds": _number(float, 1, 3600),
    "worker_idle_seconds": _number(int, 1, 3600),
    "blender_sessions": _auto_or(_number(int, 1, MOST_BLENDER_SESSIONS, ", or auto")),
    "frame_queue_bpi": _number(float, 0.001, 100_000),
    "project_init_queue_bpi": _number(float, 0.001, 100_000),
    "notification_email": _optional(
        _matching(
            r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
            "one e-mail address such as studio@example.com",
        )
    ),
    "scratch_ttl_hours": _number(int, 1, 2160),
    "monthly_budget_dollars": _optional(
        _number(float, 0.01, 10_000_000, otherwise="; leave it empty for no budget"), None
    ),
    "worker_hour_dollars": _optional(_number(float, 0, 1000), None),
}
