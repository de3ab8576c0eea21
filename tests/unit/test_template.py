"""The template and the code agree, and the template keeps the contract's promises."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from certificate_rotation import settings
from certificate_rotation.adapters.device_id_api import ANSWER_SECONDS, PROBE_SECONDS
from certificate_rotation.adapters.mtls import CONNECTING_SECONDS
from certificate_rotation.domain.invocation import TIME_FOR_WRITES
from certificate_rotation.domain.x509 import KEY_ALGORITHMS
from certificate_rotation.settings import MAX_DAYS, SERVICE_URLS, Settings
from tests.support.cloudformation import REGION, ROOT, TEMPLATE, TENANT, Stack, read_template

PARTITIONS = ["aws", "aws-us-gov", "aws-cn", "aws-eusc"]
KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
FORMER = KEY.replace("1", "9")
SECRETS = [
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:device-id-AbCdEf",
    "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:team/device-id-a1B2c3",
    "arn:aws-eusc:secretsmanager:eusc-de-east-1:123456789012:secret:device-id-AbCdEf",
]
NO_SECRETS = [
    "device-id",
    "*",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:*",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:device_id",  # without the six characters
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:AbCdEf",
    "arn:aws:secretsmanager::123456789012:secret:device-id-AbCdEf",
    "arn:aws:ssm:us-east-1:123456789012:secret:device-id-AbCdEf",
]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """template.yaml."""
    return read_template()


@pytest.fixture(scope="module")
def function(template: dict[str, Any]) -> dict[str, Any]:
    """The function's properties."""
    properties: dict[str, Any] = template["Resources"]["CertificateRotationFunction"]["Properties"]
    return properties


@pytest.fixture(scope="module")
def statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    """What the role allows, with and without a KMS key."""
    (policy,) = template["Resources"]["FunctionRole"]["Properties"]["Policies"]
    given = policy["PolicyDocument"]["Statement"]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in given]


def test_the_names_are_the_contracts(template: dict[str, Any]) -> None:
    """Users' stacks rely on them."""
    contract = {
        *("AlertEmail", "ServiceRegion", "ServiceUrl", "TrustedCaPem", "ExistingSecretArn", "ScheduleExpression"),
        *("RenewBeforeDays", "CriticalDays", "CutoverGraceHours", "KeyAlgorithm", "CertNamePrefix"),
        *("NotifyOnSuccess", "HeartbeatHours", "LogRetentionDays", "KmsKeyArn", "Architecture"),
        *("NativeRotationDays", "SubnetIds", "SecurityGroupIds", "PermissionsBoundaryArn"),
    }
    assert contract <= template["Parameters"].keys()
    assert {"DependenciesLayer", "CredentialSecret", "RotationLedger", "AlertTopic"} <= template["Resources"].keys()
    assert "RotationSchedule" in template["Resources"]["CertificateRotationFunction"]["Properties"]["Events"]
    assert template["Outputs"].keys() >= {"FunctionName", "SecretArn", "LedgerTableName", "AlertTopicArn"}


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_links_lead_to_the_console_of_the_partition(partition: str) -> None:
    """The console of another one does not know the account."""
    stack = Stack(partition=partition)
    console = f"{REGION}.{stack.template['Mappings']['Partition'][partition]['Console']}"
    links = {name: value for name, value in stack.outputs().items() if name.endswith("Link")}
    assert set(links) == {"TestLink", "SecretLink", "DashboardLink", "AlarmsLink", "LogLink"}
    assert all(re.fullmatch(rf"https://{re.escape(console)}/\S+", link) for link in links.values())
    assert all(f"region={REGION}" in link for link in links.values())
    (function,) = stack.resources("AWS::Serverless::Function").values()
    assert function["Environment"]["Variables"]["CONSOLE_HOST"] == console, "mails link to the log"


