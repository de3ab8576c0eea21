"""What a person does by hand: the first credential, a look at how things are, a certificate brought back.

`python -m tools.onboarding` lists the commands. They use the function's own code to judge what it will read.
"""

import sys
from pathlib import Path

# SAM wants the function's package under functions/, and this project is not installed: so it is named here, once.
_FUNCTIONS = str(Path(__file__).resolve().parents[2] / "functions")
if _FUNCTIONS not in sys.path:
    sys.path.append(_FUNCTIONS)
