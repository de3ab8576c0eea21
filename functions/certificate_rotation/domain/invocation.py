"""One invocation of the function: who it is, what it may still do, and where people find it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

# How long one call to AWS may take: two tries of connecting (2 s) and an answer (3 s), and a pause of up to a second
# between them (botocore, standard mode). `adapters.aws` makes the clients so. Where the first of several addresses does
# not answer, it takes longer.
AWS_CONNECT_SECONDS, AWS_ANSWER_SECONDS, AWS_TRIES = 2, 3, 2
AWS_CALL = timedelta(seconds=AWS_TRIES * (AWS_CONNECT_SECONDS + AWS_ANSWER_SECONDS) + 1)
# Kept free at the end of an invocation for the writes that follow a request to the service: both stores of its answer,
# be each as slow as it may.
TIME_FOR_WRITES = 2 * AWS_CALL + timedelta(seconds=3)


class Invocation(NamedTuple):
    """This run.

    Attributes:
        request_id: Lambda's name for it.
        owner: unique to this run, so that its lease is nobody else's.
        deadline: when Lambda will stop it, aware, UTC.
        clock: tells the time, aware, UTC.
        sleep: waits, in seconds.
        log_url: where its log is in the console.
        stack: the stack's name, for commands that people copy.
    """

    request_id: str
    owner: str
    deadline: datetime
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    log_url: str = ""
    stack: str = ""

    def time_left(self) -> timedelta:
        """Until Lambda stops this run."""
        return self.deadline - self.clock()

    def may_notify(self) -> bool:
        """Whether there is time to send a mail or an event, and to write down what became of it."""
        return self.time_left() >= 2 * AWS_CALL
