"""Whether a text is in the language of the course: sources tag untranslated paragraphs with the language of the page.

Translated handbooks are a quarter to a half untranslated, and single headings and sentences are left over between
translated ones. Longer texts are told by their letters (py3langid, among the languages that it could be), shorter ones
by their small words too, and a name of one or two words belongs to every language.
"""

import re
from functools import lru_cache

from coursewright.generation.authors.extractive.words import FUNCTION_WORDS, tokens
from coursewright.tongues import identifier

# Looking behind keeps the time linear in texts that do not separate words.
_NOT_PROSE = re.compile(r"`[^`]*`|https?://\S+|(?<![\w.+-])[\w.+-]+@[\w.-]+|(?<![^\s`])\S*[\d_/\\=<>|{}$]\S*")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_SCRIPT = {"ja": re.compile(r"[ぁ-ヿ一-龯々]"), "ar": re.compile(r"[\u0600-\u06ff]")}
_KNOWN = frozenset(FUNCTION_WORDS)
_LONG = 60  # letters of a text that its letters alone tell
_SURE, _LIKELY, _MAYBE = 0.95, 0.88, 0.6  # of the classifier, in order of what else must speak for it
_FEW, _SOME = 3, 5  # words: fewer may be a name in any language; more without own script are a sentence


@lru_cache(maxsize=50_000)
def reads_as(text: str, language: str) -> bool:
    """Tell whether a text may be in the language: no when it is plainly in another, yes when nothing tells."""
    prose = _NOT_PROSE.sub(" ", text)
    if language in _SCRIPT:
        return _is_written(prose, language)
    if language not in FUNCTION_WORDS:
        return True
    letters = sum(map(str.isalpha, prose))
    written = tokens(prose, language)
    if len(written) < _FEW or not letters:
        return True
    counts = {name: sum(word in known for word in written) for name, known in FUNCTION_WORDS.items()}
    own, strongest = counts[language], max(counts.values())
    likeliest, share = identifier(_KNOWN).classify(prose)
    if likeliest == language:
        return own * 2 >= strongest or strongest < _FEW
    if letters >= _LONG:
        return own >= strongest and share < _SURE
    return not (
        (share >= _SURE and own <= strongest)
        or (share >= _LIKELY and not own)
        or (share >= _MAYBE and not own and strongest)
    )


def _is_written(prose: str, language: str) -> bool:
    """Tell it by the script; a few Latin words without any of it are a name, a sentence of them is not."""
    letters = sum(map(str.isalpha, prose))
    found = len(_SCRIPT[language].findall(prose))
    if found * 4 >= letters:
        return True
    latin = [word.casefold() for word in _LATIN.findall(prose)]
    linked = sum(word in FUNCTION_WORDS["en"] for word in latin)
    # One small word may belong to a name written out: "SASL (Simple Authentication and Security Layer)".
    return linked < 2 if found else len(latin) < _FEW or not (linked or len(latin) >= _SOME)


__all__ = ["reads_as"]
