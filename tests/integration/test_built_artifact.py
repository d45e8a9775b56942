"""What `sam build` puts on Lambda: each handler imports from it, with nothing else at hand."""

import os
import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from shared.templates import Templates
from tests.template import ROOT, each_function, package

# What the Lambda runtime brings, and the layer therefore must not.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
LAMBDA_BYTES = 250 * 1024 * 1024  # a function and its layers, unzipped
FUNCTION_BYTES = 5 * 1024 * 1024
AARCH64 = 183  # e_machine in an ELF header

IMPORT = """
import sys
sys.path[:0] = sys.argv[2:]
import importlib
print(importlib.import_module(sys.argv[1]).lambda_handler.__module__)
"""


def build(target: str, artifacts: Path, layer: str) -> None:
    """Run one of `sam build`'s rules; for the local layer, with this test's own interpreter."""
    artifacts.mkdir()
    command = ["make", "-f", "infrastructure/build.mk", f"build-{target}"]
    if layer == "local":
        command.append(f"BUILD_PYTHON={sys.executable}")
    subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "ARTIFACTS_DIR": str(artifacts), "LAYER": layer},
        check=True,
        timeout=300,
    )


def size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dependencies, built for the interpreter that runs this test."""
    artifacts = tmp_path_factory.mktemp("layer") / "opt"
    build("DependenciesLayer", artifacts, "local")
    return artifacts


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages that Lambda's own Python has."""
    directory = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME_PACKAGES:
        spec = find_spec(name)
        assert spec
        assert spec.origin
        source = Path(spec.origin)
        if source.name == "__init__.py":
            source = source.parent
        (directory / source.name).symlink_to(source)
    return directory


@each_function
def test_a_handler_imports_from_its_artifact_and_the_layer_alone(
    name: str, layer: Path, runtime: Path, tmp_path: Path
) -> None:
    artifacts = tmp_path / "task"
    build(name, artifacts, "local")

    # Isolated and without site-packages: what is not in the artifact or the layer is not there.
    imported = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-W", "error", "-c", IMPORT),
            f"functions.{package(name)}.handler",
            *map(str, (artifacts, layer / "python", runtime)),
        ],
        cwd=tmp_path,
        env={},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert imported.returncode == 0, imported.stderr
    assert imported.stdout.strip() == f"functions.{package(name)}.handler"


@each_function
def test_an_artifact_holds_its_own_package_and_what_is_shared(name: str, tmp_path: Path) -> None:
    artifacts = tmp_path / "task"
    build(name, artifacts, "local")

    more = {"infrastructure"} if package(name) == "notify_customer" else set()
    assert {path.name for path in artifacts.iterdir()} == {"functions", "shared"} | more
    packages = {path.name for path in (artifacts / "functions").iterdir()}
    assert packages - {"__pycache__"} == {"__init__.py", package(name)}
    assert size(artifacts) < FUNCTION_BYTES


def test_the_words_of_messages_travel_with_the_function_that_writes_them(tmp_path: Path) -> None:
    artifacts = tmp_path / "task"
    build("NotifyCustomerFunction", artifacts, "local")

    assert Templates(artifacts / "infrastructure" / "templates").names == Templates().names
    assert [path.name for path in (artifacts / "infrastructure").iterdir()] == ["templates"]


def test_a_rule_without_a_package_fails(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        build("NobodysFunction", tmp_path / "task", "local")


def test_bytecode_is_of_the_kind_that_lambda_uses(layer: Path) -> None:
    """Flags 1: checked by nobody. A zip's dates would make any other kind worthless."""
    (compiled,) = (layer / "python" / "standardwebhooks" / "__pycache__").glob("webhooks.*.pyc")

    (flags,) = struct.unpack_from("<I", compiled.read_bytes(), 4)
    assert flags == 1


def test_the_layer_leaves_to_the_runtime_what_the_runtime_brings(layer: Path) -> None:
    assert not (layer / "python" / "botocore").exists()
    assert not (layer / "python" / "boto3").exists()


def test_the_layer_for_aws_is_of_lambdas_platform_and_size(tmp_path: Path) -> None:
    artifacts = tmp_path / "opt"
    build("DependenciesLayer", artifacts, "aws")

    libraries = sorted(artifacts.rglob("*.so"))
    assert libraries
    for library in libraries:
        (machine,) = struct.unpack_from("<H", library.read_bytes(), 18)
        assert machine == AARCH64, library
        assert "cpython-313" in library.name or ".abi3." in library.name
    assert size(artifacts) + FUNCTION_BYTES < LAMBDA_BYTES
    shutil.rmtree(artifacts)
