"""cdk-nag's AwsSolutions rules: no finding is open, and each that is meant to be so has its reason."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

import app as farm_app
from tests.stacks.test_allowed_actions import EVERYTHING_ON
from tests.support.synthesized import default_variables, no_wheels

RULES = {"AS3", "EC26", "IAM5", "L1", "S1", "SQS3", "VPC7"}
"""What is acknowledged somewhere; another one wants a thought."""


def a_farm(folder: str, variables: dict[str, str]) -> App:
    cdk = {"aws:cdk:enable-path-metadata": True, "aws:cdk:disable-asset-staging": True}
    app = App(context={**default_variables(), **variables, **cdk}, outdir=folder, analytics_reporting=False)
    farm_app.build(app, lambda: no_wheels(folder))
    return app


def acknowledged(app: App) -> dict[str, str]:
    """Names of findings, and why each is meant to be so."""
    key = Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    found: dict[str, Any] = {}
    for construct in app.node.find_all():
        for entry in construct.node.metadata:
            if entry.type == key:
                found.update(entry.data)
    ours = {name: reason for name, reason in found.items() if "AwsSolutions-" in name}
    return {name.rpartition("AwsSolutions-")[2]: reason for name, reason in ours.items()}


def test_no_finding_is_open() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = a_farm(folder, EVERYTHING_ON)
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        app.synth()  # raises where a finding is open, and says what it is
        reasons = acknowledged(app)
    assert {name.partition("[")[0] for name in reasons} == RULES
    assert all(len(reason) > 40 for reason in reasons.values()), reasons


def test_a_finding_ends_synth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As `cdk synth` and `cdk deploy` have it: app.py looks as well."""

    def build(app: App) -> None:
        sqs.Queue(Stack(app, "Stack"), "Queue")

    monkeypatch.setattr(farm_app, "build", build)
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))
    with pytest.raises(RuntimeError, match="AwsSolutions-SQS4"):
        farm_app.main()
