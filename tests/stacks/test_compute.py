from __future__ import annotations

from typing import Any

from contract.lifecycle import TERMINATION_HOOK
from contract.runtimes import RuntimeForm, parse_runtimes
from contract.settings import AgentSettings
from tests.support.synthesized import Synthesized, synthesized
from tests.support.user_data import written_files


def machine(farm: Synthesized) -> dict[str, Any]:
    (template,) = farm.resources("AWS::EC2::LaunchTemplate")
    data: dict[str, Any] = template.properties["LaunchTemplateData"]
    return data


def group(farm: Synthesized) -> dict[str, Any]:
    return dict(farm.resource("AWS::AutoScaling::AutoScalingGroup", "Compute/Workers/ASG").properties)


def agent_environment(farm: Synthesized) -> dict[str, str]:
    """The file that the user data writes."""
    lines = written_files(machine(farm)["UserData"])["/etc/render-worker/agent.env"].splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_agent_can_read_its_settings() -> None:
    environment = agent_environment(synthesized())
    assert environment["FARM_WORKER_ID"] == ""
    assert AgentSettings.from_env({**environment, "FARM_WORKER_ID": "i-1"}) == AgentSettings(
        render_bucket_name="Storage/RenderBucket",
        job_table_name="Storage/JobTable",
        bake_queue_url="Queues/BakeQueue",
        render_queue_url="Queues/RenderQueue",
        urgent_queue_url="Queues/UrgentQueue",
        dead_letter_queue_url="Queues/DeadLetterQueue",
        cloudwatch_namespace="AutoBlenderRender",
        worker_asg_name="AutoBlenderRender-Compute-Workers",
        worker_id="i-1",
        scratch_directory="/mnt/scratch",
        work_directory="/var/lib/render-worker",
        blender_runtimes="4.2.23,4.5.15,5.0.1,5.2.3",
        blender_directory="/opt/render-worker/blender",
        worker_version=environment["FARM_WORKER_VERSION"],
        deploy_version=environment["FARM_DEPLOY_VERSION"],
        lease_seconds=120,
        poll_seconds=20,
        idle_seconds=20,
        blender_sessions=None,
        log_group_name="Compute/WorkerLog",
        metrics_log_group_name="Compute/WorkerLog",
        stop_seconds=60,
    )
    assert environment["AWS_DEFAULT_REGION"] == "eu-central-1"


def test_workers_are_told_the_blenders_that_the_variable_names() -> None:
    told = agent_environment(synthesized(blender_versions="5.2.3, 4.5.15"))["FARM_BLENDER_RUNTIMES"]
    assert [(spec.version, spec.form) for spec in parse_runtimes(told)] == [
        ("5.2.3", RuntimeForm.EXECUTABLE),
        ("4.5.15", RuntimeForm.EXECUTABLE),
    ]


def test_the_lease_is_the_queues_own_visibility() -> None:
    farm = synthesized()
    for name in ("BakeQueue", "RenderQueue", "UrgentQueue"):
        visibility = farm.resource("AWS::SQS::Queue", f"Queues/{name}").properties["VisibilityTimeout"]
        assert agent_environment(farm)["FARM_LEASE_SECONDS"] == str(visibility)


def test_a_worker_gives_its_credentials_to_no_stray_request() -> None:
    assert machine(synthesized())["MetadataOptions"]["HttpTokens"] == "required"
    assert machine(synthesized())["MetadataOptions"]["HttpPutResponseHopLimit"] == 1


def test_every_disk_is_encrypted() -> None:
    disks = machine(synthesized())["BlockDeviceMappings"]
    assert [disk["DeviceName"] for disk in disks] == ["/dev/xvda", "/dev/sdf"]
    assert [disk["Ebs"]["Encrypted"] for disk in disks] == [True, True]
    assert [disk["Ebs"]["VolumeType"] for disk in disks] == ["gp3", "gp3"]


