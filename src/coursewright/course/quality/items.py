"""Measures 5-7: item-writing flaws, keys that give themselves away by length or place, questions asked twice."""

import math
import re
from collections import Counter, defaultdict

from coursewright.course import walk
from coursewright.course.model import Course
from coursewright.course.quality import words
from coursewright.course.quality.flaws import flaws
from coursewright.course.quality.report import Flag, Measure

_QUOTED = re.compile(r"[“„«「].*[”“»」]", re.S)
SAME_STEM = 0.6  # 5-gram Jaccard from which two stems count as one question
LENGTH_TELL = 1.5
ENOUGH_KEYS = 40  # below this a test of key positions says nothing


def item_flaws(course: Course) -> Measure:
    """Measure the questions with at most one item-writing flaw."""
    flags: list[Flag] = []
    kinds: Counter[str] = Counter()
    total = bad = 0
    for placed in walk.questions(course):
        found = flaws(placed.question, course.language)
        total += 1
        bad += len(found) > 1
        for name, why in found:
            kinds[name] += 1
            flags.append(
                Flag(
                    where=placed.where, what=words.excerpt(placed.question.stem), why=f"{name.replace('_', ' ')}: {why}"
                )
            )
    value = words.share(total - bad, total)
    return Measure(
        name="item_flaws", title="Questions with at most one item-writing flaw", value=value, aim="1.0",
        passed=None if value is None else value == 1,
        figures={"questions": total, "two_or_more": bad, **{name: kinds[name] for name in sorted(kinds)}},
        flags=tuple(flags),
    )  # fmt: skip


def length_tell(course: Course) -> Measure:
    """Measure the length of the keys over the mean length of their distractors, on average."""
    ratios: list[float] = []
    flags: list[Flag] = []
    for placed in walk.questions(course):
        if placed.question.kind != "multiple_choice":
            continue
        keys = [len(option.text) for option in placed.question.options if option.correct]
        others = [len(option.text) for option in placed.question.options if not option.correct]
        if len(keys) != 1 or not others:
            continue
        ratio = keys[0] * len(others) / max(sum(others), 1)
        ratios.append(ratio)
        if ratio >= LENGTH_TELL and keys[0] - min(others) > 10:
            why = f"The key is {ratio:.1f} times as long as the mean distractor."
            flags.append(Flag(where=placed.where, what=words.excerpt(placed.question.stem), why=why))
    value = words.share(sum(ratios), len(ratios))
    return Measure(
        name="length_tell", title="Length of the key over that of the distractors", value=value, aim="below 1.5",
        passed=None if value is None else value < LENGTH_TELL, figures={"questions": len(ratios)}, flags=tuple(flags),
    )  # fmt: skip


def key_positions(course: Course) -> Measure:
    """Test whether the keys of multiple choice stand at every position alike (chi-square over sets of equal size)."""
    by_size: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for placed in walk.questions(course):
        if placed.question.kind == "multiple_choice":
            for position, option in enumerate(placed.question.options):
                if option.correct:
                    by_size[len(placed.question.options)][position] += 1
    chi = 0.0
    freedom = total = 0
    figures: dict[str, float] = {}
    for size, counts in sorted(by_size.items()):
        keys = counts.total()
        total += keys
        if size < 2:
            continue
        chi += sum((counts[position] - keys / size) ** 2 / (keys / size) for position in range(size))
        freedom += size - 1
        figures |= {f"of_{size}_at_{position + 1}": counts[position] for position in range(size)}
    enough = total >= ENOUGH_KEYS and freedom > 0
    value = round(chi_square_p(chi, freedom), 4) if enough else None
    return Measure(
        name="key_positions", title="Positions of the keys: probability under pure chance", value=value,
        aim=f"above 0.05, from {ENOUGH_KEYS} questions on", passed=None if value is None else value > 0.05,
        figures={"questions": total, **figures},
    )  # fmt: skip


def chi_square_p(chi: float, freedom: int) -> float:
    """Return P(X >= chi) of the chi-square distribution (the series of the incomplete gamma function)."""
    if chi <= 0:
        return 1.0
    a, x = freedom / 2, chi / 2
    term = math.exp(a * math.log(x) - x - math.lgamma(a + 1))
    total, n = term, a
    while term > total * 1e-12:
        n += 1
        term *= x / n
        total += term
    return max(0.0, 1 - total)


def _asked(stem: str) -> list[str]:
    """Return the words of a stem; what stands around a quotation counts as one, however many characters it has."""
    quoted = _QUOTED.search(stem)
    if not quoted:
        return words.words(stem)
    return [_QUOTED.sub("", stem).casefold(), *words.words(quoted[0])]


def duplicates(course: Course) -> Measure:
    """Measure the questions whose stem was asked before, in any set of the course, or that have equal options."""
    flags: list[Flag] = []
    grams: list[frozenset[tuple[str, ...]]] = []
    seen: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    places: list[str] = []
    total = repeated = 0
    for placed in walk.questions(course):
        question = placed.question
        total += 1
        texts = [option.text.strip().casefold() for option in question.options]
        what = words.excerpt(question.stem)
        # The same instruction ("Match each term …") over other options is another question.
        arranged = question.kind in {"matching", "ordering"}
        own = words.ngrams(_asked(question.stem) + (words.words(" ".join(sorted(texts))) if arranged else []))
        shared = Counter(index for gram in own for index in seen[gram])
        twin = next(
            (i for i, n in sorted(shared.items()) if n / (len(own) + len(grams[i]) - n) > SAME_STEM),
            None,
        )
        if twin is not None:
            repeated += 1
            flags.append(Flag(where=placed.where, what=what, why=f"Nearly the same question as {places[twin]}."))
        if len(set(texts)) < len(texts):
            repeated += 1
            flags.append(Flag(where=placed.where, what=what, why="Two options are equal."))
        for gram in own:
            seen[gram].append(len(grams))
        grams.append(own)
        places.append(placed.where)
    return Measure(
        name="duplicates", title="Questions asked twice or with equal options", value=None if not total else repeated,
        aim="0", passed=None if not total else repeated == 0, figures={"questions": total}, flags=tuple(flags),
    )  # fmt: skip


__all__ = ["chi_square_p", "duplicates", "item_flaws", "key_positions", "length_tell"]
