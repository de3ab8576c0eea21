"""Whether this is Linux, by what of it is used here; elsewhere that is stood in for, or left out by name and reason."""

import os
from pathlib import Path

LINUX = hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir()
MAC = Path(__file__).with_name("mac")  # on PYTHONPATH it stands in for anonymous files in memory

NO_EMULATOR = "the Lambda emulator is a program for Linux"
NO_PROC = "which process runs what, and who started it, only Linux's /proc tells"
NO_SUBREAPER = "only Linux hands the children of a process that was killed to another one"
