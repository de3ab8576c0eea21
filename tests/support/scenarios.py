"""The situations a run can meet, each by name: what leads up to the run that will be killed, and its event."""

import os
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from simulator.faults import CERT_REFRESH, TOKEN_REFRESH, Parameter, faults_at
from tests.support.invariant_checker import Watched
from tests.support.situations import (
    OF_BOTH,
    OF_BOTH_KEY_FIRST,
    OF_KEY,
    YOUNG,
    Scenario,
    activate,
    activate_key,
    after,
    again,
    anew,
    edited_key,
    evicting,
    evicting_key,
    killed,
    killed_at_stage,
    lost_beside_a_deleted_key,
    meeting,
    news_refused,
    no_verdict,
    noted,
    onboarded,
    put_back_while_one_waits,
    to_critical_of_key,
    two_keys_wait,
    two_wait,
)

# The faults whose default would take long, made short: the code waits 0.2 seconds for an answer here.
_QUICK: Mapping[str, Mapping[str, Parameter]] = {
    "slow": {"seconds": 0.3},
    "drip": {"seconds": 0.1},
    "huge-body": {"megabytes": 1},
}


def exchanges(watched: Watched, name: str) -> list[str]:
    """Those of the run of a scenario, when nothing else happens: found by watching."""
    scenario = SCENARIOS[name]
    with watched() as watch:
        watch.env.over_tls = True
        scenario(watch)
        watch.run(scenario.event)
        return watch.exchanges


def places(watched: Watched, name: str) -> list[tuple[int, str]]:
    """The same by number, from where the run differs from that of `due`."""
    names, differs_from = exchanges(watched, name), SCENARIOS[name].differs_from
    return list(enumerate(names))[names.index(differs_from) if differs_from else 0 :]


FORCED = MappingProxyType({"force": True, "allowEviction": True})
RENEW_KEY = MappingProxyType({"force": True, "renew": "apiKey"})
FORCED_KEY = MappingProxyType({**FORCED, "renew": "apiKey"})

