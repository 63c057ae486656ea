"""Carries out functions apart, in subprocesses: the event loop stays free, and a step that is cut off ends at once.

A thread could not be ended: a worker that is told to stop would wait for it, and until then nobody else gets its cores.
`python -m coursewright.apart` is the other side: it reads pickled calls from standard input and writes pickled results.
"""

import asyncio
import contextlib
import ctypes
import os
import pickle
import queue
import select
import signal
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, Protocol, TypeVar

from coursewright.errors import SubprocessDied

P = ParamSpec("P")
T = TypeVar("T")

_LENGTH = 8  # bytes before each message
_SECONDS_KEPT = 30.0  # a subprocess that has nothing to do for so long gives its memory back
_ALLOWED = (
    "PATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "TEMP", "HOME", "XDG_CACHE_HOME",
)  # fmt: skip
_PR_SET_PDEATHSIG = 1  # prctl(2)
_ROOT = str(Path(__file__).parents[1])


class Run(Protocol):
    """Carries out a function somewhere else; `asyncio.to_thread` is one way, `Apart.run` another."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...


class Apart:
    """Some subprocesses, started when they are needed; `most` at once (0: one a core). Close it with `aclose`."""

    def __init__(self, most: int = 0) -> None:
        self._room = asyncio.Semaphore(most or os.cpu_count() or 1)
        self._idle: dict[_Child, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function of a module returns for arguments that can be pickled, or raise what it raises.

        When cancelled, the subprocess is killed. Raises SubprocessDied.
        """
        call = pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)
        async with self._room:
            child = self._take()
            try:
                done, result = pickle.loads(await child.ask(call))  # noqa: S301  # from a process of our own
            except BaseException:
                await child.stop()
                raise
            self._idle[child] = asyncio.get_running_loop().call_later(_SECONDS_KEPT, self._retire, child)
        if not done:
            raise result
        value: T = result
        return value

    def _take(self) -> "_Child":
        if not self._idle:
            return _Child()
        child, retiring = self._idle.popitem()
        retiring.cancel()
        return child

    def _retire(self, child: "_Child") -> None:
        if self._idle.pop(child, None):
            ending = asyncio.ensure_future(child.stop())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def aclose(self) -> None:
        """End all subprocesses."""
        while self._idle:
            await self._take().stop()
        await asyncio.gather(*self._ending)


class _Child:
    """One subprocess, asked one thing at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, call: bytes) -> bytes:
        if self._process is None:
            self._process = await start_child("coursewright.apart")
        process = self._process
        assert process.stdin is not None  # noqa: S101  # both were asked for as pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(len(call).to_bytes(_LENGTH) + call)
            await process.stdin.drain()
            size = int.from_bytes(await process.stdout.readexactly(_LENGTH))
            return await process.stdout.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise SubprocessDied(
                f"The process that carried it out died ({cause_of_death(await process.wait())}).",
                hint="Perhaps this machine has too little memory.",
            ) from error

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end_child(process)


async def start_child(module: str, *arguments: str, limit: int = 1 << 16) -> asyncio.subprocess.Process:
    """Start `python -m module` with pipes; it knows no secrets, and Ctrl-C in the terminal does not reach it.

    `limit` is the longest line in bytes that can be read from it.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
        limit=limit,
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    """Return the variables for a subprocess: where modules are, and no secret.

    Some hosts say to their own process alone where packages are (`sys.path` of a bundle), so that is passed on. The
    current folder is not, unless the program itself is there: documents are no place for modules.
    """
    here = os.path.realpath(os.getcwd())
    path = [each for each in sys.path if each and (each == _ROOT or os.path.realpath(each) != here)]
    known = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
    # Threads of numeric libraries reserve memory.
    return known | {"PYTHONPATH": os.pathsep.join(path), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


async def end_child(process: asyncio.subprocess.Process) -> None:
    """Kill a subprocess and close its pipes."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()


def cause_of_death(code: int) -> str:
    """Return the name of the signal, or the exit code, that a process ended with."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def main() -> None:
    """Answer calls until standard input closes; then end at once, whatever is being done."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever stops all processes of a service lets this one finish
    _die_with_parent()
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get into the replies
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        body = _answer(calls.get())
        replies.write(len(body).to_bytes(_LENGTH) + body)
        replies.flush()


def _die_with_parent() -> None:
    """On Linux, have the kernel end this process with its parent: the listener needs the interpreter's lock for that,
    and a computation in C, a regular expression even, may hold it for ever.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        ending = select.poll()
        ending.register(0, 0)
        if ending.poll(0):  # it was gone before
            os._exit(0)


def _listen(source: BinaryIO, calls: "queue.SimpleQueue[bytes]") -> None:
    while len(length := source.read(_LENGTH)) == _LENGTH:
        calls.put(source.read(int.from_bytes(length)))
    os._exit(0)  # the parent is gone: nobody waits for the result


def _answer(call: bytes) -> bytes:
    result: tuple[bool, Any]
    try:
        function, args, kwargs = pickle.loads(call)  # noqa: S301  # from a process of our own
        result = True, function(*args, **kwargs)
    except Exception as error:
        error.add_note(traceback.format_exc())
        result = False, error
    try:
        return pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # an exception may hold what cannot be sent
        return pickle.dumps((False, RuntimeError(f"{result[1]!r} cannot be sent: {error}")))


if __name__ == "__main__":
    main()


__all__ = ["Apart", "Run", "cause_of_death", "end_child", "start_child"]
