"""Everything the code logs, down to DEBUG, as text and with whatever was passed along."""

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, override

if TYPE_CHECKING:
    from collections.abc import Iterator


class Log(logging.Handler):
    """Listens to the code's logger."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def text_since(self, number: int) -> str:
        """The records from `number` on: message, arguments, extras and traceback."""
        formatter = logging.Formatter("%(levelname)s %(name)s %(message)s")
        return "\n".join(f"{formatter.format(record)} {vars(record)}" for record in self.records[number:])

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
