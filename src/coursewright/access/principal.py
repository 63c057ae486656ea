"""The one in whose name a request acts."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """A user of an organisation, in a role."""

    organisation_id: UUID
    user_id: UUID
    role: str


__all__ = ["Principal"]
