"""A program in a container that calls the Device-ID service, with the AWS Secrets Manager Agent beside it.

The standard library is all it needs: the agent reads the secret, and keeps it for five minutes. SECRET_ID and
SERVICE_URL say what to use; CA_FILE only where the service's certificate is not from a public authority. AWS_TOKEN is
what the agent was given under that name: the token, or file:// and its file. AGENT_URL is needed only where the agent
listens elsewhere.
"""

import http.client
import json
import os
import ssl
import sys
import tempfile
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlsplit

AGENT = "http://localhost:2773"  # AWS: the agent's default port, and it listens for nobody else
TOKEN = "file:///var/run/awssmatoken"  # noqa: S105 - AWS: where the agent's install script puts it
TIMEOUT = 30.0  # seconds
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class AgentError(Exception):
    """The agent did not give the secret; the message says what it said."""


class Agent:
    """The Secrets Manager Agent."""

    def __init__(self, url: str, token: str) -> None:
        """`token` is the one the agent was started with, or file:// and the file it stands in."""
        self._address = urlsplit(url).netloc
        self._token = Path(token.removeprefix("file://")).read_text().strip() if token.startswith("file://") else token

    def secret(self, secret_id: str, *, now: bool = False) -> tuple[str, str]:
        """Version and text of AWSCURRENT: what the agent holds, or `now` what Secrets Manager does.

        Raises:
            AgentError: it gave none.
        """
        query = {"secretId": secret_id, "versionStage": "AWSCURRENT"} | ({"refreshNow": "true"} if now else {})
        headers = {"X-Aws-Parameters-Secrets-Token": self._token}
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT)
        try:
            connection.request("GET", f"/secretsmanager/get?{urlencode(query)}", headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        except OSError as error:
            raise AgentError(f"The agent at {self._address} cannot be asked: {error}") from None
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise AgentError(f"The agent answered {answer.status}: {body}")
        secret = json.loads(body)
        return secret["VersionId"], secret["SecretString"]


class DeviceId:
    """The service, called with what the agent holds. For one thread; give every thread its own."""

    def __init__(self, agent: Agent, secret_id: str, base_url: str) -> None:
        self._agent, self._secret_id, self._base = agent, secret_id, urlsplit(base_url)
        self._version, self._api_key, self._context = "", "", ssl.create_default_context()

    def get(self, path: str) -> tuple[int, str]:
        """Call the service; status and body. Refused, and there is a newer credential: once more with that one."""
        self._load()
        try:
            status, body = self._send(path)
        except OSError:  # a certificate the service deleted may be refused in the handshake already
            if not self._load(now=True):
                raise
        else:
            if status not in REFUSED or not self._load(now=True):
                return status, body
        return self._send(path)

    def _load(self, *, now: bool = False) -> bool:
        """Take what is in use; whether it is another version than before."""
        version, text = self._agent.secret(self._secret_id, now=now)
        if version == self._version:
            return False
        credential = json.loads(text)
        self._version, self._api_key, self._context = version, credential["apiKey"], client_context(credential)
        return True

    def _send(self, path: str) -> tuple[int, str]:
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
        agent = Agent(os.environ.get("AGENT_URL", AGENT), os.environ.get("AWS_TOKEN", TOKEN))
    except OSError as error:
        sys.exit(f"The agent's token cannot be read: {error}. Set AWS_TOKEN as it is set for the agent.")
    try:
        status, body = DeviceId(agent, secret_id, base_url).get("/api/v1/token/verdicts?pageLen=1")
    except AgentError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The service cannot be called: {error}")
    print(body)
    if status != HTTPStatus.OK:
        sys.exit(f"The service answered {status}.")


if __name__ == "__main__":
    main()
