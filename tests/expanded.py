"""template.yaml as SAM hands it to CloudFormation, which linting alone does not show."""

import json
import os
import subprocess
from functools import cache
from typing import Any

from tests.template import ROOT

# SAM lives in an environment of its own.
_EXPAND = """
import json, logging, sys
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

class NoManagedPolicies:
    def load(self):
        return {}

logging.disable()
template = yaml_parse(sys.stdin.read())
template["Globals"]["Function"]["CodeUri"] = "s3://artifacts/code"
template["Resources"]["DependenciesLayer"]["Properties"]["ContentUri"] = "s3://artifacts/layer"
print(json.dumps(transform(template, json.loads(sys.argv[1]), NoManagedPolicies())))
"""


@cache
def expanded(deployment: str) -> dict[str, Any]:
    """The template's resources after SAM's transform, for a value of `Deployment`."""
    parameters = {
        "AWS::Region": "us-east-1",
        "Issuer": "https://issuer.example.com",
        "Audience": "hub",
        "Deployment": deployment,
    }
    done = subprocess.run(  # noqa: S603 our own words
        [ROOT / ".venvs/sam/bin/python", "-c", _EXPAND, json.dumps(parameters)],
        input=(ROOT / "template.yaml").read_text(),
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    resources: dict[str, Any] = json.loads(done.stdout)["Resources"]
    return resources
