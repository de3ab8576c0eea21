"""``python -m simulator``: the commands of ``simulator.cli``."""

from simulator.cli import app

app(prog_name="python -m simulator")
