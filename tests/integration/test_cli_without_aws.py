"""`device-id` where AWS is not to be had: what boto3 itself says there, as a sentence with its cure."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import override

import boto3
import pytest
from typer.testing import CliRunner

from cli import stack
from cli.errors import REFUSED, WRONG_USE
from cli.main import app

SETTINGS = (
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without any setting of AWS."""
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return monkeypatch


def said(*typed: str) -> tuple[int, str]:
    """How a command ends, and its sentence."""
    done = CliRunner().invoke(app, typed)
    return done.exit_code, done.stderr


def test_a_desk_without_settings_is_told_which_one_is_missing(desk: pytest.MonkeyPatch) -> None:
    """The first five minutes of everybody; boto3 itself says it here, so that its own errors are those we know."""
    code, sentence = said("status")
    assert (code, "Set AWS_REGION" in sentence) == (REFUSED, True)
    desk.setenv("AWS_REGION", "us-east-1")
    code, sentence = said("status")
    assert (code, "Sign in first (`aws sso login`" in sentence) == (REFUSED, True)
    desk.setenv("AWS_PROFILE", "nobody")
    code, sentence = said("status")
    assert (code, "list-profiles" in sentence) == (REFUSED, True)


def test_a_config_file_that_cannot_be_read_is_named(desk: pytest.MonkeyPatch) -> None:
    """Nobody finds a missing bracket by a traceback of botocore's."""
    Path("config").write_text("[profile\nregion")
    code, sentence = said("status")
    assert (code, "config" in sentence, "Mend the file" in sentence) == (REFUSED, True, True)


@pytest.fixture
def endpoint(desk: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Somebody who is signed in, and sets AWS_ENDPOINT_URL."""
    for name, value in (("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")):
        desk.setenv(name, value)
    return desk


def test_an_endpoint_that_is_none_is_wrong_use(endpoint: pytest.MonkeyPatch) -> None:
    """boto3 raises a bare ValueError there."""
    endpoint.setenv("AWS_ENDPOINT_URL", "not an address")
    code, sentence = said("status")
    assert (code, "AWS_ENDPOINT_URL is no address" in sentence) == (WRONG_USE, True)


def test_an_endpoint_where_nobody_listens_is_told(endpoint: pytest.MonkeyPatch) -> None:
    """A local AWS that is not up, or no network."""
    endpoint.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    code, sentence = said("status")
    assert (code, "AWS_ENDPOINT_URL if it is set" in sentence) == (REFUSED, True)


class _Portal(BaseHTTPRequestHandler):
    """A network's page for guests, which answers whatever is asked."""

    def do_POST(self) -> None:
        """Any call of AWS."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html><br>Please sign in, an-api-key</html>")

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_answer_that_is_not_from_aws_is_told_and_not_quoted(endpoint: pytest.MonkeyPatch) -> None:
    """boto3 quotes it whole, and it may echo what was asked."""
    with HTTPServer(("127.0.0.1", 0), _Portal) as portal:
        thread = Thread(target=portal.serve_forever)
        thread.start()
        endpoint.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{portal.server_port}")
        code, sentence = said("status")
        portal.shutdown()
        thread.join()
    assert (code, "What answered is not AWS" in sentence, "html" in sentence) == (REFUSED, True, False)


def test_aws_region_counts_as_for_the_aws_cli(endpoint: pytest.MonkeyPatch) -> None:
    """boto3 knows AWS_DEFAULT_REGION alone: two tools in one shell once spoke to two regions."""
    endpoint.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    endpoint.setenv("AWS_REGION", "")
    assert stack.client("sns").meta.region_name == "eu-central-1"
    endpoint.setenv("AWS_REGION", "eu-west-1")
    assert stack.client("sns").meta.region_name == "eu-west-1"
