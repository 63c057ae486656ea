"""Item-writing flaws that a rule can find: 16 of the 19 of SAQUET's rubric (Moore et al. 2024).

Not found by rule: ambiguous wording, logical cues, and whether a distractor is plausible beyond its type. The rules on
options and shape hold in every language; those on wording need a word list and serve the languages that have one.
"""

import re
from collections.abc import Iterator

from coursewright.course.model import Option, Question
from coursewright.course.quality import words

_ALL = {
    "en": r"\ball of (?:the above|these)\b", "de": r"\balle(?:s)? (?:der )?(?:genannten|oben genannten|obigen)\b",
    "fr": r"\btoutes? (?:ces réponses|les réponses)\b", "es": r"\btodas? (?:las anteriores|las opciones)\b",
    "ja": r"(?:上記)?すべて(?:正しい|当てはまる)|上記のすべて", "ar": r"(?:جميع|كل) ما (?:سبق|ذكر)",
}  # fmt: skip
_NONE = {
    "en": r"\bnone of (?:the above|these)\b", "de": r"\bkeine?s? (?:der )?(?:genannten|oben genannten|obigen)\b",
    "fr": r"\baucune (?:de ces réponses|des réponses)\b", "es": r"\bninguna (?:de las anteriores|de las opciones)\b",
    "ja": r"いずれも.{0,6}ない|上記のいずれでもない", "ar": r"لا شيء مما (?:سبق|ذكر)",
}  # fmt: skip
_ABSOLUTE = {
    "en": r"\b(?:always|never|impossible|completely|absolutely|without exception)\b",
    "de": r"\b(?:immer|niemals|nie|unmöglich|ausnahmslos)\b", "fr": r"\b(?:toujours|jamais|impossible)\b",
    "es": r"\b(?:siempre|nunca|jamás|imposible)\b", "ja": r"必ず|絶対に|決して",
    "ar": r"\b(?:دائما|دائماً|أبدا|أبداً|مستحيل)\b",
}  # fmt: skip
_VAGUE = {
    "en": r"\b(?:frequently|occasionally|rarely|usually|sometimes|often|mostly)\b",
    "de": r"\b(?:häufig|gelegentlich|selten|meistens|manchmal|oft)\b",
    "fr": r"\b(?:souvent|parfois|rarement|habituellement)\b",
    "es": r"\b(?:frecuentemente|a veces|raramente|normalmente)\b",
    "ja": r"たいてい|しばしば|ときどき|たまに", "ar": r"\b(?:غالبا|أحيانا|نادرا)\b",
}  # fmt: skip
_NEGATIVE = {
    "en": r"\b(?:not|except|isn't|aren't|doesn't|cannot|least)\b", "de": r"\b(?:nicht|kein|keine|außer)\b",
    "fr": r"\b(?:ne .{1,20} pas|sauf|excepté)\b", "es": r"\b(?:no|excepto|salvo)\b",
    "ja": r"でない|ではない|誤っている|間違", "ar": r"\b(?:ليس|ليست|لا|عدا|باستثناء)\b",
}  # fmt: skip
_TRUE_STYLE = {
    "en": r"\bwhich (?:one )?(?:of the following )?(?:statements? )?(?:is|are) (?:true|correct|false)\b",
    "de": r"\bwelche (?:der folgenden )?aussagen? (?:ist|sind) (?:wahr|richtig|falsch)\b",
    "fr": r"\blaquelle (?:des affirmations suivantes )?est (?:vraie|correcte|fausse)\b",
    "es": r"\bcuál de las siguientes (?:afirmaciones )?es (?:verdadera|correcta|falsa)\b",
    "ja": r"正しいものはどれ|誤っているものはどれ", "ar": r"أي (?:من )?العبارات التالية (?:صحيحة|خاطئة)",
}  # fmt: skip
_K_TYPE = re.compile(
    r"^\s*(?:[A-E]|[1-5]|I{1,3}|IV|V)(?:\s*(?:,|&|and|und|et|y|と|و)\s*(?:[A-E]|[1-5]|I{1,3}|IV|V))+\s*\.?\s*$"
)
_PLAIN_NUMBER = re.compile(r"^\s*-?\d+(?:[.,]\d+)?\s*\S{0,8}\s*$")
_QUOTED = re.compile(r"[“”„\"«»「」][^“”„\"«»「」]*[“”\"«»「」]|`[^`]*`")


def flaws(question: Question, language: str) -> tuple[tuple[str, str], ...]:
    """Return the flaws of one question as (name, why), in a fixed order."""
    found = [*_of_stem(question, language)]
    if question.kind in {"multiple_choice", "multiple_response"}:
        found += _of_options(question, language)
    if question.kind == "multiple_choice":
        found += _of_key(question, language)
    return tuple(found)


