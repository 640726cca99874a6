"""`python -m tests.producers [room]`: make the files (in `room`, to look at them), take each its way, print the table."""

import os
import sys
from pathlib import Path

import pytest

if len(sys.argv) > 1:
    os.environ["PRODUCERS_ROOM"] = str(Path(sys.argv[1]).resolve())
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", str(Path(__file__).with_name("whole.py"))]))
