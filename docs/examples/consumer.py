"""A program that calls the Device-ID service with the credential in use, and notices when that was renewed.

SECRET_ID and SERVICE_URL say what to use; CA_FILE only where the service's certificate is not from a public authority.
"""

import json
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, override

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError
from requests.adapters import HTTPAdapter

MAX_AGE = 3600.0  # seconds; has to stay well below the stack's CutoverGraceHours, which is 24 unless you changed it
TIMEOUT = (10, 30)  # seconds to connect, and to wait for an answer


class DeviceId:
    """The service, called with what AWSCURRENT holds. For one thread; give every thread its own."""

    def __init__(
        self, secrets: Any, secret_id: str, base_url: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`secrets` is a boto3 client of Secrets Manager; `clock` tells seconds."""
        self._secrets, self._secret_id, self._base_url, self._clock = secrets, secret_id, base_url, clock
        self._session = requests.Session()
        self._version = ""  # of the secret; none was read yet
        self._read_at = 0.0

    def get(self, path: str) -> requests.Response:
        """Call the service. Refused, and there is a newer credential: once more with that one."""
        if not self._version or self._clock() - self._read_at >= MAX_AGE:
            self.reload()
        try:
            answer = self._send(path)
        except requests.ConnectionError:  # a certificate the service deleted may be refused in the handshake already
            if not self.reload():
                raise
            return self._send(path)
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} and self.reload():
            return self._send(path)
        return answer

    def reload(self) -> bool:
        """Read AWSCURRENT; whether it is another version than before. Call it when the event or the mail comes, too."""
        secret = self._secrets.get_secret_value(SecretId=self._secret_id, VersionStage="AWSCURRENT")
        self._read_at = self._clock()
        if secret["VersionId"] == self._version:
            return False
        credential = json.loads(secret["SecretString"])
        session = requests.Session()
        session.headers["apiKey"] = credential["apiKey"]
        session.mount("https://", _ClientCertificate(client_context(credential)))
        self._session.close()  # its connections were opened with the certificate before
        self._session, self._version = session, secret["VersionId"]
        return True

    def _send(self, path: str) -> requests.Response:
        return self._session.get(self._base_url + path, timeout=TIMEOUT, allow_redirects=False)


def client_context(credential: dict[str, str]) -> ssl.SSLContext:
    """A TLS context with the client certificate; http.client, urllib and httpx take one as well."""
    context = ssl.create_default_context(cafile=os.environ.get("CA_FILE"))
    # OpenSSL reads keys from files alone: this one is for its owner only, and gone when the block ends.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{credential['privateKey']}\n{credential['cert']}")
        file.flush()
        context.load_cert_chain(file.name)
    return context


class _ClientCertificate(HTTPAdapter):
    """Lets requests use a TLS context that holds a client certificate."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)


def main() -> None:
    """One call, as an example."""
    secret_id, base_url = os.environ.get("SECRET_ID"), os.environ.get("SERVICE_URL")
    if not secret_id or not base_url:
        sys.exit("Set SECRET_ID to the name or ARN of the secret, and SERVICE_URL to the service's base URL.")
    try:
        response = DeviceId(boto3.client("secretsmanager"), secret_id, base_url).get("/api/v1/token/verdicts?pageLen=1")
        response.raise_for_status()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"AWS did not give the secret: {error}")
    except requests.RequestException as error:
        sys.exit(f"The service did not answer as it should: {error}")
    print(response.text)


if __name__ == "__main__":
    main()
