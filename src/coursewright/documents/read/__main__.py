"""The reading subprocess: one request after the other on standard input, one reply each on standard output.

A request is a line of JSON (`Request`) and the bytes that it announces; a reply is a line with its length and JSON
(`Reply`). It is started with the memory limit in MB as its argument.
"""

import contextlib
import math
import os
import signal
import sys
import time
from typing import BinaryIO

from coursewright.documents.read import read
from coursewright.documents.read.inline import clean
from coursewright.documents.read.messages import Reply, Request
from coursewright.documents.split import split
from coursewright.errors import UnreadableDocument

_HEADROOM = 16 << 20  # bytes
_SECONDS_BETWEEN_LOOKS = 0.02  # at the memory in use


def main() -> None:
    """Answer requests until standard input closes."""
    if len(sys.argv) > 1:
        _limit_memory(int(sys.argv[1]) << 20)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write into the replies
    while line := sys.stdin.buffer.readline():
        reply = _answer(Request.model_validate_json(line), sys.stdin.buffer)
        body = reply.model_dump_json().encode()
        replies.write(b"%d\n" % len(body) + body)
        replies.flush()


def _limit_memory(size: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _stop_before(size - max(_HEADROOM, size // 20))


def _stop_before(size: int) -> None:
    """Raise MemoryError while there is some memory left: where there is none, Python may chase its own MemoryErrors for
    ever instead of handling the first. A single allocation beyond the limit leaves enough.
    """
    page = os.sysconf("SC_PAGE_SIZE")

    def look(*_: object) -> None:
        with open("/proc/self/statm", "rb") as file:
            used = int(file.read().split()[0]) * page
        if used > size:
            signal.setitimer(signal.ITIMER_REAL, 0)  # once is enough: this process answers and ends
            raise MemoryError

    if os.path.exists("/proc/self/statm"):
        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_BETWEEN_LOOKS, _SECONDS_BETWEEN_LOOKS)


def _limit_time(seconds: float) -> None:
    """End this process when it computes for longer: its parent would end it earlier, but may be dead itself."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = time.process_time()
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + seconds) + 2, resource.RLIM_INFINITY))


def _answer(request: Request, source: BinaryIO) -> Reply:
    _limit_time(request.seconds)
    try:
        content = source.read(request.size) if request.path is None else _load(request)
        document = read(request.name, content, max_unpacked=request.max_unpacked)
        return Reply(document=document, passages=tuple(split(document, request.name)))
    except UnreadableDocument as error:
        return Reply(detail=clean(error.detail), hint=error.hint)
    except MemoryError:
        return Reply(
            detail="reading it needs more memory than allowed",
            hint="Split it, or raise COURSEWRIGHT_DOCUMENTS__MEMORY_MB.",
            exhausted=True,
        )
    except Exception as error:  # a defect of a format library concerns one file, not the others
        return Reply(
            detail=clean(f"it cannot be read ({type(error).__name__}: {error})"),
            hint="It may be damaged: open it in its own program and save it again.",
        )


def _load(request: Request) -> bytes:
    assert request.path is not None  # noqa: S101  # the caller looked
    try:
        with open(request.path, "rb") as file:
            content = file.read(request.max_size + 1)
    except OSError as error:
        raise UnreadableDocument(
            request.name,
            f"it cannot be opened ({error.strerror})",
            hint="Check that it is still there and that you may read it.",
        ) from error
    if len(content) > request.max_size:
        raise UnreadableDocument(
            request.name,
            f"it is larger than {request.max_size >> 20} MB",
            hint="Split it, or raise COURSEWRIGHT_DOCUMENTS__MAX_FILE_MB.",
        )
    return content


if __name__ == "__main__":
    main()
