"""Whether the Third-Party Device-ID service lets a credential in, asked from the user's machine."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from certificate_rotation.adapters.device_id_api import DeviceIdApi
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import InvalidSettings, ServiceFailure, ServiceUnreachable
from certificate_rotation.settings import Settings
from cli.console import waiting
from cli.errors import RefusedError, UserError
from cli.files import read_text

# Seconds before each question: a certificate signed a moment ago may not work yet, and the vendor allows one question a
# second.
PAUSES = (0.0, 1.5, 3.0)
# What the stack gives the function, and what to say where there is no stack.
_WITHOUT_A_STACK = {"SECRET_ARN": "-", "LEDGER_TABLE": "-", "ALERT_TOPIC_ARN": "-"}


@dataclass(frozen=True)
class Options:
    """What the user says about the service; None for what the stack says."""

    region: str | None = None
    url: str | None = None
    trusted_ca: Path | None = None

    @property
    def name_it(self) -> bool:
        """Whether no stack is needed to know where the service is."""
        return bool(self.region or self.url)

    def over(self, environment: Mapping[str, str]) -> dict[str, str]:
        """A function's environment with these choices in it."""
        chosen = dict(_WITHOUT_A_STACK) | dict(environment)
        if self.name_it:
            chosen |= {"SERVICE_REGION": self.region or "us", "SERVICE_URL": self.url or ""}
        if self.trusted_ca:
            chosen["TRUSTED_CA_PEM"] = read_text(self.trusted_ca, "a trust anchor")
        return chosen


class Service:
    """The service at one base URL."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        """`sleep` waits, in seconds."""
        self.url = settings.service_url
        self._service = DeviceIdApi(settings.service_url, settings.trusted_ca_pem)
        self._sleep = sleep

    @classmethod
    def at(cls, options: Options, environment: Mapping[str, str]) -> "Service":
        """Where the options say, and for the rest where a function's environment says.

        Raises:
            UserError: an option cannot be used.
        """
        try:
            return cls(Settings.from_env(options.over(environment)))
        except InvalidSettings as error:
            raise UserError(f"{error} Check --service-url, --service-region and --trusted-ca.") from None

    def accepts(self, credential: Credential) -> bool:
        """Whether the service lets it in, asked a few times.

        Raises:
            UserError: it gave no answer either way.
        """
        inconclusive: ServiceUnreachable | ServiceFailure | None = None
        with waiting(f"Asking {self.url} ..."):
            for pause in PAUSES:
                self._sleep(pause)
                try:
                    if self._service.accepts(credential):
                        return True
                    inconclusive = None
                except (ServiceUnreachable, ServiceFailure) as error:
                    inconclusive = error
        if inconclusive:
            raise RefusedError(
                f"Whether the service accepts the credential could not be found out. {inconclusive} Check the "
                "network of this machine, and the service's address and trust anchor; `store` can do without the "
                "question with --skip-service-check."
            )
        return False
