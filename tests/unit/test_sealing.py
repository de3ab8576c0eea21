"""What is sealed opens with its key, for what it was sealed for, unchanged; and in no other way."""

import base64

import pytest

from certificate_rotation.domain.sealing import is_key, new_key, seal, unseal

TEXT = '{"token": "a-key-that-nobody-may-see", "expiry": null}'
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:device-id-AbCdEf"
ABOUT = f"{ARN}/version/2026-11-24T12:00:00+00:00"


@pytest.fixture(scope="module")
def key() -> str:
    """Of one attempt."""
    return new_key()


@pytest.mark.parametrize("text", [TEXT, "", "Ärzte", "x" * 100_000])
def test_a_text_comes_back_as_it_was(key: str, text: str) -> None:
    """The vendor issued it once and will not say it again."""
    assert unseal(seal(text, key, ABOUT), key, ABOUT) == text


@pytest.mark.parametrize(
    "about",
    [
        ABOUT.replace("AbCdEf", "GhIjKl"),  # another secret
        ABOUT.replace("version", "another"),
        ABOUT.replace("12:00:00", "12:00:01"),  # another attempt
        ABOUT[:-1],
        f"{ABOUT} ",
        "",
    ],
)
def test_a_seal_that_was_carried_elsewhere_does_not_open(key: str, about: str) -> None:
    """Whoever may write the ledger could else put one customer's key into another's secret, or an old one back."""
    assert unseal(seal(TEXT, key, ABOUT), key, about) is None


def test_a_seal_does_not_open_with_another_key(key: str) -> None:
    """Each attempt has its own: the intent's version of the secret is the only place where it is."""
    assert new_key() != key
    assert unseal(seal(TEXT, key, ABOUT), new_key(), ABOUT) is None


def test_a_flipped_bit_anywhere_is_noticed(key: str) -> None:
    """A token with one letter changed would be staged, and probed, and waited for until the old one ends."""
    sealed = base64.b64decode(seal(TEXT, key, ABOUT))
    for place in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[place // 8] ^= 1 << place % 8
        assert unseal(base64.b64encode(changed).decode(), key, ABOUT) is None, place


def test_a_truncated_seal_does_not_open(key: str) -> None:
    """Neither cut in the middle of the text, nor within the nonce, nor to nothing."""
    sealed = base64.b64decode(seal(TEXT, key, ABOUT))
    for length in range(len(sealed)):
        assert unseal(base64.b64encode(sealed[:length]).decode(), key, ABOUT) is None, length
    assert unseal(base64.b64encode(sealed + b"\0").decode(), key, ABOUT) is None


@pytest.mark.parametrize("stored", ["", "not base64!", TEXT, "Ärzte", "\ud800", "AAA", "====", "AAAA" * 20])
def test_what_is_no_seal_does_not_open(key: str, stored: str) -> None:
    """Somebody edited the ledger by hand: nothing of it is taken for a key, and no run fails over it."""
    assert unseal(stored, key, ABOUT) is None


def test_two_seals_of_one_text_differ(key: str) -> None:
    """A nonce that comes twice gives both texts away; and nobody should see that two answers are alike."""
    seals = {seal(TEXT, key, ABOUT) for _ in range(100)}
    assert len(seals) == 100
    assert len({base64.b64decode(one)[:12] for one in seals}) == 100


def test_a_seal_shows_nothing_of_its_text(key: str) -> None:
    """It stands in the ledger, which more people may read than the secret."""
    sealed = seal(TEXT, key, ABOUT)
    assert sealed.isascii()
    for shown in (sealed.encode(), base64.b64decode(sealed)):
        assert b"a-key-that" not in shown
        assert b"arn:aws" not in shown


def test_only_a_key_of_full_length_is_one(key: str) -> None:
    """A shorter one would be taken by the cipher, and be weaker than what the design promises."""
    assert is_key(key)
    assert len(base64.b64decode(key)) == 32
    shorter = base64.b64encode(b"x" * 16).decode()
    for other in ("", "text", "Ärzte", "\ud800", key[:-4], f"{key}AAAA", f"{key}\n", shorter):
        assert not is_key(other), other
