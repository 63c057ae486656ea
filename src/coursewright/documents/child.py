"""What subprocesses that read or embed documents are told of their surroundings: where modules are, and no secret."""

import os
import sys
from pathlib import Path

_ALLOWED = ("PATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "TEMP", "HOME")
_ROOT = str(Path(__file__).parents[2])


def child_environment() -> dict[str, str]:
    """Return the variables for a subprocess.

    Some hosts say to their own process alone where packages are (`sys.path` of a bundle), so that is passed on. The
    current folder is not, unless the program itself is there: documents are no place for modules.
    """
    here = os.path.realpath(os.getcwd())
    path = [each for each in sys.path if each and (each == _ROOT or os.path.realpath(each) != here)]
    known = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
    # Threads of numeric libraries reserve memory.
    return known | {"PYTHONPATH": os.pathsep.join(path), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


__all__ = ["child_environment"]
