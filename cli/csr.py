"""`csr`: a private key and a certificate request, made where they stay."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from certificate_rotation.domain.x509 import csr_pem, first_private_key, private_key_pem
from cli.commands import DEFAULT_STACK, written
from cli.console import done, fact, listed
from cli.errors import UserError
from cli.files import PRIVATE, PUBLIC, must_not_exist, write_new
from cli.target import Choice


@dataclass(frozen=True)
class Destination:
    """Whose credential the certificate is for, as far as the options say. Nothing is looked up for it.

    `again`: the command that asked for the request and carries on by itself; empty for none.
    """

    choice: Choice
    stack: str = DEFAULT_STACK
    again: str = ""

    def command(self, cert: Path, key: Path) -> str:
        """What to do with the signed certificate."""
        if self.again:
            return f"Then run this again: {self.again}"
        files = ("--cert", str(cert), "--key", str(key))
        if self.choice.tenant:
            return f"Then: {written('tenant', 'add', self.choice.tenant, *files, stack=self.stack)}"
        named = ("--secret", self.choice.secret) if self.choice.secret else ("--own",) if self.choice.own else ()
        return f"Deploy the stack, then: {written('store', *files, *named, stack=self.stack)}"


HERE = Destination(Choice())


def make(out: Path, common_name: str, sans: Sequence[str], key_algorithm: str, after: Destination = HERE) -> None:
    """Write `out`.key and `out`.csr, and say what to do with them; `after`: where what the vendor signs is to go.

    Raises:
        UserError: a name cannot be used, or a file is there already.
    """
    subject, names = subject_of(common_name), names_of(sans)
    key_file, csr_file, cert_file = (Path(f"{out}.{ending}") for ending in ("key", "csr", "pem"))
    must_not_exist(key_file, "and may be the only copy of a key whose certificate is being signed")
    must_not_exist(csr_file, "and may be waiting to be signed")
    key = first_private_key(key_algorithm)
    write_new(key_file, private_key_pem(key), PRIVATE)
    try:
        write_new(csr_file, csr_pem(key, subject, names), PUBLIC)
    except UserError:
        key_file.unlink()  # ours, of a moment ago; alone it is of no use
        raise
    done("A private key and a certificate request were made.")
    fact(
        "Key", f"{key_file} ({key_algorithm}, readable by you alone). It never leaves this machine but for the secret."
    )
    fact("Request", str(csr_file))
    note = "Note the API key, when it ends, and whether the base URL is for us or eu."
    listed(
        "Next",
        (
            f"In Cloud Identity Engine, under Third-Party Device-ID, add your integration with {csr_file}.",
            f"Save the signed certificate as {cert_file}. {note}",
            after.command(cert_file, key_file),
        ),
        mark="1",
    )


def subject_of(common_name: str) -> x509.Name:
    """A subject of a common name alone.

    Raises:
        UserError: X.509 does not allow it.
    """
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name.strip())])
    except ValueError:
        raise UserError("A common name has 1 to 64 characters. Choose another one with --common-name.") from None


def names_of(sans: Sequence[str]) -> x509.SubjectAlternativeName | None:
    """Subject alternative names as a person types them; None without any.

    Raises:
        UserError: one of them is none.
    """
    return x509.SubjectAlternativeName([_name(san.strip()) for san in sans]) if sans else None


def _name(san: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(san))
    except ValueError:
        pass  # not an address, so a name
    if not san or not san.isascii() or not san.isprintable() or " " in san:
        raise UserError(
            f"{san!r} is no subject alternative name. Use a DNS name (in its xn-- form if it has other than ASCII "
            "letters), an IP address, an email address or a URI."
        )
    if "://" in san:
        return x509.UniformResourceIdentifier(san)
    return x509.RFC822Name(san) if "@" in san else x509.DNSName(san)