_OF_CERTIFICATE: Mapping[str, Scenario] = {
    "due": Scenario(onboarded()),
    "due, with a chain": Scenario(onboarded(chain=True)),
    "due, its name not known": Scenario(onboarded(cert_name=None)),
    "forced while young": Scenario(onboarded(age=YOUNG), {"force": True}),
    "expired": Scenario(onboarded(age=timedelta(days=91))),
    "an intent is left": Scenario(after("conflict")),
    "an answer was lost": Scenario(after("drop-after-issuing")),
    "an answer was lost, and somebody goes ahead": Scenario(after("drop-after-issuing"), FORCED),
    "an answer was lost, and the end is near": Scenario(
        after("drop-after-issuing", then=lambda watch: watch.env.advance_to_critical())
    ),
    "killed with a certificate in the ledger": Scenario(killed("PutSecretValue", "after")),
    "killed with a certificate staged": Scenario(killed("verdicts:statistics", "before")),
    "killed with a certificate in use": Scenario(killed("UpdateSecretVersionStage", "after")),
    "a certificate waits, not accepted": Scenario(after("activation-delay")),
    "a certificate waits, accepted now": Scenario(after("activation-delay", then=activate)),
    "a certificate waits, and the end is near": Scenario(
        after("activation-delay", then=lambda watch: watch.env.advance_to_critical())
    ),
    "the probe gives no answer for long, and the one in use ends": Scenario(no_verdict),
    "two certificates wait in the last day": Scenario(two_wait()),
    "two certificates wait in the last day, the earlier accepted now": Scenario(two_wait(accepted=1)),
    "two certificates wait in the last day, the later accepted now": Scenario(two_wait(accepted=2)),
    "the previous one is put back while one waits": Scenario(put_back_while_one_waits),
    "news refused": Scenario(news_refused(onboarded())),
    "news refused, and the one in use is deleted": Scenario(news_refused(evicting())),
    "accepted after a moment": Scenario(meeting("activation-delay", seconds=5), differs_from="cert:refresh"),
    "the one in use is deleted": Scenario(evicting()),
    "the one in use is deleted, the new one not accepted yet": Scenario(evicting(200)),
    "the previous one was put back": Scenario(again),
    "onboarded anew over an intent": Scenario(after("conflict", then=anew)),
    "onboarded anew over a lost answer": Scenario(after("drop-after-issuing", then=anew)),
    "onboarded anew over a waiting certificate": Scenario(after("activation-delay", then=anew)),
    "a certificate for another key": Scenario(meeting("other-key"), differs_from="cert:refresh"),
    "a certificate that begins later": Scenario(meeting("begins-later", seconds=7200), differs_from="cert:refresh"),
    "a certificate that ends sooner": Scenario(meeting("shorter-lived"), differs_from="cert:refresh"),
    "a rejected certificate is left": Scenario(after("other-key"), FORCED),
    "an incident is over": Scenario(after("unavailable")),
    "answers 400": Scenario(meeting("bad-request"), differs_from="cert:refresh"),
    "answers 401": Scenario(meeting("unauthorized"), differs_from="cert:refresh"),
    "answers 409": Scenario(meeting("conflict"), differs_from="cert:refresh"),
    "answers 429": Scenario(meeting("too-many-requests"), differs_from="cert:refresh"),
    "answers 429 with Retry-After": Scenario(
        meeting("too-many-requests-retry-after", seconds=7200), differs_from="cert:refresh"
    ),
    "answers 500": Scenario(meeting("server-error"), differs_from="cert:refresh"),
    "answers 500, having issued": Scenario(meeting("server-error-after-issuing"), differs_from="cert:refresh"),
    "answers 502 with a page": Scenario(meeting("bad-gateway-html"), differs_from="cert:refresh"),
    "answers 503": Scenario(meeting("unavailable"), differs_from="cert:refresh"),
    "redirects": Scenario(meeting("redirect"), differs_from="cert:refresh"),
    "does not answer in time": Scenario(meeting("slow", seconds=0.3), differs_from="cert:refresh"),
    "closes the connection": Scenario(meeting("drop-before-processing"), differs_from="cert:refresh"),
    "issues, and closes the connection": Scenario(meeting("drop-after-issuing"), differs_from="cert:refresh"),
}

