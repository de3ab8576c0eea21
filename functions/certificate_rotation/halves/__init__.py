"""What differs between the halves of a credential. A third kind would be one more module here, behind `half.Half`."""

from collections.abc import Mapping

from certificate_rotation.domain.half import HalfName
from certificate_rotation.halves.api_key import ApiKey
from certificate_rotation.halves.certificate import Certificate
from certificate_rotation.halves.half import Half

HALVES: Mapping[HalfName, Half] = {HalfName.CERTIFICATE: Certificate(), HalfName.API_KEY: ApiKey()}
OWN_LABELS = frozenset(label for half in HALVES.values() for label in half.labels)
"""What this program puts on versions of a secret, beside AWSCURRENT."""