def test_the_log_link_names_the_functions_log_group(template: dict[str, Any]) -> None:
    """Its name is written twice: as it is, and as the console wants it in an address."""
    (group,) = Stack().resources("AWS::Logs::LogGroup").values()
    encoded = quote(group["LogGroupName"], safe="").replace("%", "$25")
    assert Stack().outputs()["LogLink"].endswith(f"log-group/{encoded}")


def test_every_output_says_what_it_is_for(template: dict[str, Any]) -> None:
    """The console shows them side by side after a deployment."""
    assert all(output["Description"].endswith(".") for output in template["Outputs"].values())


def test_the_environment_is_what_the_settings_read(function: dict[str, Any]) -> None:
    """A variable nobody reads is a parameter that does nothing."""
    package = Path(settings.__file__).parent
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', Path(settings.__file__).read_text()))
    for module in package.rglob("*.py"):
        read |= set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', module.read_text()))
    by_lambda = {"AWS_REGION"}
    for_commands = {"STACK_NAME"}  # what a mail tells a person to type
    assert set(function["Environment"]["Variables"]) | for_commands == (read | for_commands) - by_lambda


def test_the_defaults_of_template_and_code_agree(template: dict[str, Any], function: dict[str, Any]) -> None:
    """Two truths about one default would be one lie."""
    given = {}
    for name, value in function["Environment"]["Variables"].items():
        parameter = template["Parameters"].get(value["Ref"]) if "Ref" in value else None
        given[name] = str(parameter["Default"]) if parameter else "set by the stack"
    by_stack = {name: value for name, value in given.items() if value == "set by the stack"}
    told = {"SECRET_ARN", "LEDGER_TABLE", "ALERT_TOPIC_ARN", "STACK_NAME", "CONSOLE_HOST", "NATIVE_ROTATION"}
    assert by_stack.keys() == told
    (resolved,) = Stack({}).resources("AWS::Serverless::Function").values()
    given["NATIVE_ROTATION"] = resolved["Environment"]["Variables"]["NATIVE_ROTATION"]
    del by_stack["NATIVE_ROTATION"]
    assert Settings.from_env(given) == Settings.from_env(by_stack)


def test_the_environment_fits_into_what_lambda_takes() -> None:
    """Lambda: 4 KB in all. A trust anchor that is too long must be refused by its parameter, not in the middle."""
    stack = Stack({"TrustedCaPem": "x" * read_template()["Parameters"]["TrustedCaPem"]["MaxLength"]})
    (function,) = stack.resources("AWS::Serverless::Function").values()
    variables = function["Environment"]["Variables"]
    names = {
        "SECRET_ARN",
        "LEDGER_TABLE",
        "ALERT_TOPIC_ARN",
        "SERVICE_URL",
        "STACK_NAME",
    }  # at their longest
    values = [120 * "x" if name in names else str(value) for name, value in variables.items()]
    assert sum(map(len, [*variables, *values])) < 4096 - 100


