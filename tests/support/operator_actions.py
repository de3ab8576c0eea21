"""What people do by hand, at the secret and at the service, each by name."""

import itertools
from collections.abc import Callable, Mapping
from datetime import timedelta

from simulator import Tenant
from simulator.ca import PrivateKey, key_pem, new_csr, new_key
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


def _renews_the_api_key(watch: InvariantChecker) -> None:
    if watch.in_use:
        watch.edit(apiKey=_customer(watch).add_token()[0])


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


def _labels_their_own_pending(watch: InvariantChecker) -> None:
    """As another tool does that takes the label for its own purpose."""
    watch.env.aws.admin.secrets.put_secret_value(
        SecretId=watch.env.arn, SecretString=f'{{"made by": "{CONSOLE}"}}', VersionStages=["AWSPENDING"]
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


def activates(watch: InvariantChecker) -> None:
    """End every activation delay."""
    for tenant in watch.tenants:
        for record in tenant.certificates:
            if record.valid and not record.active:
                tenant.activate(record.name)


def _issues_another(watch: InvariantChecker) -> None:
    """For another program with the same credential: nobody tells us."""
    tenant = _customer(watch)
    watch.env.simulator.sign_csr(tenant.name, _request(watch, new_key("ec256")))
    watch.forgive()


def takes_back_their_pending(watch: InvariantChecker) -> None:
    """The other tool is done."""
    version = watch.env.labels().get("AWSPENDING")
    if version and CONSOLE in watch.env.versions()[version]:
        _removes("AWSPENDING")(watch)


PEOPLE: Mapping[str, Callable[[InvariantChecker], object]] = {
    "edits their own keys": _edits,
    "onboards anew": _onboards(),
    "onboards anew, due": _onboards(age=DUE),
    "onboards anew, with a chain and another key": _onboards(chain=True, key_algorithm="ec384"),
    "onboards anew, and stores no name": _onboards(age=DUE, cert_name=None),
    "signs again": _signs_again,
    "renews the API key": _renews_the_api_key,
    "puts the previous version back": puts_back,
    "removes AWSPENDING": _removes("AWSPENDING"),
    "removes ROTATION_INTENT": _removes("ROTATION_INTENT"),
    "labels something of their own AWSPENDING": _labels_their_own_pending,
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
