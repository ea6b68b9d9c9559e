"""What tells a farm's costs apart, and what stops them."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from contract.settings import AgentSettings, BacklogSettings, ListenerSettings, SweepSettings
from stacks.budget_notice import BudgetNotice
from tests.support.synthesized import synthesized
from tests.support.user_data import settings_in, written_files

NOT_TAGGABLE = {
    "AWS::AutoScaling::LifecycleHook",
    "AWS::AutoScaling::ScalingPolicy",
    "AWS::EC2::Route",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EFS::MountTarget",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::Policy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "Custom::S3BucketNotifications",
}
"""Types that CloudFormation takes no tags for."""
TAGS = ("Tags", "FileSystemTags", "AccessPointTags", "HostedZoneTags", "ResourceTags")


def tagged(tags: Any) -> bool:
    """Whether the farm's tag is among them, whichever of CloudFormation's two forms they have."""
    if isinstance(tags, dict):
        return tags.get("Farm") == "AutoBlenderRender"
    return any(tag["Key"] == "Farm" and tag["Value"] == "AutoBlenderRender" for tag in tags)


def test_everything_that_can_be_is_tagged_with_the_farms_name() -> None:
    farm = synthesized()
    types = {raw["Type"] for template in farm.templates.values() for raw in template["Resources"].values()}
    without = [
        resource.name
        for kind in types - NOT_TAGGABLE - {"AWS::EC2::LaunchTemplate"}
        for resource in farm.resources(kind)
        if not any(tagged(resource.properties[name]) for name in TAGS if name in resource.properties)
    ]
    assert without == []
    assert {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::EFS::FileSystem", "AWS::Logs::LogGroup"} < types


def test_machines_and_their_disks_are_tagged() -> None:
    (template,) = synthesized().resources("AWS::EC2::LaunchTemplate")
    made = template.properties["LaunchTemplateData"]["TagSpecifications"]
    assert {one["ResourceType"]: tagged(one["Tags"]) for one in made} == {"instance": True, "volume": True}
    (group,) = synthesized().resources("AWS::AutoScaling::AutoScalingGroup")
    (tag,) = [tag for tag in group.properties["Tags"] if tag["Key"] == "Farm"]
    assert tag["PropagateAtLaunch"] is True


def environment(name: str, **variables: str) -> dict[str, str]:
    function = synthesized(**variables).resource("AWS::Lambda::Function", name)
    found: dict[str, str] = function.properties["Environment"]["Variables"]
    return found


def test_without_variables_there_is_no_budget_and_prices_are_awss() -> None:
    assert ListenerSettings.from_env(environment("Queues/AcceptUpload")).monthly_budget_dollars is None
    assert SweepSettings.from_env(environment("Scaling/SweepJobs")).monthly_budget_dollars is None
    assert BacklogSettings.from_env(environment("Scaling/MeasureBacklog")).worker_hour_dollars is None


def test_listener_and_sweep_know_the_budget_and_all_know_the_price() -> None:
    variables = {"monthly_budget_dollars": "50", "worker_hour_dollars": "0.2"}
    listener = ListenerSettings.from_env(environment("Queues/AcceptUpload", **variables))
    sweep = SweepSettings.from_env(environment("Scaling/SweepJobs", **variables))
    assert listener.monthly_budget_dollars == sweep.monthly_budget_dollars == 50
    backlog = BacklogSettings.from_env(environment("Scaling/MeasureBacklog", **variables))
    (template,) = synthesized(**variables).resources("AWS::EC2::LaunchTemplate")
    script = template.properties["LaunchTemplateData"]["UserData"]
    agent = settings_in(written_files(script)["/etc/render-worker/agent.env"])
    assert AgentSettings.from_env({**agent, "FARM_WORKER_ID": "i-1"}).worker_hour_dollars == 0.2
    assert backlog.worker_hour_dollars == 0.2


@pytest.fixture
def budget() -> dict[str, Any]:
    stack = Stack(App(), "S")
    BudgetNotice(stack, "Notice", farm_name="Film", dollars=50.5, email="producer@studio.example")
    (resource,) = Template.from_stack(stack).find_resources("AWS::Budgets::Budget").values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def test_awss_budget_counts_the_farms_tag_alone(budget: dict[str, Any]) -> None:
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:Farm$Film"]}
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50.5, "Unit": "USD"}
    assert (budget["Budget"]["TimeUnit"], budget["Budget"]["BudgetType"]) == ("MONTHLY", "COST")


def test_it_writes_at_80_and_at_100_percent(budget: dict[str, Any]) -> None:
    notices = budget["NotificationsWithSubscribers"]
    assert [one["Notification"]["Threshold"] for one in notices] == [80, 100]
    for one in notices:
        assert one["Subscribers"] == [{"Address": "producer@studio.example", "SubscriptionType": "EMAIL"}]


def test_a_budget_and_an_address_make_one_of_awss() -> None:
    both = {"monthly_budget_dollars": "50", "notification_email": "producer@studio.example"}
    (budget,) = synthesized(**both).resources("AWS::Budgets::Budget")
    assert budget.properties["Budget"]["CostFilters"] == {"TagKeyValue": ["user:Farm$AutoBlenderRender"]}
    assert budget.properties["Budget"]["BudgetLimit"]["Amount"] == 50
    for name, value in both.items():
        assert list(synthesized(**{name: value}).resources("AWS::Budgets::Budget")) == []
