"""Which exchanges of two runs can change places, and nothing is different for it."""

# Which system an exchange is with, and whether it only reads. A probe counts as a write: the time until the next one
# passes with it, and a certificate may come to be accepted by time alone.
_SYSTEMS = {
    "DescribeSecret": ("secret", True),
    "GetSecretValue": ("secret", True),
    "PutSecretValue": ("secret", False),
    "UpdateSecretVersionStage": ("secret", False),
    "GetItem": ("ledger", True),
    "UpdateItem": ("ledger", False),
    "TransactWriteItems": ("ledger", False),
    "Publish": ("topic", False),
    "PutEvents": ("bus", False),
}
_SERVICE = ("service", False)


def reads(exchange: str) -> bool:
    """Whether it changes nothing."""
    return _SYSTEMS.get(exchange, _SERVICE)[1]


def commute(one: str, other: str) -> bool:
    """Whether it makes no difference which of two exchanges is first: with two systems, or two reads."""
    (system, read), (other_system, other_read) = _SYSTEMS.get(one, _SERVICE), _SYSTEMS.get(other, _SERVICE)
    return system != other_system or (read and other_read)
