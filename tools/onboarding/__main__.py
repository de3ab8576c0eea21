"""`python -m tools.onboarding`: the commands of `tools.onboarding.cli`."""

from tools.onboarding.cli import app

app(prog_name="python -m tools.onboarding")
