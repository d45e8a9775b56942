"""How large what `sam build` makes is, each function and the layer."""

import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.template import ROOT

_RULES = (ROOT / "infrastructure" / "build.mk").read_text()
PACKAGES = dict(re.findall(r"^build-(\w+Function): PACKAGE = (\w+)$", _RULES, re.MULTILINE))
_LAMBDA_MB = 250  # a function and its layers, unzipped
_FUNCTION_MB = 5
_MB = 1024 * 1024


def measure() -> Iterator[Figure]:
    """The zip that is uploaded, and the megabytes it becomes."""
    layer = _built("DependenciesLayer")
    yield Figure(name="layer, zipped", value=layer[0], unit="MB")
    for target, name in PACKAGES.items():
        zipped, whole = _built(target)
        yield Figure(
            name=f"{name}, unzipped", value=whole, unit="MB", target=_FUNCTION_MB, note=_mb(zipped)
        )
    yield Figure(name="layer, unzipped", value=layer[1], unit="MB", target=_LAMBDA_MB)


def _built(target: str) -> tuple[float, float]:
    """Megabytes zipped and unzipped."""
    with tempfile.TemporaryDirectory() as directory:
        artifacts = Path(directory, "artifacts")
        artifacts.mkdir()
        subprocess.run(
            ["make", "-s", "-f", "infrastructure/build.mk", f"build-{target}"],
            cwd=ROOT,
            env={**os.environ, "ARTIFACTS_DIR": str(artifacts)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        files = [path for path in sorted(artifacts.rglob("*")) if path.is_file()]
        whole = sum(path.stat().st_size for path in files)
        archive = Path(directory, "artifacts.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in files:
                zipped.write(path, path.relative_to(artifacts))
        return archive.stat().st_size / _MB, whole / _MB


def _mb(zipped: float) -> str:
    return f"{zipped:.2f} MB zipped"
