"""Who calls: a key or a token as Bearer, a session cookie, or, on a loopback server without keys, its owner."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from coursewright.access import Principal
from coursewright.access.keys import looks_like_key
from coursewright.access.session_cookie import access_token
from coursewright.app import LOCAL_ORGANISATION, Coursewright
from coursewright.errors import Forbidden, Unauthenticated
from coursewright.organisation import Organisation

_STAFF = frozenset({"teacher", "admin", "super_admin"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWNER = Principal(LOCAL_ORGANISATION, LOCAL_ORGANISATION, "super_admin")

_bearer = HTTPBearer(auto_error=False, description="An API key (`cw_…`) or a JSON Web Token.")


def program_of(request: Request) -> Coursewright:
    """Return the program that the application serves."""
    program: Coursewright = request.app.state.program
    return program


async def caller(request: Request, _: Annotated[object, Depends(_bearer)] = None) -> Principal:
    """Find out in whose name a request acts. Raises Unauthenticated, Forbidden."""
    program = program_of(request)
    scheme, _space, credential = request.headers.get("authorization", "").partition(" ")
    credential = credential.strip()
    if credential:
        if scheme.lower() != "bearer":
            raise Unauthenticated("Only Bearer credentials are accepted.", hint=_HINT)
        return await _holder(program, credential)
    if program.tokens.configured and (token := access_token(request.cookies)):
        _refuse_foreign_origin(request, program)
        return await _holder(program, token)
    if request.app.state.local and not program.tokens.configured and not await program.keys.exist():
        _refuse_foreign_origin(request, program)
        return _OWNER
    raise Unauthenticated("This needs a key or a token.", hint=_HINT)


_HINT = "Send `Authorization: Bearer …`; `coursewright keys create` makes a key."


async def organisation(request: Request, principal: Annotated[Principal, Depends(caller)]) -> Organisation:
    """Return the caller's organisation."""
    return program_of(request).organisation(principal.organisation_id, _in_words(principal))


Caller = Annotated[Principal, Depends(caller)]
Ours = Annotated[Organisation, Depends(organisation)]
Program = Annotated[Coursewright, Depends(program_of)]


def is_staff(principal: Principal) -> bool:
    """Tell whether what belongs to the whole organisation is the caller's, too: not for students, nor unknown roles."""
    return principal.role in _STAFF


async def staff(principal: Caller) -> None:
    """Refuse whoever is no staff. Raises Forbidden."""
    if not is_staff(principal):
        raise Forbidden(
            f"The role {principal.role} may not delete what belongs to the whole organisation.",
            hint="Ask a teacher or an admin.",
        )


async def refuse_others_job(job_id: UUID, principal: Principal, ours: Organisation) -> None:
    """Refuse a student who would change another user's job. Raises NotFound, Forbidden."""
    job = await ours.jobs.get(job_id, ours.id)
    if not is_staff(principal) and job.user_id != principal.user_id:
        raise Forbidden(
            f"The role {principal.role} may change its own jobs only.",
            hint="Ask whose job it is, a teacher or an admin.",
        )


async def _own_job(jobId: UUID, principal: Caller, ours: Ours) -> None:  # noqa: N803 - the contract's name
    await refuse_others_job(jobId, principal, ours)


async def _own_course(courseId: UUID, principal: Caller, ours: Ours) -> None:  # noqa: N803 - as the other ids
    await refuse_others_job(courseId, principal, ours)


Staff = Depends(staff)
OwnJob = Depends(_own_job)
OwnCourse = Depends(_own_course)


def shown_to(principal: Principal) -> UUID | None:
    """Return the user whose jobs alone a list shows to the caller: students see theirs, others all."""
    return None if is_staff(principal) else principal.user_id


def _in_words(principal: Principal) -> str:
    if is_owner(principal):
        return "the owner of this machine"
    role = principal.role.replace("_", " ")
    return f"{'an' if role[:1] in 'aeiou' else 'a'} {role} (user {principal.user_id})"


def is_owner(principal: Principal) -> bool:
    """Tell whether it is the owner of the machine, whom no limits hold."""
    return principal is _OWNER


async def _holder(program: Coursewright, credential: str) -> Principal:
    if looks_like_key(credential):
        principal = await program.keys.holder(credential)
        if principal is None:
            raise Unauthenticated("The key is not valid, or it was revoked.", hint=_HINT)
        return principal
    if not program.tokens.configured:
        raise Unauthenticated("Tokens are not accepted here, and this is not a key.", hint=_HINT)
    return await program.tokens.holder(credential)


def _refuse_foreign_origin(request: Request, program: Coursewright) -> None:
    """Browsers send cookies, and reach loopback, for any page: a write must come from a page that may (RFC 6454)."""
    origin = request.headers.get("origin")
    if origin is None and (request.method in _READS or request.app.state.local):
        return  # a browser always names the origin of a write
    allowed = {each.rstrip("/") for each in program.settings.api.cors_origins}
    if origin in allowed:
        return
    host = request.headers.get("host", "")
    if origin and _netloc(origin) == host and (not request.app.state.local or is_loopback(host)):
        return
    raise Forbidden(
        f"Pages of {origin or 'an unnamed origin'} may not call this service.",
        hint="Add the origin to COURSEWRIGHT_API__CORS_ORIGINS.",
    )


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Tell whether a Host header or address names this machine only."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        return ip_address(name).is_loopback
    except ValueError:
        return False


__all__ = [
    "Caller",
    "Ours",
    "OwnCourse",
    "OwnJob",
    "Program",
    "Staff",
    "caller",
    "is_loopback",
    "is_owner",
    "is_staff",
    "program_of",
    "refuse_others_job",
    "shown_to",
]
