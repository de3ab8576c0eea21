"""`tenant add --from`: what the file may look like, and that nothing is begun with one that is wrong."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certificate_rotation.domain.x509 import Chain, PrivateKey, private_key_pem
from cli.errors import UserError
from cli.tenant_add import Terms
from cli.tenant_file import COLUMNS, read_entries
from tests.support.factories import API_KEY, certificate

pytestmark = pytest.mark.makes_key_files  # they are what the vendor handed out

NONE = Terms()
BROUGHT = {"name": "a", "cert": "acme.pem", "key": "acme.key", "api-key-file": "acme.api-key"}


@pytest.fixture
def folder(tmp_path: Path, ec_key: PrivateKey) -> Path:
    """With the files of one credential."""
    (tmp_path / "acme.pem").write_text(Chain((certificate(ec_key),)).pem)
    (tmp_path / "acme.key").write_text(private_key_pem(ec_key))
    (tmp_path / "acme.api-key").write_text(f"{API_KEY}\n")
    return tmp_path


def listed(folder: Path, text: str) -> Path:
    """A file that names tenants."""
    (folder / "tenants").write_text(text)
    return folder / "tenants"


CSV = """\ufeffname,cert,key,api-key-file,api-key-expiry,cert-name,schedule,native-rotation-days,tag
acme,acme.pem,acme.key,acme.api-key,2027-05-31T00:00:00Z,acme-1,rate(6 hours),30,cost-centre=4711;owner=Ann Other
globex,,,,,,,,
"""
LINES = "\n".join(
    json.dumps(one)
    for one in (
        {
            "name": "acme",
            "cert": "acme.pem",
            "key": "acme.key",
            "api-key-file": "acme.api-key",
            "api-key-expiry": 1811721600,
            "cert-name": "acme-1",
            "schedule": "rate(6 hours)",
            "native-rotation-days": 30,
            "tag": ["cost-centre=4711", "owner=Ann Other"],
        },
        {"name": "globex"},
    )
)


@pytest.mark.parametrize("text", [CSV, LINES, CSV.replace("\n", "\r\n"), f"\n{LINES}\n\n"])
def test_a_spreadsheet_and_a_program_say_the_same(folder: Path, text: str) -> None:
    """Files are looked for beside the list, whatever folder it is used in."""
    acme, globex = read_entries(listed(folder, text), Terms("rate(1 day)", 0, {"from": "us", "owner": "us"}))
    assert (acme.name, globex.name) == ("acme", "globex")
    assert acme.terms == Terms("rate(6 hours)", 30, {"from": "us", "cost-centre": "4711", "owner": "Ann Other"})
    assert globex.terms == Terms("rate(1 day)", 0, {"from": "us", "owner": "us"}), "what the options say of all"
    assert acme.offer
    assert (acme.offer.api_key, acme.offer.cert_name) == (API_KEY, "acme-1")
    assert acme.offer.api_key_expiry == datetime(2027, 5, 31, tzinfo=UTC)
    assert globex.offer is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"name": "a/b"}, "'a/b' names no tenant"),
        ({}, "'' names no tenant"),
        ({"name": "a", "apiKey": "the-key-itself"}, "'apiKey' is none of name, cert"),
        ({"name": "a", "schedule": "hourly"}, "'hourly' is no schedule"),
        ({"name": "a", "tag": "aws:x=1"}, "is no tag"),
        ({"name": "a", "native-rotation-days": "1001"}, "'1001' is no number of days from 0 to 1000"),
        ({"name": "a", "native-rotation-days": "often"}, "'often' is no number of days"),
        ({"name": "a", "cert": "acme.pem", "key": "acme.key"}, "It has a cert and no api-key-file."),
        ({"name": "a", "cert": "acme.pem", "api-key-file": "acme.api-key"}, "It has a cert and no key."),
        ({**BROUGHT, "cert": "no.pem"}, "no.pem"),
        (
            {
                "name": "a",
                "cert": "acme.pem",
                "key": "acme.key",
                "api-key-file": "acme.api-key",
                "api-key-expiry": "soon",
            },
            "When the API key ends",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_every_line(folder: Path, line: dict[str, str], expected: str) -> None:
    """Else a list of hundreds is mended one try at a time."""
    text = "\n".join(json.dumps(one) for one in ({"name": "fine"}, line, {"name": "worse still"}))
    with pytest.raises(UserError) as refused:
        read_entries(listed(folder, text), NONE)
    said = str(refused.value)
    assert said.startswith("Nothing was done, because of ")
    assert expected in said.partition("line 2: ")[2]
    assert "line 3: 'worse still' names no tenant" in said
    assert "the-key-itself" not in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "names no tenant. Begin it with a line of headings"),
        ("name,cert\n", "names no tenant"),
        ("name\nacme\nacme\n", "acme is there 2 times."),
        ("name\nacme,more\n", "has more fields than headings"),
        ("{\n", "Line 1 is no JSON object"),
        ('{"name": "a"}\n[1]\n', "Line 2 is no JSON object"),
        ("name\n" + "a b\n" * 25, "And 5 more."),
    ],
)
def test_a_file_that_is_no_list_is_refused(folder: Path, text: str, expected: str) -> None:
    """With what to do about it."""
    with pytest.raises(UserError, match=expected):
        read_entries(listed(folder, text), NONE)


def test_there_is_no_place_for_a_key_in_it() -> None:
    """A list is mailed around; keys are not."""
    assert {"api-key", "apiKey", "private-key"}.isdisjoint(COLUMNS)
