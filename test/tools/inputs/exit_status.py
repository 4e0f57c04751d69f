"""Runs a command and compares its exit status: `exit_status.py STATUS COMMAND...`"""

import subprocess
import sys

expected, found = int(sys.argv[1]), subprocess.run(sys.argv[2:]).returncode
if found != expected:
    sys.exit(f"expected exit status {expected}, but found {found}")
