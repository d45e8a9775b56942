"""Clients of the engine's AWS, whatever AWS account this machine may be signed in to."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
STACK = "throughline"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class LocalAws:
    """The engine at one endpoint."""

    endpoint_url: str

    def client(self, service: str) -> Any:
        """A boto3 client of the engine; it never reads a profile or a real credential."""
        session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        client: Any = session.client(  # type: ignore[call-overload]  # service is any service
            service,
            endpoint_url=self.endpoint_url,
            config=Config(connect_timeout=5, read_timeout=30, proxies={}),
        )
        return client

    def environment(self) -> dict[str, str]:
        """The environment in which a command line tool talks to the engine and nothing else."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return {
            **inherited,
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
            "SAM_CLI_TELEMETRY": "0",
        }

    def outputs(self) -> dict[str, str]:
        """The stack's outputs, or nothing when there is no complete stack."""
        cloudformation = self.client("cloudformation")
        try:
            stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        except cloudformation.exceptions.ClientError:
            return {}
        if not stack["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in stack["StackStatus"]:
            return {}
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
