"""A program that calls the Device-ID service, and reads the credential through AWS's caching client.

Needs the package aws-secretsmanager-caching. SECRET_ID and SERVICE_URL say what to use; CA_FILE only where the
service's certificate is not from a public authority.
"""

import http.client
import json
import os
import ssl
import sys
import tempfile
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 30.0  # seconds
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class DeviceId:
    """The service, called with what the cache holds of AWSCURRENT. For one thread; give every thread its own."""

    def __init__(self, cache: Any, secret_id: str, base_url: str) -> None:
        """`cache` is a SecretCache. It reads anew after half an hour to an hour, unless its configuration says else."""
        self._cache, self._secret_id, self._base = cache, secret_id, urlsplit(base_url)
        self._text, self._api_key, self._context = "", "", ssl.create_default_context()

    def get(self, path: str) -> tuple[int, str]:
        """Call the service; status and body. Refused, and there is a newer credential: once more with that one."""
        credential = self._cache.get_secret_string(self._secret_id)
        try:
            status, body = self._send(path, credential)
        except OSError:  # a certificate the service deleted may be refused in the handshake already
            if self._renewed() == credential:
                raise
        else:
            if status not in REFUSED or self._renewed() == credential:
                return status, body
        return self._send(path, self._cache.get_secret_string(self._secret_id))

    def _renewed(self) -> str:
        """What Secrets Manager holds now; the caching client waits some seconds before it asks."""
        self._cache.refresh_secret_now(self._secret_id)
        text: str = self._cache.get_secret_string(self._secret_id)
        return text

    def _send(self, path: str, text: str) -> tuple[int, str]:
        if text != self._text:
            credential = json.loads(text)
            self._text, self._api_key, self._context = text, credential["apiKey"], client_context(credential)
        connection = http.client.HTTPSConnection(self._base.netloc, context=self._context, timeout=TIMEOUT)
        try:
            connection.request("GET", self._base.path + path, headers={"apiKey": self._api_key})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def client_context(credential: dict[str, str]) -> ssl.SSLContext:
    """A TLS context with the client certificate."""
    context = ssl.create_default_context(cafile=os.environ.get("CA_FILE"))
    # OpenSSL reads keys from files alone: this one is for its owner only, and gone when the block ends.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{credential['privateKey']}\n{credential['cert']}")
        file.flush()
        context.load_cert_chain(file.name)
    return context


def main() -> None:
    """One call, as an example."""
    secret_id, base_url = os.environ.get("SECRET_ID"), os.environ.get("SERVICE_URL")
    if not secret_id or not base_url:
        sys.exit("Set SECRET_ID to the name or ARN of the secret, and SERVICE_URL to the service's base URL.")
    try:
        from aws_secretsmanager_caching import (  # type: ignore[import-not-found]  # noqa: PLC0415 - to say what is missing
            SecretCache,
        )
    except ImportError:
        sys.exit("The package aws-secretsmanager-caching is missing: install it.")
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - comes with it

    try:
        status, body = DeviceId(SecretCache(), secret_id, base_url).get("/api/v1/token/verdicts?pageLen=1")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"AWS did not give the secret: {error}")
    except OSError as error:
        sys.exit(f"The service cannot be called: {error}")
    print(body)
    if status != HTTPStatus.OK:
        sys.exit(f"The service answered {status}.")


if __name__ == "__main__":
    main()
