"""What people do by hand, at the secret and at the service, each by name."""

import itertools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from simulator import Tenant
from simulator.ca import PrivateKey, key_pem, new_csr, new_key
from tests.support.convergence import activates
from tests.support.invariant_checker import InvariantChecker

YOUNG, DUE = timedelta(days=1), timedelta(days=62)
CONSOLE = "made in the console"
_number = itertools.count(1)


def _onboards(**choices: object) -> Callable[[InvariantChecker], object]:
    return lambda watch: watch.onboard(**{"age": YOUNG, **choices})


def _signs_again(watch: InvariantChecker) -> None:
    """A new key and certificate for the same customer, made in the console and put into the secret."""
    tenant, document = _customer(watch), watch.last_good.document
    key = new_key("ec256")
    pem = watch.env.simulator.sign_csr(tenant.name, _request(watch, key))
    name = tenant.certificates[-1].name
    watch.env.put({**document, "cert": pem, "privateKey": key_pem(key), "certName": name})
    watch.changed_by_hand()


def _edits(watch: InvariantChecker) -> None:
    if watch.in_use:
        watch.edit(note=next(_number))


def _renews_the_api_key(note: Callable[[datetime], object]) -> Callable[[InvariantChecker], None]:
    """In the console, and into the secret, with a note of its end or without."""

    def renew(watch: InvariantChecker) -> None:
        if watch.in_use:
            key, record, _ = _customer(watch).add_token()
            watch.edit(apiKey=key, apiKeyExpiry=note(record.expires))

    return renew


def _notes(note: Callable[[datetime], object]) -> Callable[[InvariantChecker], None]:
    """When the API key in use ends, as far as anybody knows; or something else."""

    def write(watch: InvariantChecker) -> None:
        token = watch.service.token(*watch.in_use.pair) if watch.in_use else None
        if token:
            watch.edit(apiKeyExpiry=note(token.expires))

    return write


def mends_the_note(watch: InvariantChecker) -> None:
    """What cannot be read goes away."""
    if watch.in_use and watch.in_use.document.get("apiKeyExpiry") is not None and watch.in_use.key_ends is None:
        watch.edit(apiKeyExpiry=None)


def _revokes_the_api_key(watch: InvariantChecker) -> None:
    token = watch.service.token(*watch.in_use.pair) if watch.in_use else None
    if token:
        _customer(watch).revoke_token(token.name)
        watch.forgive()


def _revokes_the_newest_api_key(watch: InvariantChecker) -> None:
    tenant = _customer(watch)
    tenant.revoke_token(tenant.tokens[-1].name)
    watch.forgive()


def _makes_another_api_key(watch: InvariantChecker) -> None:
    """For another program: nobody tells us."""
    _customer(watch).add_token()
    watch.forgive()


def puts_back(watch: InvariantChecker) -> None:
    """The previous version, as the console offers it."""
    labels = watch.env.labels()
    if "AWSPREVIOUS" not in labels:
        return
    watch.env.aws.admin.secrets.update_secret_version_stage(
        SecretId=watch.env.arn,
        VersionStage="AWSCURRENT",
        MoveToVersionId=labels["AWSPREVIOUS"],
        RemoveFromVersionId=labels["AWSCURRENT"],
    )
    watch.changed_by_hand()


def _removes(label: str) -> Callable[[InvariantChecker], None]:
    def remove(watch: InvariantChecker) -> None:
        version = watch.env.labels().get(label)
        if version:
            watch.env.aws.admin.secrets.update_secret_version_stage(
                SecretId=watch.env.arn, VersionStage=label, RemoveFromVersionId=version
            )

    return remove


def _labels_their_own(label: str) -> Callable[[InvariantChecker], object]:
    """As another tool does that takes the label for its own purpose."""
    return lambda watch: watch.env.aws.admin.secrets.put_secret_value(
        SecretId=watch.env.arn, SecretString=f'{{"made by": "{CONSOLE}"}}', VersionStages=[label]
    )


def _stores(secret: str | bytes) -> Callable[[InvariantChecker], None]:
    def store(watch: InvariantChecker) -> None:
        watch.env.put(secret)
        watch.changed_by_hand()

    return store


