"""Three passages on bees, as a knowledge base holds them."""

import hashlib

from coursewright.documents.passages import Passage

_TEXTS = {
    ("Guide", "Feeding"): "In autumn a colony needs 15 kg of stores. Sugar syrup is fed in the evening, so that no "
    "robbing starts. A feeder stands on top of the frames.",
    ("Guide", "Varroa"): "The Varroa mite breeds in sealed brood. Oxalic acid is trickled between the frames in "
    "December, when the colony has no brood. The treatment is repeated only once a winter.",
    ("Guide", "Swarming"): "A crowded colony raises queen cells in May. A swarm leaves with the old queen.",
}


def passage(heading: tuple[str, ...], text: str, number: int = 0, language: str = "en") -> Passage:
    """Make a passage of one paragraph."""
    return Passage(
        id=f"p-{heading[-1].lower()}",
        document="guide.md",
        title="Bee guide",
        ordinal=number,
        heading_path=heading,
        start=0,
        end=len(text),
        text=text,
        language=language,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


PASSAGES = tuple(passage(heading, text, number) for number, (heading, text) in enumerate(_TEXTS.items()))
FEEDING, VARROA, SWARMING = PASSAGES
