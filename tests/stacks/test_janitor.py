"""The janitor as deployed: where it is, what it reaches, when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.settings import JanitorSettings
from tests.stacks.test_compute import agent_environment
from tests.support.synthesized import Synthesized, synthesized

ACCESS_POINT = (
    "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/Efs/Scratch/FileSystem/AccessPoint"
)


def janitor(farm: Synthesized) -> Mapping[str, Any]:
    return farm.resource("AWS::Lambda::Function", "Efs/Janitor/Function").properties


def janitor_settings(farm: Synthesized) -> JanitorSettings:
    return JanitorSettings.from_env(janitor(farm)["Environment"]["Variables"])


def test_it_can_read_its_settings() -> None:
    farm = synthesized(scratch_ttl_hours="5", cloudwatch_namespace="Studio")
    assert janitor_settings(farm) == JanitorSettings(
        job_table_name="Storage/JobTable",
        scratch_directory="/mnt/scratch",
        scratch_ttl_hours=5,
        cloudwatch_namespace="Studio",
        worker_asg_name="AutoBlenderRender-Compute-Workers",
    )


def test_its_metric_is_of_the_fleet_that_the_agents_work_in() -> None:
    for farm in (synthesized(), synthesized(worker_asg_name="renderers"), synthesized(farm_name="Second")):
        (group,) = farm.resources("AWS::AutoScaling::AutoScalingGroup")
        name = group.properties["AutoScalingGroupName"]
        assert janitor_settings(farm).worker_asg_name == name
        assert agent_environment(farm)["FARM_WORKER_ASG_NAME"] == name


def test_it_sees_the_very_folder_that_the_agents_write_to() -> None:
    """The same access point: the same root, the same owner."""
    (mount,) = janitor(synthesized())["FileSystemConfigs"]
    assert mount == {"Arn": ACCESS_POINT, "LocalMountPath": "/mnt/scratch"}
    assert janitor_settings(synthesized()).scratch_directory == mount["LocalMountPath"]


def test_it_is_made_when_the_file_system_can_be_reached() -> None:
    """Lambda refuses a function whose file system has no mount target in its zone."""
    farm = synthesized()
    function = farm.resource("AWS::Lambda::Function", "Efs/Janitor/Function").raw
    targets = {
        name
        for name, resource in farm.templates["Efs"]["Resources"].items()
        if resource["Type"] == "AWS::EFS::MountTarget"
    }
    assert targets
    assert targets <= set(function["DependsOn"])
    subnets = {target.properties["SubnetId"] for target in farm.resources("AWS::EFS::MountTarget")}
    assert set(janitor(farm)["VpcConfig"]["SubnetIds"]) == subnets


def test_it_reaches_the_file_system_and_the_gateway_endpoints_and_nobody_reaches_it() -> None:
    farm = synthesized(vpc_cidr="172.16.0.0/20")
    assert janitor(farm)["VpcConfig"]["SecurityGroupIds"] == ["Efs/Janitor/Reach.GroupId"]
    group = farm.resource("AWS::EC2::SecurityGroup", "Efs/Janitor/Reach").properties
    out = {(r["CidrIp"], r["FromPort"], r["ToPort"], r["IpProtocol"]) for r in group["SecurityGroupEgress"]}
    assert out == {("172.16.0.0/20", 2049, 2049, "tcp"), ("0.0.0.0/0", 443, 443, "tcp")}
    assert "SecurityGroupIngress" not in group


def test_no_rule_of_a_group_stands_alone() -> None:
    """Rules as resources of their own are what one stack adds to another's group."""
    for kind in ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        assert not list(synthesized().resources(kind))


def test_it_runs_each_hour_for_as_long_as_lambda_allows_and_is_not_tried_again() -> None:
    farm = synthesized()
    rule = farm.resource("AWS::Events::Rule", "Efs/Janitor/EachHour").properties
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 hour)", "ENABLED")
    (target,) = rule["Targets"]
    assert target["Arn"] == "arn:Efs/Janitor/Function"
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    assert janitor(farm)["Timeout"] == 900
    (config,) = [
        c.properties
        for c in farm.resources("AWS::Lambda::EventInvokeConfig")
        if c.properties["FunctionName"] == "Efs/Janitor/Function"
    ]
    assert config["MaximumRetryAttempts"] == 0


def test_a_new_account_can_deploy_it() -> None:
    """Its ten concurrent runs may not be reserved."""
    for function in synthesized().resources("AWS::Lambda::Function"):
        assert "ReservedConcurrentExecutions" not in function.properties, function.name
