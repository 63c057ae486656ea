"""Which texts say most: LexRank, and MMR against repeats.

LexRank: Erkan and Radev 2004, doi:10.1613/jair.1523 (continuous, TF-IDF cosine). Maximal marginal relevance: Carbonell
and Goldstein 1998, doi:10.1145/290941.291025. Scores are rounded and ties go to the earlier text, so that the order
does not hang on the machine's arithmetic.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence

_DAMPING = 0.85
_ROUNDS = 30
_DIGITS = 9
_RELEVANCE = 0.7  # of MMR: weight of the score against likeness to what was chosen
_REPEAT = 0.85  # cosine above which one text repeats another

Vector = dict[str, float]


def vectors(texts: Sequence[Sequence[str]]) -> list[Vector]:
    """Return unit TF-IDF vectors of texts given as stems."""
    counts = [Counter(text) for text in texts]
    spread: Counter[str] = Counter()
    for count in counts:
        spread.update(count.keys())
    weighed = []
    for count in counts:
        vector = {word: times * math.log(1 + len(texts) / spread[word]) for word, times in count.items()}
        norm = math.sqrt(math.fsum(weight * weight for weight in vector.values()))
        weighed.append({word: weight / norm for word, weight in vector.items()} if norm else {})
    return weighed


def cosine(left: Vector, right: Vector) -> float:
    """Return the likeness of two unit vectors (0-1), rounded."""
    if len(left) > len(right):
        left, right = right, left
    return round(math.fsum(weight * right[word] for word, weight in left.items() if word in right), _DIGITS)


def lexrank(texts: Sequence[Vector]) -> list[float]:
    """Return the centrality of each text; the scores sum to about 1."""
    size = len(texts)
    if size == 0:
        return []
    # Most texts share no word: only the others are kept. `fsum` is exact, so zeros change nothing.
    alike: list[list[tuple[int, float]]] = [[] for _ in range(size)]
    for i in range(size):
        for j in range(i + 1, size):
            if likeness := cosine(texts[i], texts[j]):
                alike[i].append((j, likeness))
                alike[j].append((i, likeness))
    totals = [math.fsum(likeness for _, likeness in row) for row in alike]
    lonely = [i for i in range(size) if not totals[i]]
    scores = [1.0 / size] * size
    for _ in range(_ROUNDS):
        spread = [scores[j] / size for j in lonely]
        following = [
            (1 - _DAMPING) / size
            + _DAMPING * math.fsum(itertools.chain(spread, (scores[j] * each / totals[j] for j, each in alike[i])))
            for i in range(size)
        ]
        if following == scores:
            break
        scores = following
    return [round(score, _DIGITS) for score in scores]


def by_relevance(texts: Sequence[Vector], scores: Sequence[float]) -> list[int]:
    """Return the indices of the texts, most telling and least repetitive first; near repeats are left out."""
    top = max(scores, default=0.0) or 1.0
    left = list(range(len(texts)))
    worst = [0.0] * len(texts)  # the greatest likeness to a chosen text
    order: list[int] = []
    while left:
        best = max(left, key=lambda i: (round(_RELEVANCE * scores[i] / top - (1 - _RELEVANCE) * worst[i], _DIGITS), -i))
        left.remove(best)
        order.append(best)
        for i in left:
            worst[i] = max(worst[i], cosine(texts[i], texts[best]))
        left = [i for i in left if worst[i] < _REPEAT]
    return order


__all__ = ["Vector", "by_relevance", "cosine", "lexrank", "vectors"]
