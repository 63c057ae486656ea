"""Tells the application that a job has ended, and writes finished courses into its tables where that is wished for."""

from coursewright.delivery.configured import configured_courier
from coursewright.delivery.courier import Courier

__all__ = ["Courier", "configured_courier"]
