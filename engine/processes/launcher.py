"""The launcher's program: takes on limits, a user and a umask, and becomes the command.

A process of its own, and no code between fork and exec (`preexec_fn`): that hangs a program with
threads now and then. From outside limits could be set only when the command runs already.
"""

import errno
import os
import signal
import sys
import warnings  # noqa: F401 - execvpe imports it, and by then nothing may be readable any more

from engine.processes.preparation import read_preparation, take_on


def main() -> None:
    """Arguments: where to write the number of an error, the preparation, names, command, argv.

    `names` are those of the variables that the command gets: Python may have needed others.
    """
    report, prepared, names, command, *argv = sys.argv[2:]
    os.set_inheritable(int(report), False)  # noqa: FBT003 - the standard library has it so
    wanted = os.fsencode(names).split(b"=")
    environ = {name: value for name, value in os.environb.items() if name in wanted}
    try:
        take_on(read_preparation(prepared))
        # Python ignores these, and what is ignored stays so in the command.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.execvpe(command, argv, environ)  # noqa: S606 - just what it is for
    except (OSError, MemoryError) as error:
        number = error.errno if isinstance(error, OSError) else errno.ENOMEM
        os.write(int(report), str(number).encode())
    os._exit(127)