def test_template_and_code_allow_the_same(template: dict[str, Any]) -> None:
    """What CloudFormation accepts must not fail at night."""
    parameters = template["Parameters"]
    assert parameters["KeyAlgorithm"]["AllowedValues"] == list(KEY_ALGORITHMS)
    assert parameters["ServiceRegion"]["AllowedValues"] == list(SERVICE_URLS)
    assert parameters["RenewBeforeDays"]["MaxValue"] <= MAX_DAYS
    assert 1 <= parameters["CriticalDays"]["MinValue"] <= parameters["CriticalDays"]["MaxValue"] <= MAX_DAYS
    assert parameters["CutoverGraceHours"]["MaxValue"] <= MAX_DAYS * 24


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("AlertEmail", ["a@example.com"], ["", "a", "a@b", "a b@example.com"]),
        ("ServiceUrl", ["", "https://h.example", "https://h:8443/"], ["http://h", "https://u:p@h", "https://h/?q"]),
        ("ScheduleExpression", ["rate(1 hour)", "cron(0 * * * ? *)"], ["hourly", "rate()"]),
        ("CertNamePrefix", ["device-id"], ["", "a b", "x" * 41]),
        ("KmsKeyArn", ["", "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd"], ["alias/mine", "*"]),
        ("FormerKmsKeyArn", ["", "arn:aws-eusc:kms:eusc-de-east-1:123456789012:key/mrk-1"], ["alias/mine", "*"]),
        ("ExistingSecretArn", ["", *SECRETS], NO_SECRETS),
        (
            "TenantSecretPrefix",
            ["", "tenants", "device-id/tenants"],
            ["*", "a/", "/a", "a//b", "${aws:username}", "a?"],
        ),
    ],
)
def test_a_parameter_is_checked_before_anything_is_deployed(
    template: dict[str, Any], parameter: str, good: list[str], bad: list[str]
) -> None:
    """And says what it should be in words, not as a pattern."""
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert [value for value in good if not re.fullmatch(pattern, value)] == []
    assert [value for value in bad if re.fullmatch(pattern, value)] == []
    assert template["Parameters"][parameter]["ConstraintDescription"].startswith("must be ")


def test_a_tenants_secret_is_checked_likewise() -> None:
    """One without its six characters is found by nobody until the first run."""
    given, of_stack = read_template(TENANT)["Parameters"], read_template()["Parameters"]
    for name in ("ExistingSecretArn", "KmsKeyArn"):
        assert given[name]["AllowedPattern"] == of_stack[name]["AllowedPattern"]


def test_every_parameter_has_a_place_and_words_in_the_console(template: dict[str, Any]) -> None:
    """A form of fifteen raw names helps nobody."""
    shown = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in shown["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"])
    assert set(shown["ParameterLabels"]) == set(grouped)
    assert all(parameter["Description"] for parameter in template["Parameters"].values())


