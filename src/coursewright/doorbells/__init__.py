"""What says "look at the queue". A doorbell is no queue: ringing late, twice or never costs time, not correctness."""

from coursewright.doorbells.base import Doorbell
from coursewright.doorbells.bells import Bells, Ringing
from coursewright.doorbells.notify import NotifyDoorbell

__all__ = ["Bells", "Doorbell", "NotifyDoorbell", "Ringing"]
