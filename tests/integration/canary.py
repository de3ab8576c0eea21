"""Looks for API keys and private keys in what the code said."""

from tests.integration.world import World

# Part of a private key says as much as all of it: any full line of its body gives it away.
_SHORT = 40


def given_away(world: World) -> set[str]:
    """API keys, and lines of private keys, that showed up in the log, an email, the ledger, a result or an error."""
    told = world.told().replace("\\n", "\n")
    return {secret for secret in _secrets(world) if secret in told}


def _secrets(world: World) -> set[str]:
    found = {*world.secrets_planted}
    for tenant in world.simulator.tenants:
        found |= {tenant.credential["apiKey"], *_body(tenant.credential.get("privateKey", ""))}
    for text in world.versions().values():  # intents and new credentials; not parsed, because some are bad
        found |= _body(text.partition('"privateKey"')[2].partition('",')[0].replace("\\n", "\n"))
    return found


def _body(pem: str) -> set[str]:
    return {line for line in pem.splitlines() if len(line) > _SHORT and " " not in line}
