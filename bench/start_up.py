"""How soon everything but rendering starts: `python -m bench.start_up`.

The packages of the functions as CDK packs them, what their handlers take to import and to make their clients,
`cdk synth` and `farm --help`. Each is the best of several runs. In Lambda a processor is another: what counts
there is which part is the largest.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from farm.local.settings import ROOT

_TIMES: Final = 4
_SYNTHS: Final = 2
_IMPORT: Final = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\w+)")
_CLIENT: Final = re.compile(r'boto3\.(?:client|resource)\("\w+"')
_TABLE: Final = "{:<22}{:>8}{:>9}{:>9}{:>9}{:>9}".format
_SDK: Final = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"})
_TIMED: Final = """
import time
import boto3
began = time.perf_counter()
{calls}
print(time.perf_counter() - began)
"""


def main() -> None:
    with TemporaryDirectory(prefix="farm-bench-start-up-") as folder:
        out = Path(folder, "cdk.out")
        cdk = str(Path(sys.executable).with_name("cdk"))
        synth = best_seconds([cdk, "synth", "--quiet", "--output", str(out)], _SYNTHS)
        print(_TABLE("function", "packed", "import", "of it ours", "the SDK", "clients"))
        for name, package in sorted(function_packages(out).items()):
            print(_line(name, package))
    print(f"cdk synth: {synth:.1f} s")
    python = [sys.executable, "-P"]
    bare, shown = best_seconds([*python, "-c", ""]), best_seconds([*python, "-m", "farm", "--help"])
    print(f"farm --help: {shown:.3f} s, of which Python alone {bare:.3f} s")


def function_packages(assembly: Path) -> dict[str, Path]:
    """The staged folder of each function in a cloud assembly, by the function's name."""
    return {
        handler.parent.name: handler.parents[2] for handler in assembly.glob("asset.*/functions/*/handler.py")
    }


def packed_bytes(package: Path) -> int:
    """Of the archive that CDK makes of a staged folder."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(package.rglob("*")):
            packed.write(path, path.relative_to(package))
    return len(archive.getvalue())


def best_seconds(command: Sequence[str], times: int = _TIMES) -> float:
    """Of the whole process, in this checkout."""

    def once() -> float:
        began = perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=_environment(ROOT))
        return perf_counter() - began

    return _best(once, times)


def _line(name: str, package: Path) -> str:
    imported = min((_import_microseconds(name, package) for _ in range(_TIMES)), key=Counter.total)
    ours = imported["functions"] + imported["contract"]
    sdk = sum(imported[part] for part in _SDK)
    calls = [f"{call})" for call in _CLIENT.findall((package / f"functions/{name}/handler.py").read_text())]
    clients = _best(
        lambda: float(_python(package, "-c", _TIMED.format(calls="\n".join(calls))).stdout), _TIMES
    )
    return _TABLE(
        name,
        f"{packed_bytes(package) / 1000:.0f} KB",
        *(f"{microseconds / 1e6:.3f} s" for microseconds in (imported.total(), ours, sdk, clients * 1e6)),
    )


def _import_microseconds(name: str, package: Path) -> Counter[str]:
    """Of the handler's module with all that it imports, in microseconds, by the packages' names."""
    said = _python(package, "-X", "importtime", "-c", f"import functions.{name}.handler").stderr
    taken: Counter[str] = Counter()
    for microseconds, part in _IMPORT.findall(said):
        taken[part] += int(microseconds)
    return taken


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    environment = _environment(folder)
    return subprocess.run(command, check=True, text=True, capture_output=True, cwd=folder, env=environment)


def _environment(folder: Path) -> dict[str, str]:
    """Of a process that imports what is in that folder, as it would in Lambda or from a checkout."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(folder), "AWS_DEFAULT_REGION": "eu-central-1"}


def _best(once: Callable[[], float], times: int) -> float:
    return min(once() for _ in range(times))


if __name__ == "__main__":
    main()
