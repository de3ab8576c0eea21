"""`docs/onboarding.md` shows what the commands print; here it is compared with what they really printed."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from certificate_rotation.settings import SERVICE_URLS
from dev.local_aws import ROOT

PAGE = ROOT / "docs/onboarding.md"
PROPOSAL = ROOT / "build/onboarding.md"
_DAY = datetime(2026, 11, 24, 12, tzinfo=UTC)  # stands for the day of the run
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_VERSION = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
# What is different on every machine and in every run, and what it is shown as.
_SHOWN_AS = (
    # The stack of the tests has tenants and a name of its own; the page's is the one of a newcomer.
    (re.compile(r" --own --stack-name device-id-test\b"), ""),
    (re.compile(r"--stack-name device-id-test\b"), "--stack-name device-id-certificate"),
    (re.compile(r"\bdevice-id-test's own\b"), "device-id-certificate's own"),
    (re.compile(r"\bthe secret [\w-]+ \(the stack"), "the secret CredentialSecret-Gx7Kq2 (the stack"),
    (re.compile(r"device-id-\d{8}-\d{6}-[0-9a-f]{6}"), "device-id-20261124-120000-3f9a2c"),
    (
        re.compile(r"(:secretsmanager:[a-z0-9-]+):\d{12}:secret:[\w-]+"),
        r"\1:123456789012:secret:CredentialSecret-Gx7Kq2",
    ),
    (
        re.compile(r"(?<=[0-9a-f]{12})-[0-9a-f]{27}\b"),
        "-2f1c0b7a9d3e48c15b6f7a80c2d",
    ),  # of a version named after an intent's
    (re.compile(r"\baccount \d{12}\b"), "account 123456789012"),
    (re.compile(r"  Alerts go to +arn:aws:sqs:.*\n"), ""),  # the mailbox of the tests
    (re.compile(r" +$", re.MULTILINE), ""),  # after a prompt
    (re.compile(r"https://localhost:\d+"), SERVICE_URLS["us"]),
)


@dataclass
class Transcript:
    """The page and the blocks of it that were compared; `began` is the day that becomes the page's day."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _blocks: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, command: str, printed: str) -> None:
        """The page shows this command, and what it printed, under this name."""
        self._blocks[name] = f"$ {command}\n{self._as_shown(name, printed).strip('\n')}\n"

    def compare(self) -> None:
        """What was taken is on the page; else a page on which it is can be found beside the build."""
        page = given = PAGE.read_text()
        for name, block in self._blocks.items():
            found = _of(name).search(page)
            assert found, f"docs/onboarding.md has no <!-- printed: {name} -->"
            page = page[: found.start(1)] + block + page[found.end(1) :]
        if page != given:
            PROPOSAL.parent.mkdir(exist_ok=True)
            PROPOSAL.write_text(page)
        assert page == given, "the page is not what is printed; build/onboarding.md is: copy it"

    def _as_shown(self, name: str, printed: str) -> str:
        for pattern, shown in _SHOWN_AS:
            printed = pattern.sub(shown, printed)
        for number, version in enumerate(dict.fromkeys(_VERSION.findall(printed))):
            printed = printed.replace(version, str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {number}")))
        return _TIME.sub(self._time, printed)

    def _time(self, match: re.Match[str]) -> str:
        """The same number of days from the page's day: the tests leave no time in between."""
        days = round((datetime.fromisoformat(match[0]) - self.began) / timedelta(days=1))
        return f"{_DAY + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def _of(name: str) -> re.Pattern[str]:
    return re.compile(rf"<!-- printed: {re.escape(name)} -->\n```console\n(.*?)```\n", re.DOTALL)
