"""For people and tests, never deployed: the local AWS, deployments to it, the demo."""

import sys
from pathlib import Path

# SAM wants the function's package under functions/, and this project is not installed: so it is named here, once.
_FUNCTIONS = str(Path(__file__).resolve().parent.parent / "functions")
if _FUNCTIONS not in sys.path:
    sys.path.append(_FUNCTIONS)
