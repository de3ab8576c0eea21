"""The certificate: asked for with a key and a CSR of ours; the answer is public, and so may stand anywhere."""

import secrets as randomness
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import override

from certificate_rotation.adapters.device_id_api import DeviceIdApi, Issued
from certificate_rotation.domain import x509
from certificate_rotation.domain.credential import Credential, read_field
from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.errors import CertificateNotAccepted, CertificateRejected, InvalidCredential
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.state import HalfState
from certificate_rotation.domain.times import utc_text
from certificate_rotation.halves.half import CERT_NAME, Half, HalfLabels, Intent
from certificate_rotation.settings import Settings

KEY, REQUEST = "privateKey", "csr"


class Certificate(Half):
    """Vendor: at most two valid ones; three attempts, then one an hour."""

    name = HalfName.CERTIFICATE
    labels = HalfLabels("CERTIFICATE_INTENT", "CERTIFICATE_EARLIER", "CERTIFICATE_STAGED")
    rejected, not_accepted = CertificateRejected, CertificateNotAccepted
    part_names = (CERT_NAME, KEY, REQUEST)
    second_store = "this run's log"

    @override
    def life(self, arn: str, credential: Credential, state: HalfState, policy: Policy) -> Life:
        begins, ends = credential.chain.not_before, credential.chain.not_after
        return Life(ends, renew_at(begins, ends, policy.renew_before))

    @override
    def fingerprint(self, arn: str, credential: Credential) -> str:
        return credential.chain.fingerprint

    @override
    def new_parts(self, credential: Credential, settings: Settings, now: datetime) -> Mapping[str, str]:
        # Unique per rotation; our reading of the vendor's alphabet: letters, digits and hyphens, at most 64.
        name = f"{settings.cert_name_prefix}-{now:%Y%m%d-%H%M%S}-{randomness.token_hex(3)}"
        key = x509.new_private_key(settings.key_algorithm, like=credential.key)
        csr = x509.new_csr_pem(key, like=credential.chain.leaf)
        return {CERT_NAME: name, KEY: x509.private_key_pem(key), REQUEST: csr}

    @override
    def check_parts(self, parts: Mapping[str, str]) -> None:
        key = read_field(KEY, lambda: x509.load_private_key(parts[KEY]))
        if not x509.is_request_for(parts[REQUEST], key):
            raise InvalidCredential("csr in the secret is not a certificate request for privateKey.")

    @override
    def ask(self, api: DeviceIdApi, credential: Credential, intent: Intent, now: datetime) -> Issued:
        return api.refresh_certificate(credential, intent.parts[REQUEST], intent.name)

    @override
    def join(self, intent: Intent, answer: str, credential: Credential, now: datetime, *, shorter: bool) -> Credential:
        key = x509.load_private_key(intent.parts[KEY])
        chain = x509.check_issued(answer, key, None if shorter else credential.chain, now)
        return credential.with_certificate(chain, key, intent.name)

    @override
    def has_ended(self, intent: Intent, answer: str, now: datetime) -> bool:
        # What cannot be read has not ended: the offline check says what is wrong with it.
        return any(_is_for(intent, one) and one.not_after <= now for one in _certificates(answer))

    @override
    def answer_in(self, credential: Credential) -> str:
        return credential.chain.pem

    @override
    def brought(self, answer: str, credential: Credential) -> bool:
        return any(one.fingerprint == credential.chain.fingerprint for one in _certificates(answer))

    @override
    def is_for(self, intent: Intent, credential: Credential) -> bool:
        return _is_for(intent, credential.chain)

    @override
    def name_in(self, credential: Credential) -> str | None:
        return credential.cert_name

    @override
    def remark(self, credential: Credential) -> str:
        return f" (it is valid from {utc_text(credential.chain.not_before)} on)"


def renew_at(begins: datetime, ends: datetime, renew_before: timedelta) -> datetime:
    """When renewal of a certificate that is valid from `begins` to `ends` becomes due.

    A `renew_before` as long as the certificate's whole life would renew without end, so it counts as zero: the last
    third of its life.
    """
    life = ends - begins
    return ends - (renew_before if timedelta(0) < renew_before < life else life / 3)


def _certificates(answer: str) -> list[x509.Chain]:
    """Each certificate of an answer; none of one that cannot be read."""
    try:
        return [x509.Chain((one,)) for one in x509.load_chain(answer).certificates]
    except ValueError:
        return []


def _is_for(intent: Intent, chain: x509.Chain) -> bool:
    return x509.belong_together(x509.load_private_key(intent.parts[KEY]), chain.leaf)
