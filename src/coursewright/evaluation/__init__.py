"""Prompts under measurement: replies that models gave once are judged again, and what comes of them is scored."""

from coursewright.evaluation.recording import Recording, read_recording, write_recording
from coursewright.evaluation.replay import record, replay
from coursewright.evaluation.scores import Comparison, Scores, compare

__all__ = [
    "Comparison",
    "Recording",
    "Scores",
    "compare",
    "read_recording",
    "record",
    "replay",
    "write_recording",
]
