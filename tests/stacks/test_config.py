from __future__ import annotations

import re
from typing import Any

import pytest

from stacks.config import ConfigError, FarmConfig
from stacks.instance_types import Gpu
from tests.support.synthesized import default_variables


def config(**variables: Any) -> FarmConfig:
    return FarmConfig.from_context({**default_variables(), **variables})


def test_cdk_json_is_the_whole_table_of_variables() -> None:
    assert set(default_variables()) == set(FarmConfig.__dataclass_fields__)
    assert config().frame_queue_bpi == float(default_variables()["frame_queue_bpi"])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("farm_name", "film-2", "film-2"),
        ("region", " eu-central-1 ", "eu-central-1"),
        ("region", "us-gov-west-1", "us-gov-west-1"),
        ("availability_zone", "us-east-1a, us-east-1c", ("us-east-1a", "us-east-1c")),
        ("vpc_cidr", "172.16.0.0/20", "172.16.0.0/20"),
        ("render_bucket_name", "my-films", "my-films"),
        ("blender_node_image_id", "ami-0123456789abcdef0", "ami-0123456789abcdef0"),
        ("blender_node_image_id", "ami-01234567", "ami-01234567"),
        ("blender_versions", "5.2.3, 3.6.23", ("5.2.3", "3.6.23")),
        (
            "instance_types",
            "m6i.2xlarge,m5.xlarge, c7i-flex.large",
            ("m6i.2xlarge", "m5.xlarge", "c7i-flex.large"),
        ),
        ("on_demand_percentage", 100, 100),
        ("worker_asg_name", "render_workers.v2", "render_workers.v2"),
        ("worker_node_max_count", "1", 1),
        ("worker_node_max_count", 1000, 1000),
        ("node_key_name", "my key", "my key"),
        ("cloudwatch_namespace", "Studio/Farm", "Studio/Farm"),
        ("frame_queue_bpi", "2.5", 2.5),
        ("project_init_queue_bpi", 3, 3.0),
        ("blender_sessions", "auto", None),
        ("blender_sessions", 64, 64),
        ("scratch_ttl_hours", "1", 1),
        ("scratch_ttl_hours", 2160, 2160),
        ("monthly_budget_dollars", "", None),
        ("monthly_budget_dollars", "49.90", 49.9),
        ("worker_hour_dollars", "", None),
        ("worker_hour_dollars", 0, 0),
        ("worker_hour_dollars", "0.384", 0.384),
        ("notification_email", "", ""),
        ("notification_email", "new.film+farm@studio.example.com", "new.film+farm@studio.example.com"),
    ],
)
def test_takes(name: str, value: object, expected: object) -> None:
    assert getattr(config(**{name: value}), name) == expected


def test_a_budget_that_cannot_be_counted_is_refused() -> None:
    gpus = {"instance_types": "g6.xlarge,g5.xlarge"}
    with pytest.raises(
        ConfigError, match=r"monthly_budget_dollars is '50': .*worker_hour.* g6.xlarge, g5.xlarge is not"
    ):
        config(monthly_budget_dollars="50", **gpus)
    assert config(monthly_budget_dollars="50", worker_hour_dollars="0.5", **gpus).monthly_budget_dollars == 50
    assert config(**gpus).monthly_budget_dollars is None


@pytest.mark.parametrize("nothing", ["0", 0, "0.0000001"])
def test_a_budget_of_machines_that_cost_nothing_is_refused(nothing: object) -> None:
    with pytest.raises(ConfigError, match=r"monthly_budget_dollars is '50': .*worker_hour_dollars above 0"):
        config(monthly_budget_dollars="50", worker_hour_dollars=nothing)
    assert config(worker_hour_dollars=nothing).monthly_budget_dollars is None, "a laptop's farm has no budget"


BAD_ADDRESSES = (
    "film",
    "@example.com",
    "film@",
    "a@b",
    "a b@example.com",
    "a@example.com,b@example.com",
    "a@-b.de",
)

