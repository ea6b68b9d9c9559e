from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from stacks.farm_version import OUTPUT, farm_version
from tests.support.synthesized import ROOT, default_variables, synthesized


def run_app(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run app.py as the CDK's command line does."""
    context = json.dumps({**default_variables(), **variables})
    env = {**os.environ, "CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_a_bad_variable_ends_synth_with_one_line(tmp_path: Path) -> None:
    run = run_app(tmp_path, vpc_cidr="10.0.0.0/33")
    assert run.returncode == 1
    assert run.stderr.splitlines() == [
        "variable vpc_cidr is '10.0.0.0/33': expected an IPv4 network of size /16 to /24 without host bits,"
        " such as 10.0.0.0/16"
    ]
    assert not list(tmp_path.glob("*.template.json"))


def test_each_stack_gives_what_a_person_or_the_laptop_farm_needs() -> None:
    outputs = synthesized().outputs()
    assert outputs == {
        OUTPUT: farm_version(),
        "RenderBucketName": "Storage/RenderBucket",
        "NotificationTopicArn": "Storage/NotificationTopic",
        "JobTableName": "Storage/JobTable",
        "BakeQueueUrl": "Queues/BakeQueue",
        "RenderQueueUrl": "Queues/RenderQueue",
        "UrgentQueueUrl": "Queues/UrgentQueue",
        "DeadLetterQueueUrl": "Queues/DeadLetterQueue",
        "WorkerLogGroupName": "Compute/WorkerLog",
        "WorkerGroupName": "AutoBlenderRender-Compute-Workers",
        "BacklogFunctionName": "Scaling/MeasureBacklog",
        "SweepFunctionName": "Scaling/SweepJobs",
        "JanitorFunctionName": "Efs/Janitor/Function",
        "DashboardName": "Monitoring/Dashboard",
        "JobsWidgetFunctionName": "Monitoring/Jobs/ShowJobs",
        "JobActionFunctionName": "Monitoring/Jobs/ActOnJob",
        "DashboardUrl": "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        "#dashboards/dashboard/Monitoring/Dashboard",
    }


def test_each_stack_says_which_code_it_was_deployed_from() -> None:
    said = [template["Outputs"][OUTPUT]["Value"] for template in synthesized().templates.values()]
    assert said == [farm_version()] * 7


def test_two_farms_fit_in_one_account() -> None:
    """Nothing has a name that both farms would claim: what is named at all has its stack's name in it."""
    for name, farm in (("AutoBlenderRender", synthesized()), ("Second", synthesized(farm_name="Second"))):
        for template in farm.templates.values():
            for resource in template["Resources"].values():
                own = resource["Type"].rpartition("::")[2] + "Name"
                if own in ("PolicyName", "LifecycleHookName"):
                    continue  # of a role's inline policy and of a group's hook: theirs alone
                literal = resource.get("Properties", {}).get(own, "")
                assert isinstance(literal, str) and (not literal or literal.startswith(f"{name}-")), resource


def test_no_stack_needs_one_that_needs_it() -> None:
    """As DESIGN draws them; imports of exports are the edges that CloudFormation orders by."""
    needs = {
        stack: {export.split(":")[0].removeprefix("AutoBlenderRender-") for export in _imports(template)}
        for stack, template in synthesized().templates.items()
    }
    assert needs["Storage"] == needs["Network"] == set()
    assert needs["Queues"] == {"Storage"}
    assert needs["Efs"] == {"Network", "Storage"}
    assert needs["Compute"] == {"Storage", "Network", "Queues", "Efs"}
    assert needs["Scaling"] == {"Storage", "Queues", "Compute"}
    assert needs["Monitoring"] == {"Storage", "Queues", "Efs", "Compute", "Scaling"}


def _imports(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["Fn::ImportValue"]} if "Fn::ImportValue" in value else set()
        return own.union(*(_imports(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_imports(inner) for inner in value))
    return set()


def test_a_region_and_zones_are_where_it_lands() -> None:
    farm = synthesized(availability_zone="eu-west-1a,eu-west-1b,eu-west-1c")
    zones = {subnet.properties["AvailabilityZone"] for subnet in farm.resources("AWS::EC2::Subnet")}
    assert zones == {"eu-west-1a", "eu-west-1b", "eu-west-1c"}
