"""Environments for the laptop farm's processes: nothing of the person's own AWS account is in them.

A deploy that reached for real credentials would build a farm in a real account. So children get only
what is named here, and AWS_* variables are ours alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from farm.local.settings import ROOT, region_of

MARKER = "AUTOBLENDERRENDER_LAPTOP_FARM"
"""Holds the state folder in the environment of every process of a laptop farm: by it, strays are found."""

REGION = region_of(ROOT / "cdk.json")
ACCOUNT = "000000000000"
"""The emulator's own."""

_KEPT = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "SYSTEMROOT"),
        *("HTTPS_PROXY", "https_proxy"),  # a Blender may have to be fetched
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "CUDA_VISIBLE_DEVICES"),
    }
)
_LOOPBACK = "127.0.0.1,localhost,::1"
_NOBODY = "http://127.0.0.1:1"
"""Nothing answers there: what is said to the person's own machine is not for an agent."""


def without_aws(env: Mapping[str, str]) -> dict[str, str]:
    """The person's environment without any AWS_* variable."""
    return {name: value for name, value in env.items() if not name.upper().startswith("AWS_")}


def aws_variables(*, endpoint: str | None, state_dir: Path) -> dict[str, str]:
    """What leads an AWS client to the emulator, and keeps it from the person's profiles and machine role."""
    nowhere = str(state_dir / "no-aws-profile")
    variables = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": _NOBODY,  # the fleet gives each agent a machine of its own
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
    }
    return variables | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})


def child_environment(env: Mapping[str, str], *, endpoint: str | None, state_dir: Path) -> dict[str, str]:
    """The environment of a process of the laptop farm."""
    kept = {name: value for name, value in env.items() if name in _KEPT or name.startswith(("LC_", "UV_"))}
    here = str(Path(sys.executable).parent)  # python3 and node of the farm's own environment come first
    return {
        **kept,
        "PATH": f"{here}:{env.get('PATH', '/usr/local/bin:/usr/bin:/bin')}",
        "PYTHONUNBUFFERED": "1",
        MARKER: str(state_dir),
        **aws_variables(endpoint=endpoint, state_dir=state_dir),
    }
