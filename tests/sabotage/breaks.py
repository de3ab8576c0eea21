"""Deliberate breaks of the code, at least one for every invariant, and the tests whose table each must turn red."""

from dataclasses import dataclass

FUNCTION = "functions/certificate_rotation"
CRASHES = "tests/reliability/test_crash_everywhere.py"
ORDERS = "tests/reliability/test_orders.py"


@dataclass(frozen=True)
class Break:
    """What is done to a copy of the code.

    Attributes:
        invariant: the one that then does not hold.
        name: the break in words.
        changes: per file, what is replaced and by what; each must stand there exactly once.
        tests: arguments for pytest.
    """

    invariant: int
    name: str
    changes: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]


BREAKS = (
    Break(
        1,
        "no hold after a lost answer",
        (
            (
                f"{FUNCTION}/domain/decision.py",
                "if state.open_attempt and not (life.is_within(policy.critical, now) and due) and not command.evicts:",
                "if False:",
            ),
        ),
        (CRASHES, "-k", "everywhere and issues"),
    ),
    Break(
        2,
        "the key is not stored before the request",
        (
            (
                f"{FUNCTION}/issuance.py",
                "secrets.put(snapshot.arn, intent.version, intent.dump(), names.intent)",
                "pass",
            ),
        ),
        (CRASHES, "-k", "carried_on and chain"),
    ),
    Break(
        3,
        "attempts are not counted",
        (
            (
                f"{FUNCTION}/domain/rate_limit.py",
                "burst_left=max(self.burst_left - 1, 0), last_at=now",
                "last_at=self.last_at",
            ),
        ),
        ("tests/reliability/test_limit.py",),
    ),
    Break(
        4,
        "the lease is not respected",
        (
            (
                f"{FUNCTION}/domain/decision.py",
                "return lease is not None and lease.owner != owner and now < lease.until + LEASE_SKEW",
                "return False",
            ),
        ),
        ("tests/reliability/test_second_run.py",),
    ),
    Break(
        5,
        "the probe's answer is not waited for",
        (
            (
                f"{FUNCTION}/promotion.py",
                "chosen = _first(Answer.ACCEPTED, candidates, verdicts)",
                "chosen = candidates[0]",
            ),
        ),
        (CRASHES, "-k", "carried_on and waits"),
    ),
    Break(
        6,
        "the credential is logged",
        (
            (
                f"{FUNCTION}/promotion.py",
                'logger.info("The new %s is in use.", called)',
                "logger.debug(chosen.credential.dump())",
            ),
        ),
        (CRASHES, "-k", "carried_on and chain"),
    ),
    Break(
        7,
        "redirects are followed",
        (
            (
                f"{FUNCTION}/adapters/mtls.py",
                "            return response.status_code, response.headers, _bounded(response)",
                """\
            if "Location" in response.headers:
                request = requests.Request("GET", response.headers["Location"], dict(headers), json=body).prepare()
                response = adapter.send(request, stream=True, timeout=(CONNECT_SECONDS, seconds))
            return response.status_code, response.headers, _bounded(response)""",
            ),
        ),
        ("tests/integration/test_tls.py",),
    ),
    Break(
        8,
        "the secret is written anew",
        (
            (
                f"{FUNCTION}/domain/credential.py",
                "document = {**self.document, **changed}",
                'document = {"apiKey": self.api_key, **changed}',
            ),
        ),
        (CRASHES, "-k", "carried_on and chain"),
    ),
    Break(
        9,
        "nobody remembers that people were told",
        (
            (
                f"{FUNCTION}/notifications/alerts.py",
                "self._ledger.remember(HalfOf(about.secret, about.half), incident, known.told, changes)",
                "pass",
            ),
        ),
        (CRASHES, "-k", "carried_on and over"),
    ),
    Break(
        10,
        "a right is missing from the role",
        (("template.yaml", "                  - dynamodb:PutItem #", "                  #"),),
        (CRASHES, "-k", "carried_on and chain"),
    ),
    Break(
        11,
        "a mail says yes whatever the service answered",
        ((f"{FUNCTION}/notifications/messages.py", "}[report.in_use.answer]", "}[Answer.ACCEPTED]"),),
        (CRASHES, "-k", "carried_on and expired"),
    ),
    Break(
        12,
        "news that AWS did not take is forgotten",
        (
            (
                f"{FUNCTION}/adapters/ledger_items.py",
                "None for name, value in changes.items()",
                "None for name, value in changes.items() if not isinstance(value, News)",
            ),
        ),
        ("tests/reliability/test_news.py", "-k", "deleted"),
    ),
    # What only a meeting of two runs shows.
    Break(
        4,
        "there is no lease",
        (
            (
                f"{FUNCTION}/adapters/ledger.py",
                "self._update(arn, changes, condition, owner=lease.owner, **expected)",
                "bool(changes and condition)",
            ),
            (
                f"{FUNCTION}/adapters/ledger.py",
                'LEASE_IS_OURS = "lease.#owner = :owner"',
                'LEASE_IS_OURS = "(attribute_not_exists(lease) OR lease.#owner = :owner)"',
            ),
        ),
        (ORDERS, "-k", "order and due"),
    ),
    Break(
        3,
        "an attempt is counted without a look at the lease",
        (
            (
                f"{FUNCTION}/adapters/ledger.py",
                "conditions.append(LEASE_IS_OURS)",
                'conditions.append("(attribute_exists(credential) OR lease.#owner = :owner)")',
            ),
        ),
        (ORDERS, "-k", "order and late"),
    ),
    Break(
        4,
        "the lease is claimed on a record that has changed since it was read",
        (
            (f"{FUNCTION}/adapters/ledger.py", 'UNCHANGED = "revision = :seen"', 'UNCHANGED = "revision >= :seen"'),
            (
                f"{FUNCTION}/adapters/ledger.py",
                'NEW_CREDENTIAL = "attribute_not_exists(revision)"',
                'NEW_CREDENTIAL = "attribute_not_exists(nothing)"',
            ),
        ),
        (ORDERS, "-k", "order and due"),
    ),
    Break(
        8,
        "AWSCURRENT is moved from wherever it is",
        (
            (
                f"{FUNCTION}/adapters/secret_store.py",
                "MoveToVersionId=version, RemoveFromVersionId=instead_of",
                "MoveToVersionId=version, RemoveFromVersionId=self.labels(arn)[CURRENT]",
            ),
        ),
        (ORDERS, "-k", "order and edits"),
    ),
    Break(
        4,
        "the secret is read before the ledger",
        (
            (
                f"{FUNCTION}/rotation.py",
                "        if self._function_name:\n            record",
                "        current = secrets.current(arn)\n        if self._function_name:\n            record",
            ),
            (
                f"{FUNCTION}/rotation.py",
                "        current = secrets.current(arn)\n        if current.arn",
                "        if current.arn",
            ),
            # The labels, read last, would show it too.
            (f"{FUNCTION}/snapshot.py", "if labels.get(CURRENT) != one.version:", "if not labels:"),
        ),
        (ORDERS, "-k", "order and forced"),
    ),
    Break(
        2,
        "a label is taken off wherever it is now",
        (
            (
                f"{FUNCTION}/adapters/secret_store.py",
                "SecretId=arn, VersionStage=label, RemoveFromVersionId=version)",
                "SecretId=arn, VersionStage=label, RemoveFromVersionId=self.labels(arn).get(label, version))",
            ),
        ),
        (ORDERS, "-k", "takes_no_label"),
    ),
    # What only Secrets Manager's own rotation has.
    Break(
        2,
        "AWSPENDING stays where a step has failed",
        (
            (
                f"{FUNCTION}/native_rotation.py",
                'if self._step.name == "finishSecret" or (self._step.name == "createSecret" and report.error):',
                'if self._step.name == "finishSecret":',
            ),
        ),
        (ORDERS, "-k", "order and token"),
    ),
    Break(
        2,
        "another token takes over without the lease",
        (
            (
                f"{FUNCTION}/native_rotation.py",
                """\
                self._claim(snapshot)
                self._promotion.stage(snapshot, self._step.token)""",
                "                self._promotion.stage(snapshot, self._step.token)",
            ),
        ),
        (ORDERS, "-k", "order and token"),
    ),
    # What only the API key has.
    Break(
        5,
        "what a seal is about is not looked at",
        (
            (
                f"{FUNCTION}/domain/sealing.py",
                "text.encode(), about.encode())",
                'text.encode(), b"")',
            ),
            (f"{FUNCTION}/domain/sealing.py", "stored[_NONCE_BYTES:], about.encode())", 'stored[_NONCE_BYTES:], b"")'),
        ),
        ("tests/integration/test_sealed_journal.py",),
    ),
    Break(
        6,
        "the history keeps a sealed API key",
        (
            (
                f"{FUNCTION}/adapters/ledger.py",
                "attempt if one.half is HalfName.CERTIFICATE else",
                "attempt if one.half else",
            ),
        ),
        (CRASHES, "-k", "carried_on and key and staged"),
    ),
    Break(
        3,
        "requests for an API key are not limited",
        (
            (
                f"{FUNCTION}/domain/rate_limit.py",
                "Attempts(API_KEY_LIMIT.burst, limit=API_KEY_LIMIT)",
                "Attempts(1_000_000, limit=API_KEY_LIMIT)",
            ),
        ),
        ("tests/reliability/test_limit.py",),
    ),
    Break(
        5,
        "an API key is put into use without a probe",
        (
            (
                f"{FUNCTION}/promotion.py",
                "        chosen = _first(Answer.ACCEPTED, candidates, self._prober.ask_each(offered))",
                '        of_key = snapshot.half.name == "apiKey"\n        chosen = (candidates if of_key else [])[:1]',
            ),
            (
                f"{FUNCTION}/promotion.py",
                "        if chosen:\n            return chosen\n        in_use",
                "        if chosen:\n            return chosen[0]\n        in_use",
            ),
        ),
        (CRASHES, "-k", "carried_on and key and waits"),
    ),
    Break(
        2,
        "the close of one half takes the other's labels off",
        (
            (
                f"{FUNCTION}/snapshot.py",
                "for label in half.labels if label in found}",
                "for one in HALVES.values() for label in one.labels if label in found}",
            ),
        ),
        (CRASHES, "-k", "carried_on and key and waits"),
    ),
)
