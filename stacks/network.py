"""Where the workers live: public subnets, no NAT gateway, and the free ways to S3 and DynamoDB."""

from __future__ import annotations

from aws_cdk import Environment, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.acknowledgements import acknowledge
from stacks.config import FarmConfig


class NetworkStack(Stack):
    """Depends on no other stack. Workers reach out through addresses of their own; nobody reaches in."""

    def __init__(self, scope: Construct, construct_id: str, *, env: Environment, config: FarmConfig) -> None:
        super().__init__(scope, construct_id, env=env)
        zones = config.availability_zone
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(config.vpc_cidr),
            # unnamed zones are the first two: how many more a region has cannot be known at synth
            **({"availability_zones": list(zones)} if zones else {"max_azs": 2}),
            nat_gateways=0,
            subnet_configuration=[ec2.SubnetConfiguration(name="Workers", subnet_type=ec2.SubnetType.PUBLIC)],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )
        acknowledge(
            self.vpc,
            "VPC7",
            "Nothing listens here and nobody is let in: a log of the workers' own requests, paid by the"
            " gigabyte, tells no more than the agent's log.",
        )
        self.workers = ec2.SecurityGroup(
            self, "Workers", vpc=self.vpc, description="Render workers", allow_all_outbound=True
        )
        if config.ssh_cidr:
            self.workers.add_ingress_rule(ec2.Peer.ipv4(config.ssh_cidr), ec2.Port.tcp(22), "SSH")