def test_a_machine_that_turns_itself_off_is_gone() -> None:
    assert machine(synthesized())["InstanceInitiatedShutdownBehavior"] == "terminate"


def test_image_is_amazon_linux_unless_named() -> None:
    parameters = synthesized().templates["Compute"]["Parameters"]
    (default,) = [
        p["Default"] for n, p in parameters.items() if machine(synthesized())["ImageId"].endswith(n)
    ]
    assert default.startswith("/aws/service/ami-amazon-linux-latest/al2023-ami-") and "x86_64" in default
    named = synthesized(blender_node_image_id="ami-0123456789abcdef0")
    assert machine(named)["ImageId"] == "ami-0123456789abcdef0"


def test_a_gpu_fleet_has_the_image_with_the_driver_and_room_for_it() -> None:
    farm = synthesized(instance_types="g5.xlarge")
    parameters = farm.templates["Compute"]["Parameters"]
    image = machine(farm)["ImageId"]
    (parameter,) = [p for name, p in parameters.items() if image.endswith(name)]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    assert parameter["Default"] == (
        "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"
    )
    assert disk_gib(farm) >= 75, "that image's size"
    assert disk_gib(synthesized()) >= 8, "Amazon Linux's"
    own = {"blender_node_image_id": "ami-0123456789abcdef0"}
    assert machine(synthesized(instance_types="g5.xlarge", **own))["ImageId"] == "ami-0123456789abcdef0"


def disk_gib(farm: Synthesized) -> int:
    sizes = {d["DeviceName"]: d["Ebs"]["VolumeSize"] for d in machine(farm)["BlockDeviceMappings"]}
    return int(sizes["/dev/xvda"])


def test_the_fleet_rests_at_zero_and_a_deploy_leaves_its_size() -> None:
    properties = group(synthesized(worker_node_max_count="7"))
    assert (properties["MinSize"], properties["MaxSize"]) == ("0", "7")
    assert "DesiredCapacity" not in properties


def test_a_fleet_of_one_may_be_spot() -> None:
    distribution = group(synthesized())["MixedInstancesPolicy"]["InstancesDistribution"]
    assert distribution["OnDemandBaseCapacity"] == 0
    assert distribution["OnDemandPercentageAboveBaseCapacity"] == 0
    assert distribution["SpotAllocationStrategy"] == "price-capacity-optimized"


def test_machines_are_of_the_types_named_and_none_weighs_more() -> None:
    farm = synthesized(instance_types="c5.large,m6i.large", on_demand_percentage="30")
    policy = group(farm)["MixedInstancesPolicy"]
    assert policy["LaunchTemplate"]["Overrides"] == [
        {"InstanceType": "c5.large"},
        {"InstanceType": "m6i.large"},
    ]
    assert policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 30


def test_a_machine_is_not_taken_away_before_its_agent_has_found_nothing_to_do() -> None:
    assert group(synthesized())["NewInstancesProtectedFromScaleIn"] is True


def test_the_group_takes_the_name_it_is_given_everywhere() -> None:
    farm = synthesized(worker_asg_name="renderers")
    assert group(farm)["AutoScalingGroupName"] == "renderers"
    assert agent_environment(farm)["FARM_WORKER_ASG_NAME"] == "renderers"


def test_a_machine_that_the_group_ends_first_gives_its_work_back() -> None:
    farm = synthesized()
    (hook,) = farm.resources("AWS::AutoScaling::LifecycleHook")
    assert hook.properties == {
        "AutoScalingGroupName": group(farm)["AutoScalingGroupName"],
        "LifecycleHookName": TERMINATION_HOOK,
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
        "HeartbeatTimeout": 120,
        "DefaultResult": "CONTINUE",
    }


def test_a_machine_likely_to_be_taken_back_is_replaced_before_it_is() -> None:
    assert group(synthesized())["CapacityRebalance"] is True
