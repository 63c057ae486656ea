"""What became of one try to deliver."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failed:
    """It was not taken. `again_in`: seconds that the receiver asks to wait; `final`: trying again is of no use."""

    why: str
    again_in: float | None = None
    final: bool = False


__all__ = ["Failed"]
