"""Everything the code logs, down to DEBUG, as text and with whatever was passed along."""

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, override

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_EVERY_RECORD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
_FORMATTER = logging.Formatter("%(levelname)s %(name)s %(message)s")


def text_of(record: logging.LogRecord) -> str:
    """Message, traceback and extras."""
    extras = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
    return f"{_FORMATTER.format(record)} {extras or ''}"


class Log(logging.Handler):
    """Listens to the code's logger."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def text_since(self, number: int) -> str:
        """The records from `number` on."""
        return "\n".join(text_of(record) for record in self.records[number:])

    @classmethod
    @contextmanager
    def listening(cls) -> "Iterator[Log]":
        """Until the block ends."""
        log, logger = cls(), logging.getLogger("certificate_rotation")
        level, propagates = logger.level, logger.propagate
        logger.addHandler(log)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False  # pytest would keep a copy of every record
        try:
            yield log
        finally:
            logger.removeHandler(log)
            logger.setLevel(level)
            logger.propagate = propagates
