"""Sentences with a gap where a command, file or setting is named, and those that make a poor question."""

import pytest

from coursewright.generation.authors.extractive.blocks import blocks
from coursewright.generation.authors.extractive.catalogue import catalogue
from coursewright.generation.authors.extractive.questions.gap import gaps
from tests.unit.generation.extractive.factory import passages


def asked(language: str, text: str, used: tuple[str, ...] = ()) -> list[tuple[str, tuple[str, ...]]]:
    shown = tuple(blocks(passages(f"# X\n\n{text}", language=language)[0], language))
    return [(draft.stem, draft.answers) for draft in gaps(shown, "s", used, catalogue(language))]


@pytest.mark.parametrize(
    "language, sentence, term",
    [
        ("en", "The `locate` command can find the location of a file when you only know part of the name.", "locate"),
        ("en", "Small anonymous functions of one expression can be created with the keyword `lambda`.", "lambda"),
        (
            "de",
            "Der Befehl `apt-cache` kann viele Informationen aus der internen Datenbank von APT anzeigen.",
            "apt-cache",
        ),
        ("fr", "La commande `tcpdump` affiche le trafic de toutes les interfaces réseau de la machine.", "tcpdump"),
        ("es", "El comando `tcpdump` muestra el tráfico de todas las interfaces de red de la máquina.", "tcpdump"),
        (
            "ja",
            "ファイルの名前の一部だけがわかっている場合でも、`locate` コマンドを使えば場所を見つけられます。",
            "locate",
        ),
        ("ar", "يقرأ الأمر `mini-dinstall` ملف التغييرات الذي ينشأ عند توليد حزم دبيان في كل مرة.", "mini-dinstall"),
    ],
)
def test_the_name_beside_its_kind_is_asked_for(language: str, sentence: str, term: str) -> None:
    ((stem, answers),) = asked(language, sentence)
    assert stem.endswith(sentence.replace(f"`{term}`", "____"))
    assert answers == (term,)


@pytest.mark.parametrize(
    "sentence",
    [
        "The `ls` command lists the files of a directory, and `ls -l` command lists their owners as well.",
        "The function returns an object that defines the method `next` which gives one element at a time.",
        "To modify it, use the `tzselect` command, which lets you choose a time zone for the whole machine.",
        "The file `/etc/opendmarc.conf` holds detailed comments and is explained in opendmarc.conf(5) as well.",
        "The reference of the `json` module holds a long and thorough explanation of this.",
        "The settings of the printers and their users stand in the file `/etc/cups/conf.d/site/printers.conf`.",
        "The `sound` package in the example is structured into several parts that import one another.",
        "The list of all names that begin with a capital letter stands in `capitals` and nowhere else at all.",
    ],
)
def test_what_could_not_be_told_is_not_asked(sentence: str) -> None:
    assert asked("en", sentence) == []


def test_a_sentence_that_is_asked_about_otherwise_is_left_out_and_a_section_asks_but_two() -> None:
    said = [
        f"The `tool{n}` command finds every hive of the apiary that has lost its queen in the winter." for n in "abc"
    ]
    assert len(asked("en", " ".join(said))) == 2
    assert asked("en", said[0], used=(said[0],)) == []
