"""The link to the log, which every mail has, leads to the console of the partition the stack is in."""

from types import SimpleNamespace
from typing import Any

import pytest

from certificate_rotation import handler
from tests.support.cloudformation import Stack

CONTEXT: Any = SimpleNamespace(log_group_name="/aws/lambda/device-id", log_stream_name="2026/11/26/[$LATEST]abc")


@pytest.mark.parametrize(
    ("partition", "console"),
    [
        ("aws", "eu-west-1.console.aws.amazon.com"),
        ("aws-us-gov", "eu-west-1.console.amazonaws-us-gov.com"),
        ("aws-cn", "eu-west-1.console.amazonaws.cn"),
        ("aws-eusc", "eu-west-1.console.amazonaws-eusc.eu"),
    ],
)
def test_a_mails_link_leads_to_the_console_of_the_partition(
    monkeypatch: pytest.MonkeyPatch, partition: str, console: str
) -> None:
    """The console of another one does not know the account."""
    (function,) = Stack(partition=partition).resources("AWS::Serverless::Function").values()
    monkeypatch.setenv("CONSOLE_HOST", function["Environment"]["Variables"]["CONSOLE_HOST"])
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    link = handler._log_url(CONTEXT)  # noqa: SLF001 - every mail's last line, which only a whole run would show otherwise
    assert link.startswith(f"https://{console}/cloudwatch/home?region=eu-west-1#logsV2:")
