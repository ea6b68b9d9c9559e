from __future__ import annotations

import pytest

from tests.support.permissions import may, read_policy
from tests.support.synthesized import synthesized

CLIENT = ("ClientMount", "ClientWrite", "ClientRootAccess")
FILE_SYSTEM = "arn:Efs/Scratch/FileSystem"
ACCESS_POINT = (
    "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/Efs/Scratch/FileSystem/AccessPoint"
)


def test_the_file_system_opens_to_nobody_by_itself() -> None:
    file_system = synthesized().resource("AWS::EFS::FileSystem", "Efs/Scratch/FileSystem").properties
    assert file_system["Encrypted"] is True
    assert file_system["ThroughputMode"] == "elastic"
    statements = read_policy(file_system["FileSystemPolicy"])
    assert {s.effect for s in statements} == {"Deny"}
    refused = [s.conditions for s in statements]
    assert {"Bool": {"aws:SecureTransport": "false"}} in refused
    assert {"Null": {"elasticfilesystem:AccessPointArn": "true"}} in refused
    for statement in statements:
        assert statement.principal == {"AWS": "*"}
        assert set(statement.actions) == {f"elasticfilesystem:{action}" for action in CLIENT}


@pytest.mark.parametrize("role", ["Compute/WorkerRole", "Efs/Janitor/FunctionRole"])
def test_it_is_written_to_through_the_access_point_and_never_as_root(role: str) -> None:
    farm = synthesized()
    through = {"elasticfilesystem__AccessPointArn": ACCESS_POINT}
    for action, allowed in (("ClientMount", True), ("ClientWrite", True), ("ClientRootAccess", False)):
        assert may(farm, role, f"elasticfilesystem:{action}", FILE_SYSTEM, **through) is allowed
        assert not may(farm, role, f"elasticfilesystem:{action}", FILE_SYSTEM)


def test_the_access_point_owns_its_folder() -> None:
    """An unprivileged user cannot write in the file system's own root."""
    point = synthesized().resource("AWS::EFS::AccessPoint", "Efs/Scratch/FileSystem/AccessPoint").properties
    creation = point["RootDirectory"]["CreationInfo"]
    assert point["RootDirectory"]["Path"] != "/"
    assert point["PosixUser"] == {"Uid": creation["OwnerUid"], "Gid": creation["OwnerGid"]}
    assert point["PosixUser"]["Uid"] != "0"


def test_nfs_is_reached_from_the_vpc_alone_in_every_zone() -> None:
    farm = synthesized(vpc_cidr="172.16.0.0/20")
    (rule,) = farm.resource("AWS::EC2::SecurityGroup", "Efs/Scratch/Nfs").properties["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == ("172.16.0.0/20", 2049, 2049)
    targets = list(farm.resources("AWS::EFS::MountTarget"))
    assert {target.properties["SubnetId"] for target in targets} == {
        s.name for s in farm.resources("AWS::EC2::Subnet")
    }
    assert all(target.properties["SecurityGroups"] == ["Efs/Scratch/Nfs.GroupId"] for target in targets)
