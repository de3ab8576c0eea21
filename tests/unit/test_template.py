"""The template and the code agree, and the template keeps the contract's promises."""

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from certificate_rotation import settings
from certificate_rotation.certificates import KEY_ALGORITHMS
from certificate_rotation.device_id_service import ANSWER_SECONDS, CONNECT_SECONDS, PROBE_SECONDS
from certificate_rotation.parts import TIME_FOR_WRITES
from certificate_rotation.promotion import PROBE_PAUSES
from certificate_rotation.settings import MAX_DAYS, SERVICE_URLS, Settings
from tests.cloudformation import REGION, Stack, read_template

ROOT = Path(__file__).parents[2]


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
    }
    assert contract <= template["Parameters"].keys()
    assert {"DependenciesLayer", "CredentialSecret", "RotationLedger", "AlertTopic"} <= template["Resources"].keys()
    assert "RotationSchedule" in template["Resources"]["CertificateRotationFunction"]["Properties"]["Events"]
    assert template["Outputs"].keys() >= {"FunctionName", "SecretArn", "LedgerTableName", "AlertTopicArn"}


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_the_links_lead_to_the_console_of_the_partition(partition: str) -> None:
    """The console of another one does not know the account."""
    stack = Stack(partition=partition)
    console = stack.template["Mappings"]["Partition"][partition]["Console"]
    links = {name: value for name, value in stack.outputs().items() if name.endswith("Link")}
    assert set(links) == {"TestLink", "SecretLink", "DashboardLink", "AlarmsLink", "LogLink"}
    assert all(re.fullmatch(rf"https://{re.escape(console)}/\S+", link) for link in links.values())
    assert all(f"region={REGION}" in link for link in links.values())


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
    source = Path(settings.__file__).read_text()
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source))
    assert set(function["Environment"]["Variables"]) == read


def test_the_defaults_of_template_and_code_agree(template: dict[str, Any], function: dict[str, Any]) -> None:
    """Two truths about one default would be one lie."""
    given = {}
    for name, value in function["Environment"]["Variables"].items():
        parameter = template["Parameters"].get(value["Ref"]) if "Ref" in value else None
        given[name] = str(parameter["Default"]) if parameter else "set by the stack"
    three = {name: value for name, value in given.items() if value == "set by the stack"}
    assert len(three) == 3
    assert Settings.from_env(given) == Settings.from_env(three)


def test_template_and_code_allow_the_same(template: dict[str, Any]) -> None:
    """What CloudFormation accepts must not fail at night."""
    parameters = template["Parameters"]
    assert parameters["KeyAlgorithm"]["AllowedValues"] == list(KEY_ALGORITHMS)
    assert parameters["ServiceRegion"]["AllowedValues"] == list(SERVICE_URLS)
    assert parameters["RenewBeforeDays"]["MaxValue"] <= MAX_DAYS
    assert parameters["CriticalDays"]["MaxValue"] <= MAX_DAYS
    assert parameters["CutoverGraceHours"]["MaxValue"] <= MAX_DAYS * 24


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("AlertEmail", ["a@example.com"], ["", "a", "a@b", "a b@example.com"]),
        ("ServiceUrl", ["", "https://h.example", "https://h:8443/"], ["http://h", "https://u:p@h", "https://h/?q"]),
        ("ScheduleExpression", ["rate(1 hour)", "cron(0 * * * ? *)"], ["hourly", "rate()"]),
        ("CertNamePrefix", ["device-id"], ["", "a b", "x" * 41]),
        ("KmsKeyArn", ["", "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd"], ["alias/mine", "*"]),
        (
            "ExistingSecretArn",
            ["", "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:team/device-id-AbCdEf"],
            ["device-id", "*", "arn:aws:secretsmanager:us-east-1:123456789012:secret:*"],
        ),
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


def test_the_schedule_says_what_it_asks_for_and_loses_no_run(function: dict[str, Any]) -> None:
    """Without an input the Scheduler sends an envelope; without a queue a run that is not delivered is gone."""
    schedule = function["Events"]["RotationSchedule"]
    assert schedule["Type"] == "ScheduleV2"
    assert schedule["Properties"]["Input"] == "{}"
    assert "DeadLetterConfig" in schedule["Properties"]
    assert "RetryPolicy" in schedule["Properties"]


def test_a_run_has_the_time_that_the_longest_one_takes(function: dict[str, Any]) -> None:
    """A timeout in the middle costs an attempt."""
    issue = CONNECT_SECONDS + ANSWER_SECONDS
    one_probe = CONNECT_SECONDS + PROBE_SECONDS
    assert function["Timeout"] >= issue + sum(PROBE_PAUSES) + one_probe + TIME_FOR_WRITES.total_seconds()


@pytest.mark.parametrize("name", ["CredentialSecret", "RotationLedger"])
def test_what_cannot_be_had_again_outlives_the_stack(template: dict[str, Any], name: str) -> None:
    """The certificate cannot be fetched again, and forgotten attempts break the vendor's limit."""
    resource = template["Resources"][name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


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
        assert "*" not in str(statement["Resource"]).replace(":secret:${TenantSecretPrefix}/*", "")
    sids = sorted(statement["Sid"] for statement in statements)
    assert sids == ["Alerts", "Credential", "Events", "Key", "Ledger", "Log"]


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
    assert "TenantScheduleRole" not in single.resources("AWS::IAM::Role")
    assert single.resources("AWS::Scheduler::ScheduleGroup") == {}


def test_only_schedules_of_the_group_may_take_the_role_of_tenants() -> None:
    """Any schedule of any account could otherwise ask the Scheduler to take it."""
    role = Stack({"TenantSecretPrefix": "tenants"}).resources("AWS::IAM::Role")["TenantScheduleRole"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "123456789012",
        "aws:SourceArn": "device-id-certificate-TenantSchedules.Arn",
    }
    (policy,) = role["Policies"]
    allowed = {s["Action"]: s["Resource"] for s in policy["PolicyDocument"]["Statement"]}
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
        if re.match(r"\s+(- |Action: )(secretsmanager|dynamodb|sns|events|logs|kms|lambda|sqs):", line)
    ]
    assert len(actions) == 15
    assert [line for line in actions if " # " not in line] == []


def test_the_sam_settings_know_three_places() -> None:
    """A stranger's account, the local AWS, and production."""
    known = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert {"default", "local", "prod"} <= known.keys()
