"""Building the template and deploying it to the engine, when it is not there as it is now."""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from infrastructure.local import routes
from infrastructure.local.aws import STACK, LocalAws
from infrastructure.local.console import HubError, run_quietly, say
from infrastructure.local.credentials import Credentials
from infrastructure.local.place import BUILD, ROOT, SAM, Place

SOURCES = ("template.yaml", "Makefile", "functions", "shared", "infrastructure")
ARTIFACTS = "throughline-artifacts"  # the bucket that the built code goes through
DEPLOYED = f"/{STACK}/local/deployed"  # the parameter that says what the engine's state holds


def bring_up_to_date(
    aws: LocalAws,
    place: Place,
    credentials: Credentials,
    parameters: Mapping[str, str],
    site_url: str,
) -> tuple[str, dict[str, str]]:
    """Have the engine run the sources as they are; returns the API's base URL and the outputs.

    Building and deploying is left out when the engine's state already holds just this.
    """
    wanted = fingerprint(parameters)
    outputs = aws.outputs()
    if not outputs or deployed(aws) != wanted:
        place.deploy_log.write_bytes(b"")
        build(place)
        say("Deploying template.yaml to the engine")
        deploy(aws, place, parameters)
        outputs = aws.outputs()
        routes.create(aws, outputs["ApiId"])
    fill_in(aws, outputs, credentials, site_url)
    api_url = f"{aws.endpoint_url}/_aws/execute-api/{outputs['ApiId']}"
    put_parameter(aws, outputs["PublicUrlsParameterName"], api_url)
    put_parameter(aws, DEPLOYED, wanted)
    return api_url, outputs


def build(place: Place) -> None:
    """`sam build`, with the layer for the engine's interpreter; left out when nothing changed."""
    wanted, built = fingerprint({}), BUILD / "throughline-stamp"
    if built.exists() and built.read_text() == wanted:
        return
    say("Building the functions and their layer")
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    run_quietly(
        "building",
        [str(SAM), "build", "--build-dir", str(BUILD / "out")],
        log=place.deploy_log,
        cwd=ROOT,
        environment={**LocalAws("").environment(), "LAYER": "local"},
    )
    template = BUILD / "out" / "template.yaml"
    template.write_text(without_versions(template.read_text()))
    built.write_text(wanted)


def without_versions(template: str) -> str:
    """The template with functions called as they are now: a shifted clock must reach them at once.

    A published version would keep the clock of its day.
    """
    template = re.sub(r"^ *AutoPublishAlias: live\n", "", template, flags=re.MULTILINE)
    return re.sub(r"(\w+Function)\.Alias\b", r"\1", template)


def deploy(aws: LocalAws, place: Place, parameters: Mapping[str, str]) -> None:
    """`sam deploy` to the engine."""
    s3 = aws.client("s3")
    if ARTIFACTS not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=ARTIFACTS)
    command = [str(SAM), "deploy", "--template-file", str(BUILD / "out" / "template.yaml")]
    options = ["--stack-name", STACK, "--s3-bucket", ARTIFACTS, "--capabilities", "CAPABILITY_IAM"]
    options += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"]
    overrides = [f"{key}={value}" for key, value in parameters.items()]
    run_quietly(
        "deploying",
        [*command, *options, "--parameter-overrides", *overrides],
        log=place.deploy_log,
        cwd=BUILD,  # where no samconfig.toml of a real account is
        environment=aws.environment(),
    )
    if not aws.outputs():
        raise HubError(f"the engine did not complete the stack; see {place.deploy_log}")


def fill_in(
    aws: LocalAws, outputs: Mapping[str, str], credentials: Credentials, site_url: str
) -> None:
    """Put in what an operator puts in after a first deployment: the providers' secrets."""
    manager = aws.client("secretsmanager")
    twilio, chat = credentials.twilio_secret(), credentials.chat_secret_of(site_url)
    manager.put_secret_value(SecretId=outputs["TwilioSecretArn"], SecretString=twilio)
    manager.put_secret_value(SecretId=outputs["ChatSecretArn"], SecretString=chat)


def put_parameter(aws: LocalAws, name: str, value: str) -> None:
    aws.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def deployed(aws: LocalAws) -> str | None:
    """The fingerprint of what the engine's state holds, or None."""
    ssm = aws.client("ssm")
    try:
        value: str = ssm.get_parameter(Name=DEPLOYED)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return value


def fingerprint(parameters: Mapping[str, str]) -> str:
    """A hash over all that a deployment is made from."""
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for file in source_files():
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def source_files() -> Iterator[Path]:
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            own = Path(__file__).parent in file.parents and file.name not in (
                "deploy.py",
                "routes.py",
            )
            if file.is_file() and "__pycache__" not in file.parts and not own:
                yield file
