"""How soon docs/runbook.md says that alarms ring and end: its words, and the times the simulation holds them to."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Promise:
    """`words` stand in the runbook's entry of the alarm; what they are about takes from `least` to `most`."""

    alarm: str
    words: str
    most: timedelta
    least: timedelta = timedelta(0)

    def kept(self, took: timedelta) -> bool:
        """Whether it took as long as it is said to."""
        return self.least <= took <= self.most


def _hours(hours: float, minutes: float = 0) -> timedelta:
    return timedelta(hours=hours, minutes=minutes)


# A run is counted from the moment its schedule was due; it begins up to five minutes later.
SILENCE_RINGS = Promise(
    "ScheduleSilentAlarm", "the last one is up to an hour longer ago", _hours(4, 6), least=_hours(3)
)
SILENCE_ENDS = Promise("ScheduleSilentAlarm", "OK when that hour is over", _hours(1, 6))
SILENCE_BEGINS = Promise("ScheduleSilentAlarm", "or after 26 hours", _hours(26), least=_hours(26))
STILL_RINGS = Promise("ScheduleStillSilentAlarm", "so three to four days", _hours(97), least=_hours(72))
STILL_ENDS = Promise("ScheduleStillSilentAlarm", "ends an hour after that day (UTC) at the latest", _hours(25, 6))
CRASH_RINGS = Promise("RunCrashedAlarm", "rings within 71 minutes of the crash", _hours(1, 11))
CRASH_ENDS = Promise("RunCrashedAlarm", "OK, two hours after it rang", _hours(2), least=_hours(2))
EXPIRY_RINGS = Promise("CertificateExpiringAlarm", "rings within two hours", _hours(2, 6))
EXPIRY_ENDS = Promise("CertificateExpiringAlarm", "OK within three hours", _hours(3))
EXPIRY_OF_A_FLEET_RINGS = Promise("CertificateExpiringAlarm", "rings within two days", _hours(48))
UNPUBLISHED_ENDS = Promise(
    "AlertNotPublishedAlarm", "two to five hours after the last refusal", _hours(5, 3), _hours(2)
)
UNDELIVERED_ENDS = Promise("RunUndeliveredAlarm", "OK a few minutes later", _hours(0, 15))
PROMISES = [value for value in globals().copy().values() if isinstance(value, Promise)]
