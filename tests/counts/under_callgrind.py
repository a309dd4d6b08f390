"""Does the work, as callgrind's charge: `instructions.py` starts it, and reads what was counted.

Counting is switched on once all is ready and warm, as what is counted takes ten times as long. Each
`getppid` ends a count and begins the next one: nothing else here asks for it, and callgrind is told.
"""

import gc
import json
import os
import random
import subprocess
import sys
from contextlib import ExitStack

from tests.counts.instructions import NOT_ASKED
from tests.counts.work import WORK


def main() -> None:
    """Prints how often each was done, in the order of the counts; the first count is of nothing."""
    sys.setswitchinterval(3600)  # threads take turns where they wait, not when a clock says so
    random.seed(0)
    with ExitStack() as stack:
        ready = [(stack.enter_context(work.ready()), work) for work in WORK.values()]
        for do, work in ready:
            do(work.before)
        gc.collect()
        gc.disable()
        _switch_on()
        os.getppid()
        for do, work in ready:
            do(work.times)
            os.getppid()
        gc.enable()
    print(json.dumps({name: work.times for name, work in WORK.items()}))


def _switch_on() -> None:
    said = ["vgdb", f"--vgdb-prefix={sys.argv[1]}", f"--pid={os.getpid()}", "instrumentation", "on"]
    asking = subprocess.Popen(said, stdout=subprocess.DEVNULL)
    while asking.poll() is None:  # it is heard by a program that does something
        pass
    if asking.returncode:
        print("valgrind could not be asked to count", file=sys.stderr, flush=True)
        os._exit(NOT_ASKED)  # what is ready was to be used


if __name__ == "__main__":
    main()