def _has(table: dict[str, str], language: str, text: str) -> bool:
    pattern = table.get(language)
    return pattern is not None and re.search(pattern, text, re.IGNORECASE) is not None


def _of_stem(question: Question, language: str) -> Iterator[tuple[str, str]]:
    asked = _QUOTED.sub(" ", question.stem)  # what is quoted from the source is not the item's own wording
    length = len(words.words(question.stem))
    if length > 80 and question.kind != "cloze":
        yield "gratuitous_information", f"The stem has {length} words."
    if question.kind == "cloze":
        return
    if _has(_NEGATIVE, language, asked) and not re.search(r"\b(?:NOT|EXCEPT|NICHT|NO|PAS|SAUF)\b", asked):
        yield "negative_wording", "The stem asks for what is not the case; a reader in a hurry misses the word."
    if question.kind == "multiple_choice":
        if "____" in question.stem and not question.stem.rstrip(" .。").endswith("____"):
            yield "fill_in_stem", "The gap stands inside the stem, so the question is known only after the options."
        if _has(_TRUE_STYLE, language, asked):
            yield "true_false_style", "The options are statements to be judged one by one."
        if length < 3:
            yield "unfocused_stem", "The stem alone does not say what is asked."


def _of_options(question: Question, language: str) -> Iterator[tuple[str, str]]:
    texts = [option.text for option in question.options]
    if any(_has(_ALL, language, text) for text in texts):
        yield "all_of_the_above", "Two right options give the key away."
    if any(_has(_NONE, language, text) for text in texts):
        yield "none_of_the_above", "It tests that something is absent from a list, not knowledge."
    if any(_K_TYPE.match(text) for text in texts):
        yield "k_type", "An option combines other options."
    if any(_has(_VAGUE, language, _QUOTED.sub(" ", text)) and len(words.words(text)) < 6 for text in texts):
        yield "vague_terms", "Words like “often” mean something else to every reader."
    if len(texts) > 2 and all(_PLAIN_NUMBER.match(text) for text in texts):
        values = [float(re.sub(r"[^\d.\-]", "", text.replace(",", ".")).rstrip(".") or 0) for text in texts]
        if values not in (sorted(values), sorted(values, reverse=True)):
            yield "sequence", "The numbers are not in order."


def _of_key(question: Question, language: str) -> Iterator[tuple[str, str]]:
    keys = [option for option in question.options if option.correct]
    distractors = [option for option in question.options if not option.correct]
    if len(keys) != 1 or not distractors:
        yield "more_than_one_answer", f"{len(keys)} options are right."
        return
    key = keys[0]
    if any(_same(key, option, language) for option in distractors):
        yield "more_than_one_answer", "A distractor says the same as the key."
    longest = max(len(option.text) for option in distractors)
    if len(key.text) > 1.2 * longest and len(key.text) - longest > 10:
        yield "longest_option_correct", f"The key has {len(key.text)} characters, the longest distractor {longest}."
    if any(_has(_ABSOLUTE, language, option.text) for option in distractors) and not _has(
        _ABSOLUTE, language, key.text
    ):
        yield "absolute_terms", "Only distractors say “always”, “never” and the like."
    if bool(_PLAIN_NUMBER.match(key.text)) not in {bool(_PLAIN_NUMBER.match(option.text)) for option in distractors}:
        yield "implausible_distractors", "The key is the only option of its type (number or words)."
    stem = set(words.content(question.stem, language))
    shared = stem & set(words.content(key.text, language))
    others = {word for option in distractors for word in words.content(option.text, language)}
    if shared - others:
        yield "word_repeats", f"Only the key repeats a word of the stem: {', '.join(sorted(shared - others)[:3])}."
    if language == "en" and (why := _grammar(question.stem, key, distractors)):
        yield "grammatical_cues", why
    if _converges(key, distractors, language):
        yield "convergence", "The key combines what the distractors share out."


def _same(one: Option, other: Option, language: str) -> bool:
    a, b = words.content(one.text, language), words.content(other.text, language)
    return bool(a) and sorted(a) == sorted(b)


def _grammar(stem: str, key: Option, distractors: list[Option]) -> str:
    article = re.search(r"\b(an?)\s*(?:____)?[\s:.?]*$", stem)
    if not article:
        return ""
    vowel = article.group(1) == "an"
    fits = [option.text[:1].casefold() in "aeiou" for option in (key, *distractors)]
    only = fits[0] == vowel and all(fit != vowel for fit in fits[1:])
    return f"Only the key fits the article “{article.group(1)}” that ends the stem." if only else ""


def _converges(key: Option, distractors: list[Option], language: str) -> bool:
    parts = set(words.content(key.text, language))
    held = [parts & set(words.content(option.text, language)) for option in distractors]
    each = [shared for shared in held if shared]
    return len(parts) >= 2 and len(each) >= 2 and set().union(*each) == parts and len(set(map(frozenset, each))) > 1


__all__ = ["flaws"]
