"""The CDK app as it synthesizes, once per set of variables and test session, and what its templates say.

Values in templates point at resources of this and other stacks. `resolve` turns them into plain texts in
which a resource has a name one can read: `Storage/RenderBucket` for its reference, and
`arn:Storage/RenderBucket` for its ARN.
"""

from __future__ import annotations

import atexit
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from aws_cdk import App
from aws_cdk.cx_api import CloudAssembly

import app as farm_app

ROOT = Path(farm_app.__file__).parent
ACCOUNT: Final = "123456789012"
REGION: Final = "eu-central-1"
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
}


def default_variables() -> dict[str, str]:
    """What cdk.json gives."""
    variables: dict[str, str] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return variables


def synthesize(variables: Mapping[str, str], *, stage_assets: bool = False) -> CloudAssembly:
    """Synthesize the app with some variables set, as `cdk synth -c name=value` does."""
    folder = tempfile.mkdtemp(prefix="synthesized-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    cdk = {"aws:cdk:enable-path-metadata": True, "aws:cdk:disable-asset-staging": not stage_assets}
    app = App(context={**default_variables(), **variables, **cdk}, outdir=folder, analytics_reporting=False)
    farm_app.build(app, lambda: no_wheels(folder))
    return app.synth()


def no_wheels(folder: str) -> Path:
    """An empty folder in that one: as good as 94 MB of packages, whose pins name the asset."""
    wheels = Path(folder, "wheels")
    wheels.mkdir(exist_ok=True)
    return wheels


@cache
def synthesized(**variables: str) -> Synthesized:
    """The templates for these variables; the same object each time."""
    assembly = synthesize(variables)
    prefix = f"{variables.get('farm_name', default_variables()['farm_name'])}-"
    return Synthesized({stack.stack_name.removeprefix(prefix): stack.template for stack in assembly.stacks})


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, its properties resolved."""

    name: str
    """`<stack>/<construct path>`."""
    type: str
    properties: Mapping[str, Any]
    raw: Mapping[str, Any]
    """As it stands in the template."""


class Synthesized:
    """All templates, by their stacks' names without the farm's."""

    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self.templates = templates
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def resources(self, resource_type: str) -> Iterator[Resource]:
        """Every resource of a CloudFormation type."""
        for stack, template in self.templates.items():
            for logical_id, raw in template["Resources"].items():
                if raw["Type"] == resource_type:
                    properties = self.resolve(stack, raw.get("Properties", {}))
                    yield Resource(self._name(stack, logical_id), resource_type, properties, raw)

    def resource(self, resource_type: str, name: str) -> Resource:
        """The resource of a type whose name is `name`."""
        found = {resource.name: resource for resource in self.resources(resource_type)}
        assert name in found, f"no {resource_type} {name}: there are {', '.join(found) or 'none'}"
        return found[name]

    def outputs(self) -> dict[str, Any]:
        """The outputs for people, those the stacks keep among themselves left out."""
        return {
            name: self.resolve(stack, output["Value"])
            for stack, template in self.templates.items()
            for name, output in template.get("Outputs", {}).items()
            if "Export" not in output
        }

    def resolve(self, stack: str, value: Any) -> Any:
        """A value of a template with every intrinsic function replaced."""
        match value:
            case {"Ref": name}:
                return _PSEUDO.get(name) or self._reference(stack, name)
            case {"Fn::GetAtt": [name, "Arn"]}:
                return f"arn:{self._name(stack, name)}"
            case {"Fn::GetAtt": [name, attribute]}:
                return f"{self._name(stack, name)}.{attribute}"
            case {"Fn::ImportValue": name}:
                return self.resolve(*self._exports[name])
            case {"Fn::Join": [between, parts]}:
                return between.join(str(self.resolve(stack, part)) for part in parts)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:]+)\}", lambda m: self.resolve(stack, {"Ref": m[1]}), text)
            case {"Fn::Base64": inner}:
                return self.resolve(stack, inner)
            case dict():
                return {key: self.resolve(stack, inner) for key, inner in value.items()}
            case list():
                return [self.resolve(stack, inner) for inner in value]
            case _:
                return value

    def _reference(self, stack: str, logical_id: str) -> str:
        raw = self.templates[stack]["Resources"].get(logical_id, {})
        physical_name: str | None = raw.get("Properties", {}).get("AutoScalingGroupName")
        if raw.get("Type") == "AWS::AutoScaling::AutoScalingGroup" and physical_name:
            return physical_name
        return self._name(stack, logical_id)

    def _name(self, stack: str, logical_id: str) -> str:
        raw = self.templates[stack]["Resources"].get(logical_id)
        if raw is None:
            return f"{stack}/{logical_id}"  # a parameter
        path = raw.get("Metadata", {}).get("aws:cdk:path", f"/{logical_id}").partition("/")[2]
        return f"{stack}/{path.removesuffix('/Resource')}"
