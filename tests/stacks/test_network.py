from __future__ import annotations

from tests.support.synthesized import synthesized


def test_nothing_stands_there_that_costs_by_the_hour() -> None:
    farm = synthesized()
    for kind in ("AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::Instance"):
        assert not list(farm.resources(kind))
    endpoints = {e.properties["ServiceName"]: e for e in farm.resources("AWS::EC2::VPCEndpoint")}
    assert set(endpoints) == {"com.amazonaws.eu-central-1.s3", "com.amazonaws.eu-central-1.dynamodb"}
    assert {endpoint.properties["VpcEndpointType"] for endpoint in endpoints.values()} == {"Gateway"}


def test_every_subnet_has_both_endpoints_and_a_way_out() -> None:
    farm = synthesized()
    tables = {a.properties["RouteTableId"] for a in farm.resources("AWS::EC2::SubnetRouteTableAssociation")}
    ways_out = {
        r.properties["RouteTableId"] for r in farm.resources("AWS::EC2::Route") if "GatewayId" in r.properties
    }
    assert tables == ways_out
    for endpoint in farm.resources("AWS::EC2::VPCEndpoint"):
        assert set(endpoint.properties["RouteTableIds"]) == tables
    assert all(subnet.properties["MapPublicIpOnLaunch"] for subnet in farm.resources("AWS::EC2::Subnet"))


def test_nobody_reaches_a_worker() -> None:
    workers = synthesized().resource("AWS::EC2::SecurityGroup", "Network/Workers")
    assert "SecurityGroupIngress" not in workers.properties
    assert not list(synthesized().resources("AWS::EC2::SecurityGroupIngress"))


def test_ssh_is_open_to_the_named_network_with_the_named_key_only() -> None:
    farm = synthesized(node_key_name="my-key", ssh_cidr="203.0.113.7/32")
    workers = farm.resource("AWS::EC2::SecurityGroup", "Network/Workers")
    (rule,) = workers.properties["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (
        "203.0.113.7/32",
        22,
        22,
        "tcp",
    )
    (template,) = farm.resources("AWS::EC2::LaunchTemplate")
    assert template.properties["LaunchTemplateData"]["KeyName"] == "my-key"
    (without,) = synthesized().resources("AWS::EC2::LaunchTemplate")
    assert "KeyName" not in without.properties["LaunchTemplateData"]
