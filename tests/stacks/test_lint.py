from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.synthesized import ROOT, synthesized

VARIANTS: list[dict[str, str]] = [
    {},
    {"availability_zone": "eu-west-1a,eu-west-1b,eu-west-1c"},
    {"node_key_name": "my-key", "ssh_cidr": "203.0.113.7/32"},
    {"blender_node_image_id": "ami-0123456789abcdef0"},
    {"monthly_budget_dollars": "50", "notification_email": "producer@studio.example"},
    {"instance_types": "g5.xlarge"},
]


@pytest.mark.parametrize("variables", VARIANTS, ids=str)
def test_cfn_lint_has_nothing_to_say(variables: dict[str, str], tmp_path: Path) -> None:
    for stack, template in synthesized(**variables).templates.items():
        (tmp_path / f"{stack}.template.json").write_text(json.dumps(template))
    files = [str(path) for path in tmp_path.glob("*.json")]
    run = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