BAD = [
    ("monthly_budget_dollars", "-1", "a number from 0.01 to"),
    ("monthly_budget_dollars", "50 $", "a number from 0.01 to"),
    ("monthly_budget_dollars", "0", "leave it empty for no budget"),
    ("worker_hour_dollars", "cheap", "a number from 0 to"),
    ("farm_name", "2nd", "a letter, then"),
    ("farm_name", "x" * 41, "a letter, then"),
    ("farm_name", "", "a letter, then"),
    ("region", "Frankfurt", "an AWS region such as"),
    ("region", "eu-central-1a", "an AWS region such as"),
    ("availability_zone", "eu-central-1", "availability zones with commas"),
    ("availability_zone", "eu-central-1a,", "availability zones with commas"),
    ("availability_zone", "eu-central-1a,eu-central-1a", "each value once"),
    ("availability_zone", "eu-central-1a,eu-west-1a", "zones of one region, eu-central-1"),
    ("vpc_cidr", "", "an IPv4 network"),
    ("vpc_cidr", "10.0.0.0", "an IPv4 network"),
    ("vpc_cidr", "10.0.0.1/16", "without host bits"),
    ("vpc_cidr", "10.0.0.0/8", "size /16 to /24"),
    ("vpc_cidr", "10.0.0.0/25", "size /16 to /24"),
    ("vpc_cidr", "fd00::/16", "an IPv4 network"),
    ("render_bucket_name", "My-Films", "lower-case"),
    ("render_bucket_name", "my.films", "dots break TLS"),
    ("render_bucket_name", "xn--films", "affix that AWS keeps"),
    ("render_bucket_name", "films-s3alias", "affix that AWS keeps"),
    ("render_bucket_name", "ab", "3 to 63"),
    ("render_bucket_name", "a" * 64, "3 to 63"),
    ("blender_node_image_id", "ami-123", "an image id such as"),
    ("blender_node_image_id", "Amazon Linux", "an image id such as"),
    ("blender_versions", "", "releases with commas between, of 3.6.23, "),
    ("blender_versions", "4.5", "releases with commas between, of 3.6.23, "),
    ("blender_versions", "4.5.15,4.5.99", "releases with commas between, of 3.6.23, "),
    ("blender_versions", "4.5.15,4.5.15", "each value once"),
    ("instance_types", "", "EC2 instance types"),
    ("instance_types", "m6i", "EC2 instance types"),
    ("instance_types", "m6i.2xlarge;m5.large", "EC2 instance types"),
    ("instance_types", "m6i.2xlarge,m6g.2xlarge", "x86-64 types"),
    ("instance_types", "m6i.large,m6i.large", "each value once"),
    ("instance_types", "mac1.metal", "types that run Linux"),
    ("on_demand_percentage", "101", "a whole number from 0 to 100"),
    ("on_demand_percentage", "-1", "a whole number from 0 to 100"),
    ("on_demand_percentage", True, "a text or a number"),
    ("worker_asg_name", "a:b", "1 to 255 letters"),
    ("worker_node_max_count", "0", "a whole number from 1 to 1000"),
    ("worker_node_max_count", "1001", "a whole number from 1 to 1000"),
    ("worker_node_max_count", "2.5", "a whole number from 1 to 1000"),
    ("worker_node_max_count", "٣", "a whole number from 1 to 1000"),
    ("worker_node_max_count", ["20"], "a text or a number"),
    ("node_key_name", "ключ", "the name of an EC2 key pair"),
    ("ssh_cidr", "203.0.113.7/32", "node_key_name beside it"),
    ("cloudwatch_namespace", "AWS/EC2", "not AWS/ first"),
    ("cloudwatch_namespace", "a b", "letters, digits"),
    ("cloudwatch_namespace", "$(reboot)", "letters, digits"),
    ("frame_queue_bpi", "0", "a number from 0.001"),
    ("frame_queue_bpi", "nan", "a number from 0.001"),
    ("frame_queue_bpi", "1e400", "a number from 0.001"),
    ("project_init_queue_bpi", "", "a number from 0.001"),
    *(("notification_email", value, "one e-mail address") for value in BAD_ADDRESSES),
    ("blender_sessions", "", "a whole number from 1 to 64, or auto"),
    ("blender_sessions", "0", "a whole number from 1 to 64, or auto"),
    ("blender_sessions", "65", "a whole number from 1 to 64, or auto"),
    ("blender_sessions", "Auto", "a whole number from 1 to 64, or auto"),
    ("scratch_ttl_hours", "0", "a whole number from 1 to 2160"),
    ("scratch_ttl_hours", "2161", "a whole number from 1 to 2160"),
    ("scratch_ttl_hours", "1.5", "a whole number from 1 to 2160"),
]


