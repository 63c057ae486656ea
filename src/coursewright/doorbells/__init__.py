"""What says "look at the queue". A doorbell is no queue: ringing late, twice or never costs time, not correctness."""

from coursewright.doorbells.base import Doorbell
from coursewright.doorbells.notify import NotifyDoorbell

__all__ = ["Doorbell", "NotifyDoorbell"]
