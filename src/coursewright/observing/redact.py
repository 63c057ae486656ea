"""Keeps secrets, and the text of prompts and documents, out of what is written for operators."""

import logging
import re
import traceback
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from pydantic import BaseModel, SecretStr, ValidationError

_STARS = "***"
_SHORTEST = 8  # characters of a secret that is looked for by itself: a shorter one would blot out ordinary words
_LONGEST_MESSAGE = 2000

# What has the form of a secret, whoever's it is; group 1, where there is one, stays.
_FORMS = (
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@]+(?=@)"),  # the password of a URL
    re.compile(r"(?i)(\bpassword\s*=\s*)(?:'[^']*'|[^\s'\"&;]+)"),  # and of a connection string
    re.compile(r"\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?"),  # a JSON Web Token
    re.compile(r"\bcw_[\w-]{16,}"),  # our own keys
    re.compile(r"\bsk-[\w*-]{8,}"),  # those of OpenAI, Anthropic and others like them
    re.compile(r"(?i)(\bbearer\s+)[\w.~+/*-]{8,}=*"),
    re.compile(r"(?i)(\b(?:authorization|api[_-]?key)[\"']?\s*[:=]\s*[\"']?(?:basic\s+)?)[\w.~+/*-]{8,}=*"),
)


class Redaction(logging.Filter):
    """Rewrites the records of a handler. `secrets` are blotted out wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        longest_first = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if self._known:
            text = self._known.sub(_STARS, text)
        for form in _FORMS:
            text = form.sub(rf"\1{_STARS}" if form.groups else _STARS, text)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the message together and write it anew; an exception is told by its places and by `in_words`."""
        if isinstance(record.args, tuple):
            record.args = tuple(in_words(each) if isinstance(each, BaseException) else each for each in record.args)
        record.msg, record.args = self.text(record.getMessage()), ()
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = self.text("".join(_trace(record.exc_info[1])).rstrip())
        return True


def in_words(error: BaseException) -> str:
    """Return what an exception says, without the rows and values that some quote: those are people's texts."""
    if isinstance(error, psycopg.Error):
        said = error.diag.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
    elif isinstance(error, ValidationError):
        places = ", ".join(".".join(map(str, each["loc"])) or "value" for each in error.errors(include_input=False)[:5])
        said = f"{error.error_count()} errors in {error.title}: {places}"
    else:
        said = str(error)
    return said if len(said) <= _LONGEST_MESSAGE else said[:_LONGEST_MESSAGE] + " …"


def secrets_in(settings: BaseModel) -> Iterator[str]:
    """Yield every secret of settings; of a URL its password too, as it is written there and as it is meant."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from secrets_in(value)
        elif isinstance(value, SecretStr):
            secret = value.get_secret_value()
            yield secret
            if "://" in secret and (password := _password(secret)):
                yield password
                yield unquote(password)


def _password(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    # A password that is the user's name, as on developers' machines, is a word of many messages.
    return parts.password if parts.password != parts.username else None


def _trace(error: BaseException, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """Yield what `traceback.format_exception` would, but for the messages."""
    seen |= {id(error)}
    cause: BaseException | None = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        yield from _trace(cause, seen)
        yield "\nwhich led to:\n\n"
    if error.__traceback__:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    kind: Any = type(error)
    yield f"{kind.__module__}.{kind.__qualname__}: {in_words(error)}\n".removeprefix("builtins.")
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _trace(each, seen)


__all__ = ["Redaction", "in_words", "secrets_in"]
