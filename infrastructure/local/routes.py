"""What the engine leaves out of an HTTP API: authorizers, integrations, routes, CORS, throttles.

SAM puts them into the API's OpenAPI body, which the engine does not read. They are read from the
processed template, so the template stays as a real account wants it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from infrastructure.local.aws import REGION, STACK, LocalAws

ACCOUNT = "000000000000"  # the engine's
FUNCTION = re.compile(r"\$\{(\w+)\.Arn\}")


def create(aws: LocalAws, api_id: str) -> None:
    """Give the API what its OpenAPI body in the stack's template says, in place of what it has."""
    gateway = aws.client("apigatewayv2")
    cloudformation = aws.client("cloudformation")
    template = read_template(cloudformation)
    values = stack_values(cloudformation)
    body = resolve(resource(template, "AWS::ApiGatewayV2::Api")["Body"], values)
    remove_all(gateway, api_id)
    authorizers = create_authorizers(gateway, api_id, body)
    integrations: dict[str, str] = {}
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            function = values[FUNCTION.findall(integration["uri"])[0]]
            if function not in integrations:
                integrations[function] = create_integration(gateway, api_id, function)
            gateway.create_route(
                ApiId=api_id,
                RouteKey=f"{method.upper()} {path}",
                Target=f"integrations/{integrations[function]}",
                **authorization(operation, authorizers),
            )
    if "x-amazon-apigateway-cors" in body:
        gateway.update_api(
            ApiId=api_id, CorsConfiguration=capitalised(body["x-amazon-apigateway-cors"])
        )
    stage = resolve(resource(template, "AWS::ApiGatewayV2::Stage"), values)
    settings = {
        route: {
            name: float(value) if "Rate" in name else int(value) for name, value in given.items()
        }
        for route, given in stage.get("RouteSettings", {}).items()
    }
    gateway.update_stage(ApiId=api_id, StageName=stage["StageName"], RouteSettings=settings)


def read_template(cloudformation: Any) -> dict[str, Any]:
    """The stack's template as SAM's transform left it."""
    body = cloudformation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else dict(body)


def stack_values(cloudformation: Any) -> dict[str, str]:
    """What a `Ref` gives: parameters' values and resources' physical ids, by logical id."""
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    physical = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
    return {**parameters, **physical}


def resource(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The properties of the template's one resource of a kind."""
    [found] = [each for each in template["Resources"].values() if each["Type"] == kind]
    return dict(found["Properties"])


def resolve(value: Any, values: Mapping[str, str]) -> Any:
    """The value with each `Ref` replaced; an `Fn::Sub` stays the text it is."""
    if isinstance(value, list):
        return [resolve(each, values) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return values.get(value["Ref"], value["Ref"])
    if set(value) == {"Fn::Sub"}:
        return value["Fn::Sub"]
    return {key: resolve(each, values) for key, each in value.items()}


def remove_all(gateway: Any, api_id: str) -> None:
    for route in gateway.get_routes(ApiId=api_id)["Items"]:
        gateway.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    for integration in gateway.get_integrations(ApiId=api_id)["Items"]:
        gateway.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])
    for authorizer in gateway.get_authorizers(ApiId=api_id)["Items"]:
        gateway.delete_authorizer(ApiId=api_id, AuthorizerId=authorizer["AuthorizerId"])


def create_authorizers(gateway: Any, api_id: str, body: Mapping[str, Any]) -> dict[str, str]:
    """The ids of the JWT authorizers, by their names in the template."""
    created = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        authorizer = scheme["x-amazon-apigateway-authorizer"]
        created[name] = gateway.create_authorizer(
            ApiId=api_id,
            Name=name,
            AuthorizerType="JWT",
            IdentitySource=[authorizer["identitySource"]],
            JwtConfiguration={
                "Issuer": authorizer["jwtConfiguration"]["issuer"],
                "Audience": audiences(authorizer["jwtConfiguration"]["audience"]),
            },
        )["AuthorizerId"]
    return created


def audiences(given: Any) -> list[str]:
    """A list parameter arrives as one text with commas, alone or in a list."""
    texts = given if isinstance(given, list) else [given]
    return [audience.strip() for text in texts for audience in text.split(",")]


def create_integration(gateway: Any, api_id: str, function: str) -> str:
    created: str = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    return created


def authorization(
    operation: Mapping[str, Any], authorizers: Mapping[str, str]
) -> dict[str, str | list[str]]:
    """A route's authorization: the scheme it names, with its scopes, or none."""
    for requirement in operation.get("security", []):
        for name, scopes in requirement.items():
            if name in authorizers:
                return {
                    "AuthorizationType": "JWT",
                    "AuthorizerId": authorizers[name],
                    "AuthorizationScopes": scopes,
                }
    return {"AuthorizationType": "NONE"}


def capitalised(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {key[0].upper() + key[1:]: value for key, value in configuration.items()}
