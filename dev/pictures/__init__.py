"""The pictures of README.md and docs/, drawn from what a run printed or measured: `make pictures`.

A picture holds nothing of its own, so that a test can draw it again and compare.

| picture           | drawn from                                                                              |
|-------------------|-----------------------------------------------------------------------------------------|
| `demo.svg`        | `build/demo.txt`: what a whole run of the demo printed; `make pictures` records it       |
| `status.svg`      | docs/onboarding.md, whose transcript the deployed tests compare with the command         |
| `fleet.svg`       | what `make bench` wrote into docs/scale.md and docs/performance.md                       |
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs/pictures"
RECORDING = ROOT / "build/demo.txt"
