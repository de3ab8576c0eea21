"""`python -m cli` is `device-id`, where it is not installed."""

from cli.main import app

app(prog_name="device-id")