_ASKED: Mapping[str, Any] = MappingProxyType({"at": TOKEN_REFRESH, "due": OF_KEY})
_OF_API_KEY: Mapping[str, Scenario] = {
    "a key is due": Scenario(onboarded(**OF_KEY)),
    "a key is forced": Scenario(onboarded(age=YOUNG), RENEW_KEY),
    "a key has ended": Scenario(onboarded(age=YOUNG, api_key_left=timedelta(seconds=-60))),
    "a key with a stale note": Scenario(noted("2020-01-01", age=YOUNG)),
    "a key with a note nobody can read": Scenario(noted("next summer", age=YOUNG)),
    "an intent for a key is left": Scenario(after("conflict", **_ASKED)),
    "a key was lost": Scenario(after("drop-after-issuing", **_ASKED)),
    "a key was lost, and somebody goes ahead": Scenario(after("drop-after-issuing", **_ASKED), FORCED_KEY),
    "a key was lost, and the end is near": Scenario(after("drop-after-issuing", then=to_critical_of_key, **_ASKED)),
    "a key without an end was lost": Scenario(
        after("drop-after-issuing", at=TOKEN_REFRESH, due={"age": YOUNG}, event=RENEW_KEY)
    ),
    "a key was lost, and somebody stores another": Scenario(after("drop-after-issuing", then=edited_key, **_ASKED)),
    "killed with a key in the ledger": Scenario(killed("PutSecretValue", "after", OF_KEY)),
    "killed with a key asked for": Scenario(killed(TOKEN_REFRESH, "after", OF_KEY)),
    "killed with a key sealed": Scenario(killed_at_stage),
    "killed with a key staged": Scenario(killed("verdicts:statistics", "before", OF_KEY)),
    "killed with a key in use": Scenario(killed("UpdateSecretVersionStage", "after", OF_KEY)),
    "a key waits, not accepted": Scenario(after("activation-delay", **_ASKED)),
    "a key waits, accepted now": Scenario(after("activation-delay", then=activate_key, **_ASKED)),
    "a key waits, and the end is near": Scenario(after("activation-delay", then=to_critical_of_key, **_ASKED)),
    "a key waits, and somebody stores another": Scenario(after("activation-delay", then=edited_key, **_ASKED)),
    "two keys wait in the last day": Scenario(two_keys_wait()),
    "two keys wait in the last day, the earlier accepted now": Scenario(two_keys_wait(accepted=1)),
    "two keys wait in the last day, the later accepted now": Scenario(two_keys_wait(accepted=2)),
    "a key of a new customer, over a lost one": Scenario(after("drop-after-issuing", then=anew, **_ASKED)),
    "a key, news refused": Scenario(news_refused(onboarded(**OF_KEY))),
    "a key is accepted after a moment": Scenario(
        meeting("activation-delay", TOKEN_REFRESH, OF_KEY, seconds=5), differs_from=TOKEN_REFRESH
    ),
    "the key in use is deleted": Scenario(evicting_key()),
    "the key in use is deleted, the new one not accepted yet": Scenario(evicting_key(200)),
    "a rejected key is left": Scenario(after("same-token", **_ASKED), FORCED_KEY),
    **{
        f"a key: {fault}": Scenario(
            meeting(fault, TOKEN_REFRESH, OF_KEY, **_QUICK.get(fault, {})), differs_from=TOKEN_REFRESH
        )
        for fault in faults_at(TOKEN_REFRESH)
        if fault not in {"activation-delay", "endless-body"}
    },
}
_OF_BOTH: Mapping[str, Scenario] = {
    "both are due": Scenario(onboarded(**OF_BOTH)),
    "both are due, the key first": Scenario(onboarded(**OF_BOTH_KEY_FIRST)),
    "both are due, a key is forced": Scenario(onboarded(**OF_BOTH), RENEW_KEY),
    "both are due, and the key in use is deleted beside a lost certificate": Scenario(lost_beside_a_deleted_key),
    "a certificate waits, and the key is due": Scenario(after("activation-delay", due=OF_BOTH)),
    "a certificate is lost, and the key is due": Scenario(after("drop-after-issuing", due=OF_BOTH)),
    "a key waits, and the certificate is due": Scenario(
        after("activation-delay", at=TOKEN_REFRESH, due=OF_BOTH_KEY_FIRST)
    ),
    "a key is lost, and the certificate is due": Scenario(
        after("drop-after-issuing", at=TOKEN_REFRESH, due=OF_BOTH_KEY_FIRST)
    ),
    "a certificate in use is not closed, and the key is due": Scenario(
        killed("UpdateSecretVersionStage", "after", OF_BOTH)
    ),
    "a key in use is not closed, and the certificate is due": Scenario(
        killed("UpdateSecretVersionStage", "after", OF_BOTH_KEY_FIRST)
    ),
}

SCENARIOS: Mapping[str, Scenario] = {**_OF_CERTIFICATE, **_OF_API_KEY, **_OF_BOTH}

# What reads alike for both halves is met by a certificate in `make test`, and by a key in `make soak`.
_READ_ALIKE = {
    f"a key: {fault}"
    for fault in set(faults_at(CERT_REFRESH)) & set(faults_at(TOKEN_REFRESH))
    if fault not in {"drop-after-issuing", "too-many-requests"}
}
NAMES = [name for name in SCENARIOS if "SOAK" in os.environ or name not in _READ_ALIKE]
