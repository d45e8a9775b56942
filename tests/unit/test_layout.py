"""The import rules of docs/architecture.md, held on the source itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py")])

# Who may import whom. A use case is a module directly in `shared`.
MAY_IMPORT = {
    "model": {"model"},
    "rules": {"model", "rules"},
    "store": {"model", "store"},
    "providers": {"model", "providers", "runtime"},
    "runtime": {"model", "runtime"},
    "use case": {"model", "rules", "store", "providers", "use case"},
    "function": {"model", "rules", "store", "providers", "runtime", "use case", "function"},
}
# A heavy library, and the rooms that may know it.
KNOWN_ONLY_TO = {
    "boto3": {"store", "providers", "runtime"},
    "botocore": {"store", "providers", "runtime"},
    "aws_lambda_powertools": {"runtime", "function"},
    "pydantic": {"function"},
    "jinja2": {"use case"},
}


def room(module: str) -> str:
    """The room a module lies in."""
    parts = module.split(".")
    if parts[0] == "functions":
        return "function"
    if len(parts) > 1 and parts[1] in MAY_IMPORT:
        return parts[1]
    return "use case"


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports at run time, wherever in the file."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module
            yield node.module
            if node.module in ("shared", "functions"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    here = room(name_of(path))
    for module in imported(path):
        if module.split(".")[0] in ("shared", "functions") and "." in module:
            assert room(module) in MAY_IMPORT[here], f"{name_of(path)} imports {module}"
        top = module.split(".")[0]
        assert here in KNOWN_ONLY_TO.get(top, {here}), f"{name_of(path)} imports {top}"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.is_relative_to(ROOT / "functions")])
def test_no_function_imports_another(path: Path) -> None:
    own = ".".join(name_of(path).split(".")[:2])
    for module in imported(path):
        if module.startswith("functions."):
            assert module.startswith(own)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    if name_of(path) == "shared.runtime.settings":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ("os.environ", "os.getenv")


def test_nothing_happens_at_import() -> None:
    """Every module imports in an empty environment, without a client and without a connection."""
    names = [name_of(path) for path in SOURCES]
    script = (
        "import socket, importlib, sys\n"
        "def refuse(*_, **__): raise RuntimeError('a connection at import')\n"
        "socket.socket.connect = refuse\n"
        "import boto3\n"
        "boto3.client = boto3.resource = boto3.Session.client = refuse\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