@pytest.mark.parametrize(("name", "value", "expected"), BAD)
def test_refuses_in_one_line(name: str, value: object, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"variable {name} is ")
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "family", ["a1", "t4g", "m6g", "c7gn", "r6gd", "im4gn", "is4gen", "x2gd", "hpc7g", "g5g", "p6e-gb200"]
)
def test_refuses_arm_with_the_reason(family: str) -> None:
    with pytest.raises(ConfigError, match="no Blender is published for arm64"):
        config(instance_types=f"{family}.xlarge")


@pytest.mark.parametrize(
    "family", ["g4dn", "g5", "g6", "gr6", "p4de", "m7i-flex", "u7i-12tb", "z1d", "inf2", "hpc7a"]
)
def test_takes_x86_families(family: str) -> None:
    assert config(instance_types=f"{family}.xlarge").instance_types == (f"{family}.xlarge",)


@pytest.mark.parametrize(
    ("types", "gpu"),
    [
        ("m6i.2xlarge,c7i.large", None),
        ("inf2.xlarge,trn1.2xlarge,vt1.3xlarge", None),
        ("g4dn.xlarge,g5.2xlarge,g6e.xlarge,gr6.4xlarge,p5.48xlarge", Gpu.NVIDIA),
    ],
)
def test_knows_a_fleet_with_gpus(types: str, gpu: Gpu | None) -> None:
    assert config(instance_types=types).gpu is gpu


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("m6i.2xlarge,g5.xlarge", "types with a GPU alone .* or types without one alone"),
        ("g5.xlarge,m6i.2xlarge", "frames of CPUs and of GPUs do not match"),
        ("g5.xlarge,g4ad.xlarge", "GPUs of one maker"),
        ("g4ad.xlarge", "blender_node_image_id beside it.*g4ad.xlarge needs AMD's driver"),
        ("g5.xlarge,p3.2xlarge", "p3.2xlarge needs NVIDIA's proprietary driver"),
        ("g6f.xlarge", "GRID"),
    ],
)
def test_refuses_machines_that_make_no_fleet_of_gpus(types: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=f"variable instance_types is '{types}': .*{expected}") as caught:
        config(instance_types=types)
    assert "\n" not in str(caught.value)


def test_takes_any_gpu_with_an_image_that_drives_it() -> None:
    own = {"blender_node_image_id": "ami-0123456789abcdef0"}
    assert config(instance_types="g4ad.xlarge", **own).gpu is Gpu.AMD
    assert config(instance_types="p3.2xlarge,g5.xlarge", **own).gpu is Gpu.NVIDIA
    with pytest.raises(ConfigError, match="GPUs of one maker"):
        config(instance_types="g5.xlarge,g4ad.xlarge", **own)


def test_a_value_of_many_lines_stays_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^variable region is 'a\\nb': [^\n]*$"):
        config(region="a\nb")


def test_the_internet_is_no_ssh_cidr() -> None:
    with pytest.raises(ConfigError, match=re.escape("size /8 to /32")):
        config(ssh_cidr="0.0.0.0/0", node_key_name="key")


def test_a_zone_names_its_region() -> None:
    assert config(availability_zone="eu-west-1b").region == "eu-west-1"
    with pytest.raises(ConfigError, match="zones of one region, eu-west-2"):
        config(region="eu-west-2", availability_zone="eu-west-1b")


def test_a_misspelt_variable_is_not_overlooked() -> None:
    with pytest.raises(
        ConfigError, match=r"^variable worker_max is '3': expected one of the names farm_name"
    ):
        config(worker_max="3")


def test_a_line_missing_from_cdk_json_is_named() -> None:
    variables = default_variables()
    del variables["vpc_cidr"]
    with pytest.raises(ConfigError, match=r"^variable vpc_cidr .*missing from cdk.json"):
        FarmConfig.from_context(variables)


def test_the_context_of_the_cdk_itself_is_let_be() -> None:
    assert config(**{"aws:cdk:bundling-stacks": ["**"], "@aws-cdk/core:flag": True}) == config()
