"""Every error that Coursewright raises on purpose.

    CoursewrightError
    ├── InputError               what the user gave cannot be used
    │   ├── UnreadableDocument       one file; carries its path
    │   ├── NothingToRead            no usable document at all
    │   ├── TooFewSources            the structure asked for does not fit the sources
    │   └── InvalidRequest           an option or field has no such value
    ├── NotFound                 no such job, task, course or document
    ├── Conflict                 the thing is not in a state that allows this
    ├── ConfigurationError       settings are missing or contradict each other
    ├── DatabaseUnavailable      Postgres cannot be reached or started
    │   └── MigrationError           the schema is not what this version expects
    ├── OutputError              the result cannot be written (disk full, no permission)
    ├── JobFailed                the job ended without a usable course
    └── Interrupted              the user stopped; the job can be resumed

Each class has a stable `code`; each instance says in `detail` what happened and in `hint` what to do.
How errors become HTTP statuses or exit codes is the business of `api` and `cli` alone.
"""

from typing import ClassVar


class CoursewrightError(Exception):
    """Base of all errors raised on purpose: a stable `code`, what happened (`detail`), what to do (`hint`)."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class InputError(CoursewrightError):
    """What the user gave cannot be used."""

    code = "invalid_input"


class UnreadableDocument(InputError):
    """One document cannot be read; the others may be."""

    code = "unreadable_document"

    def __init__(self, path: str, detail: str, *, hint: str = "") -> None:
        super().__init__(detail, hint=hint)
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:  # it crosses the border of the reading subprocess
        return (_unreadable, (self.path, self.detail, self.hint))


def _unreadable(path: str, detail: str, hint: str) -> UnreadableDocument:
    return UnreadableDocument(path, detail, hint=hint)


class NothingToRead(InputError):
    """No document with usable text was given."""

    code = "nothing_to_read"


class TooFewSources(InputError):
    """The structure that was asked for does not fit the sources."""

    code = "too_few_sources"


class InvalidRequest(InputError):
    """An option or a field has a value that does not exist."""

    code = "invalid_request"


class NotFound(CoursewrightError):
    """There is no such job, task, course or document (or it belongs to another organisation)."""

    code = "not_found"


class Conflict(CoursewrightError):
    """The thing is not in a state that allows what was asked."""

    code = "conflict"


class ConfigurationError(CoursewrightError):
    """Settings are missing or contradict each other."""

    code = "configuration"


class DatabaseUnavailable(CoursewrightError):
    """Postgres cannot be reached or started."""

    code = "database_unavailable"


class MigrationError(DatabaseUnavailable):
    """The schema is not what this version of the program expects."""

    code = "migration"


class OutputError(CoursewrightError):
    """The result cannot be written."""

    code = "output"


class JobFailed(CoursewrightError):
    """The job ended without a usable course."""

    code = "job_failed"


class Interrupted(CoursewrightError):
    """The user stopped the work; it can be resumed."""

    code = "interrupted"
