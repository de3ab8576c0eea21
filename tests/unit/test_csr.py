"""`csr`: a key nobody else can read, a request that says what was asked for, and nothing overwritten."""

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typer.testing import CliRunner

from certificate_rotation.domain.x509 import load_private_key
from cli.csr import make, names_of, subject_of
from cli.errors import WRONG_USE, UserError
from cli.main import app

pytestmark = pytest.mark.makes_key_files  # they are what a person brings, or gets


CN = "sensor.example.com"


def request_in(directory: Path) -> x509.CertificateSigningRequest:
    """What was written beside the key."""
    return x509.load_pem_x509_csr((directory / "device-id.csr").read_bytes())


def test_the_key_is_readable_by_its_owner_alone_and_is_the_requests(tmp_path: Path) -> None:
    """Whoever reads the key can be the customer; a key of another request is worth nothing."""
    make(tmp_path / "device-id", CN, ["sensor.example.com", "10.0.0.1"], "ec256")
    key_file = tmp_path / "device-id.key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    key = load_private_key(key_file.read_text())
    assert request_in(tmp_path).public_key() == key.public_key()
    assert request_in(tmp_path).is_signature_valid


def test_the_request_asks_for_the_names_that_were_given(tmp_path: Path) -> None:
    """Later requests keep them, so a mistake here lasts."""
    make(
        tmp_path / "device-id", CN, ["a.example.com", "10.0.0.1", "::1", "ops@example.com", "spiffe://acme/x"], "ec256"
    )
    assert request_in(tmp_path).subject == subject_of(CN)
    names = request_in(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [type(name).__name__ for name in names] == [
        *("DNSName", "IPAddress", "IPAddress", "RFC822Name", "UniformResourceIdentifier"),
    ]


def test_without_names_the_request_has_no_place_for_them(tmp_path: Path) -> None:
    """An empty extension is one that some authorities refuse."""
    make(tmp_path / "device-id", CN, [], "ec256")
    assert list(request_in(tmp_path).extensions) == []


@pytest.mark.parametrize(
    ("algorithm", "kind", "size"),
    [("rsa2048", rsa.RSAPublicKey, 2048), ("ec384", ec.EllipticCurvePublicKey, 384)],
)
def test_the_key_is_of_the_kind_that_was_asked_for(tmp_path: Path, algorithm: str, kind: type, size: int) -> None:
    """The service may not take every kind."""
    make(tmp_path / "device-id", CN, [], algorithm)
    key = request_in(tmp_path).public_key()
    assert isinstance(key, kind)
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    assert key.key_size == size


@pytest.mark.parametrize("taken", ["device-id.key", "device-id.csr"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str) -> None:
    """The file may be the only copy of a key whose certificate is being signed at this moment."""
    (tmp_path / taken).write_text("precious")
    with pytest.raises(UserError, match=r"exists already.*--out"):
        make(tmp_path / "device-id", CN, [], "ec256")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {taken: "precious"}


def test_a_name_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    """A symbolic link may have been put there to have the key written elsewhere."""
    (tmp_path / "device-id.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="exists already"):
        make(tmp_path / "device-id", CN, [], "ec256")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("san", ["", "zürich.example", "two words", "line\nbreak"])
def test_what_is_no_name_is_told_before_anything_is_made(tmp_path: Path, san: str) -> None:
    """A key without a request would stand in the way of the next try."""
    with pytest.raises(UserError, match="is no subject alternative name"):
        make(tmp_path / "device-id", CN, [san], "ec256")
    assert list(tmp_path.iterdir()) == []
    assert names_of([]) is None


@pytest.mark.parametrize("common_name", ["", " ", "x" * 65])
def test_a_common_name_is_as_long_as_x509_allows(common_name: str) -> None:
    """The vendor would refuse it hours later."""
    with pytest.raises(UserError, match="1 to 64 characters"):
        subject_of(common_name)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ((), "device-id store --cert {out}.pem --key {out}.key"),
        (
            ("--own", "--stack-name", "mine"),
            "device-id store --cert {out}.pem --key {out}.key --own --stack-name mine",
        ),
        (("--secret", "arn"), "device-id store --cert {out}.pem --key {out}.key --secret arn"),
        (("--tenant", "acme"), "device-id tenant add acme --cert {out}.pem --key {out}.key"),
    ],
)
def test_the_next_step_is_about_whom_the_certificate_is_for(
    tmp_path: Path, named: Sequence[str], expected: str
) -> None:
    """It is copied days later, when the certificate has come, by somebody who has forgotten whose it is."""
    out = tmp_path / "device-id"
    done = CliRunner().invoke(app, ["csr", "--common-name", CN, "--out", str(out), *named])
    assert done.exit_code == 0
    assert expected.format(out=out) in done.stdout


def test_a_folder_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    """Not a traceback."""
    done = CliRunner().invoke(app, ["csr", "--common-name", CN, "--out", str(tmp_path / "nowhere" / "device-id")])
    assert done.exit_code == WRONG_USE
    assert "cannot be made: No such file or directory" in done.stderr


def test_without_a_terminal_nothing_is_asked() -> None:
    """A script would wait for ever."""
    done = CliRunner().invoke(app, ["csr"])
    assert done.exit_code == WRONG_USE
    assert "Give it with --common-name" in done.stderr


def test_no_key_is_printed(tmp_path: Path) -> None:
    """Terminals are recorded, and scrolled back."""
    done = CliRunner().invoke(app, ["csr", "--common-name", CN, "--out", str(tmp_path / "device-id")])
    assert done.exit_code == 0
    assert "PRIVATE" not in done.output
    assert (tmp_path / "device-id.key").read_text().splitlines()[1] not in done.output