def test_a_failed_run_is_never_repeated_by_lambda(function: dict[str, Any]) -> None:
    """AWS repeats it twice by default: the vendor's three attempts in three minutes."""
    assert function["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


def test_runs_that_wait_for_concurrency_are_given_up_before_the_next_one_is_due(function: dict[str, Any]) -> None:
    """Lambda keeps them for six hours by default, and then runs them all together."""
    assert 60 <= function["EventInvokeConfig"]["MaximumEventAgeInSeconds"] < 3600


def test_the_schedule_says_what_it_asks_for_and_loses_no_run(function: dict[str, Any]) -> None:
    """Without an input the Scheduler sends an envelope; without a queue a run that is not delivered is gone."""
    schedule = function["Events"]["RotationSchedule"]
    assert schedule["Type"] == "ScheduleV2"
    assert schedule["Properties"]["Input"] == "{}"
    assert "DeadLetterConfig" in schedule["Properties"]
    assert "RetryPolicy" in schedule["Properties"]


def test_a_run_has_the_time_that_the_longest_one_takes(function: dict[str, Any]) -> None:
    """A timeout in the middle costs an attempt."""
    issue = CONNECTING_SECONDS + ANSWER_SECONDS
    one_probe = CONNECTING_SECONDS + PROBE_SECONDS
    assert function["Timeout"] >= issue + one_probe + TIME_FOR_WRITES.total_seconds()


@pytest.mark.parametrize(
    ("path", "name"), [(TEMPLATE, "CredentialSecret"), (TEMPLATE, "RotationLedger"), (TENANT, "TenantSecret")]
)
def test_what_cannot_be_had_again_outlives_the_stack_but_for_a_first_creation_that_fails(path: Path, name: str) -> None:
    """A certificate cannot be had again, forgotten attempts break the limit; but an empty secret blocks its name."""
    resource = read_template(path)["Resources"][name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert "DeletionProtectionEnabled" not in resource["Properties"], "a rollback could not take it away"


def test_a_tenant_may_have_a_secret_already() -> None:
    """A stack that was deleted left it behind, under the very name that a new one would give."""
    exports = Stack({"TenantSecretPrefix": "tenants"}).exports()
    tenant = Stack({"TenantName": "acme", "ExistingSecretArn": SECRETS[0]}, template=TENANT, exports=exports)
    assert tenant.resources("AWS::SecretsManager::Secret") == {}
    (schedule,) = tenant.resources("AWS::Scheduler::Schedule").values()
    assert json.loads(schedule["Target"]["Input"]) == {"secretId": SECRETS[0]}
    assert tenant.outputs()["SecretArn"] == SECRETS[0]


def test_no_tenant_stands_in_the_way_of_another_key() -> None:
    """CloudFormation changes no export that a stack imports."""
    exports = [Stack({"TenantSecretPrefix": "tenants", "KmsKeyArn": key}).exports() for key in ("", KEY)]
    assert exports[0] == exports[1]
    for key, used in (("", "alias/aws/secretsmanager"), (KEY, KEY)):
        tenant = Stack({"TenantName": "acme", "KmsKeyArn": key}, template=TENANT, exports=exports[0])
        (secret,) = tenant.resources("AWS::SecretsManager::Secret").values()
        assert secret["KmsKeyId"] == used


def test_a_key_of_ones_own_encrypts_all_that_is_kept() -> None:
    """A security team asks for each: secret, ledger, topic, queue, log, and the function's settings."""
    own, aws = Stack({"KmsKeyArn": KEY}), Stack()
    for kind, place in [
        ("AWS::SecretsManager::Secret", "KmsKeyId"),
        ("AWS::SNS::Topic", "KmsMasterKeyId"),
        ("AWS::SQS::Queue", "KmsMasterKeyId"),
        ("AWS::Logs::LogGroup", "KmsKeyId"),
        ("AWS::Serverless::Function", "KmsKeyArn"),
    ]:
        assert [properties[place] for properties in own.resources(kind).values()] == [KEY], kind
        assert [properties[place] for properties in aws.resources(kind).values()] == [None], kind
    assert own.resources("AWS::DynamoDB::Table")["RotationLedger"]["SSESpecification"]["KMSMasterKeyId"] == KEY
    queues = [stack.resources("AWS::SQS::Queue")["UndeliveredRuns"] for stack in (own, aws)]
    assert [queue["SqsManagedSseEnabled"] for queue in queues] == [None, True], "SQS takes one of the two"


def test_keys_are_used_through_services_alone_and_the_former_one_only_to_read() -> None:
    """Whoever takes a role could otherwise decrypt whatever he has of the key's by himself."""
    roles = Stack({"KmsKeyArn": KEY, "FormerKmsKeyArn": FORMER}).resources("AWS::IAM::Role")
    found = {
        (name, statement["Sid"]): statement
        for name, role in roles.items()
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]
        if statement and "kms:" in str(statement["Action"])
    }
    assert {(*place, statement["Resource"]): statement["Action"] for place, statement in found.items()} == {
        ("FunctionRole", "Key", KEY): ["kms:Decrypt", "kms:GenerateDataKey"],
        ("FunctionRole", "FormerKey", FORMER): "kms:Decrypt",
        ("ScheduleRole", "Key", KEY): ["kms:Decrypt", "kms:GenerateDataKey"],
    }
    for statement in found.values():
        ((operator, condition),) = statement["Condition"].items()
        assert (operator, list(condition)) == ("StringLike", ["kms:ViaService"])
        services = condition["kms:ViaService"]
        for service in [services] if isinstance(services, str) else services:
            assert re.fullmatch(rf"(secretsmanager|dynamodb|sns|lambda|sqs)\.{REGION}\.amazonaws\.\*", service)


def test_the_ledger_is_kept_safe(template: dict[str, Any]) -> None:
    """Encrypted, restorable, paid by use, tidied by itself."""
    ledger = template["Resources"]["RotationLedger"]["Properties"]
    assert ledger["BillingMode"] == "PAY_PER_REQUEST"
    assert ledger["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert ledger["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert ledger["SSESpecification"]["SSEEnabled"] is True


def test_the_role_names_every_action_and_every_resource(statements: list[dict[str, Any]]) -> None:
    """A wildcard is a right nobody decided on."""
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions)
        if not statement["Sid"].startswith("Network"):  # test_organisation.py has those, which Lambda wants wide
            assert "*" not in str(statement["Resource"]).replace(":secret:${TenantSecretPrefix}/*", "")
    sids = sorted(statement["Sid"] for statement in statements if not statement["Sid"].startswith("Network"))
    assert sids == ["Alerts", "Credential", "Events", "FormerKey", "Key", "Ledger", "Log"]


def test_tenants_are_reached_by_the_prefix_and_only_where_there_are_any(statements: list[dict[str, Any]]) -> None:
    """A stack for one credential opens one secret; a fleet's opens what begins so, with the same four actions."""
    (credential,) = (statement for statement in statements if statement["Sid"] == "Credential")
    of_tenants = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:device-id/tenants/*"
    assert Stack().resolve(credential["Resource"])[1] is None
    assert Stack({"TenantSecretPrefix": "device-id/tenants"}).resolve(credential["Resource"])[1] == of_tenants
    assert len(credential["Action"]) == 4


def test_a_fleet_has_a_place_for_schedules_and_a_single_credential_has_none() -> None:
    """A role that nobody needs is one that somebody else may use."""
    single, fleet = Stack(), Stack({"TenantSecretPrefix": "tenants"})
    for_tenants = {"FunctionArn", "ScheduleGroupName", "TenantScheduleRoleArn", "UndeliveredRunsArn"}
    assert for_tenants & single.outputs().keys() == set()
    assert for_tenants <= fleet.outputs().keys()
    assert single.resources("AWS::Scheduler::ScheduleGroup") == {}


@pytest.mark.parametrize(("prefix", "tenants"), [("", None), ("tenants", "device-id-certificate-TenantSchedules.Arn")])
def test_only_schedules_of_the_stacks_groups_may_take_their_role(prefix: str, tenants: str | None) -> None:
    """Any schedule of any account could otherwise ask the Scheduler to take it; the role SAM makes is open so."""
    stack = Stack({"TenantSecretPrefix": prefix})
    role = stack.resources("AWS::IAM::Role")["ScheduleRole"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "123456789012",
        "aws:SourceArn": ["arn:aws:scheduler:eu-west-1:123456789012:schedule-group/default", tenants],
    }
    (function,) = stack.resources("AWS::Serverless::Function").values()
    assert function["Events"]["RotationSchedule"]["Properties"]["RoleArn"] == "device-id-certificate-ScheduleRole.Arn"
    (policy,) = role["Policies"]
    allowed = {s["Action"]: s["Resource"] for s in policy["PolicyDocument"]["Statement"] if s}
    assert allowed == {
        "lambda:InvokeFunction": "device-id-certificate-CertificateRotationFunction.Arn",
        "sqs:SendMessage": "device-id-certificate-UndeliveredRuns.Arn",
    }


def test_every_action_of_the_role_says_why() -> None:
    """Who reviews the role should not have to read the code."""
    lines = (ROOT / "template.yaml").read_text().splitlines()
    actions = [
        line
        for line in lines
        if re.match(r"\s+(- |Action: )(secretsmanager|dynamodb|sns|events|logs|kms|lambda|sqs|ec2):", line)
    ]
    assert len(actions) == 32
    assert [line for line in actions if " # " not in line] == []


def test_the_sam_settings_know_three_places() -> None:
    """A stranger's account, the local AWS, and production."""
    known = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert {"default", "local", "prod"} <= known.keys()