def _forgets_the_key(watch: InvariantChecker) -> None:
    watch.env.put({**watch.last_good.document, "privateKey": key_pem(new_key("ec256"))})
    watch.changed_by_hand()


def mends(watch: InvariantChecker) -> None:
    """Put the last credential back that was one, if what is there is none."""
    if watch.in_use is None or not watch.in_use.complete:
        watch.env.put(watch.last_good.document)
        watch.changed_by_hand()


def _revokes_what_is_in_use(watch: InvariantChecker) -> None:
    if watch.in_use:
        tenant = _customer(watch)
        tenant.revoke(next(r.name for r in tenant.certificates if r.serial == watch.in_use.serial))
        watch.forgive()


def _revokes_the_newest(watch: InvariantChecker) -> None:
    tenant = _customer(watch)
    tenant.revoke(tenant.certificates[-1].name)
    watch.forgive()


def _issues_another(watch: InvariantChecker) -> None:
    """For another program with the same credential: nobody tells us."""
    tenant = _customer(watch)
    watch.env.simulator.sign_csr(tenant.name, _request(watch, new_key("ec256")))
    watch.forgive()


def takes_back_their_pending(watch: InvariantChecker) -> None:
    """The other tool is done."""
    for label in ("CERTIFICATE_STAGED", "API_KEY_STAGED"):
        version = watch.env.labels().get(label)
        if version and CONSOLE in watch.env.versions()[version]:
            _removes(label)(watch)


PEOPLE: Mapping[str, Callable[[InvariantChecker], object]] = {
    "edits their own keys": _edits,
    "onboards anew": _onboards(),
    "onboards anew, due": _onboards(age=DUE),
    "onboards anew, with a chain and another key": _onboards(chain=True, key_algorithm="ec384"),
    "onboards anew, and stores no name": _onboards(age=DUE, cert_name=None),
    "signs again": _signs_again,
    "renews the API key": _renews_the_api_key(lambda _: None),
    "renews the API key, and notes its end": _renews_the_api_key(datetime.isoformat),
    "notes the API key's end": _notes(datetime.isoformat),
    "notes the API key's end as a number": _notes(lambda ends: int(ends.timestamp())),
    "notes the API key's end in milliseconds": _notes(lambda ends: str(int(ends.timestamp() * 1000))),
    "notes that the API key has ended": _notes(lambda _: "2020-01-01"),
    "notes what nobody can read": _notes(lambda _: "next summer"),
    "mends the note": mends_the_note,
    "revokes the API key": _revokes_the_api_key,
    "revokes the newest API key": _revokes_the_newest_api_key,
    "makes another API key": _makes_another_api_key,
    "removes API_KEY_STAGED": _removes("API_KEY_STAGED"),
    "removes API_KEY_INTENT": _removes("API_KEY_INTENT"),
    "labels something of their own API_KEY_STAGED": _labels_their_own("API_KEY_STAGED"),
    "puts the previous version back": puts_back,
    "removes CERTIFICATE_STAGED": _removes("CERTIFICATE_STAGED"),
    "removes CERTIFICATE_INTENT": _removes("CERTIFICATE_INTENT"),
    "labels something of their own CERTIFICATE_STAGED": _labels_their_own("CERTIFICATE_STAGED"),
    "takes that label back": takes_back_their_pending,
    "stores text": _stores("not JSON"),
    "stores bytes": _stores(b"\x00\xff"),
    "stores another key": _forgets_the_key,
    "mends the secret": mends,
    "revokes what is in use": _revokes_what_is_in_use,
    "revokes the newest": _revokes_the_newest,
    "activates what waits": activates,
    "issues another certificate": _issues_another,
}


def _customer(watch: InvariantChecker) -> Tenant:
    """Who the credential in use, or the last one that could be read, belongs to."""
    return watch.service.tenant(watch.last_good.serial) or watch.tenants[-1]


def _request(watch: InvariantChecker, key: PrivateKey) -> str:
    return new_csr(key, watch.last_good.subject, [])
