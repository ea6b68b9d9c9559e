"""What a real agent tells of its frames: lines in a log of the emulator, the last ones as it ends."""

from __future__ import annotations

import boto3

from tests.faults.interrupted_agent import Cloud, an_agent
from tests.support.embedded_metrics import extracted
from tests.support.synthesized import REGION

GROUP = "/farm/metrics"


def test_an_agent_that_ends_has_told_of_its_frames_in_its_log_and_by_no_call(cloud: Cloud) -> None:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    logs = session.client("logs", endpoint_url=cloud.endpoint)
    logs.create_log_group(logGroupName=GROUP)
    with an_agent(cloud, {"1": 0.2, "2": 0.2}, variables={"FARM_METRICS_LOG_GROUP_NAME": GROUP}) as agent:
        agent.render("1")
        agent.render("2")
        agent.until(lambda: agent.frame(1) and agent.frame(2) and not agent.is_held())
        assert agent.end() == 0
        events = logs.get_log_events(logGroupName=GROUP, logStreamName=f"{agent.worker_id}/metrics")["events"]
        records = [agent.frame(1), agent.frame(2)]
    told: dict[str, list[float]] = {}
    for event in events:
        for (namespace, name, ((dimension, _),)), found in extracted(event["message"]).items():
            assert (namespace, dimension) == ("farm", "Fleet")
            told.setdefault(name, []).extend(found.values)
    assert told["FramesDone"] == [2]
    assert sorted(told["FrameSeconds"]) == sorted(round(record.seconds, 3) for record in records if record)
    cloudwatch = session.client("cloudwatch", endpoint_url=cloud.endpoint)
    assert cloudwatch.list_metrics(Namespace="farm")["Metrics"] == []
