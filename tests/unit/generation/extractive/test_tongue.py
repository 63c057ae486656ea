"""Untranslated headings, paragraphs and sentences between translated ones; the examples stand in real handbooks."""

import pytest

from coursewright.generation.authors.extractive.blocks import blocks
from coursewright.generation.authors.extractive.catalogue import LANGUAGES, catalogue
from coursewright.generation.authors.extractive.concepts import find_concepts
from coursewright.generation.authors.extractive.material import lesson_passages
from coursewright.generation.authors.extractive.sentences import is_standalone
from coursewright.generation.authors.extractive.titles import telling
from coursewright.generation.authors.extractive.tongue import reads_as
from tests.unit.generation.extractive.factory import passages

OTHERS = tuple(language for language in LANGUAGES if language != "en")


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize(
    "text",
    [
        "Teams, Blends, and Sub-Projects",
        "Accepting or Refusing Mails Based on the Recipient",
        "Owners and Permissions",
        "Other version control systems",
        "GUI program with the shell script",
        "Here are some Git related packages.",
        "There are several dynamic call tracing tools available in Debian.",
        "Let’s think following one-liner AWK script snippet and its equivalents in Perl.",
        "The free system that he wanted had to be of the best quality and it was for all.",
    ],
)
def test_what_was_left_untranslated_is_recognised(text: str, language: str) -> None:
    assert not reads_as(text, language)
    assert reads_as(text, "en")


@pytest.mark.parametrize(
    "language, texts",
    [
        (
            "de",
            "Mail-Server|Webserver (HTTP)|Installation|Xen|Format|Router|Virtual Private Network|"
            "Domain Name Server (DNS)|Den Boot-Loader konfigurieren|E-Mail und Web-Browser|Der Befehl apt-cache",
        ),
        (
            "fr",
            "Documentation|Virtualisation|Annuaire LDAP|Serveur web (HTTP)|Options de configuration|"
            "Le système d'initialisation System V|Procédures types|Supervision : prévention, détection, dissuasion",
        ),
        (
            "es",
            "Formato|Interfaces: aptitude, synaptic|RAID por software|Servidor web (HTTP)|Manual de Live Systems|"
            "Utilizaban kernels personalizados con parches que no eran parte de Debian.",
        ),
        ("ja", "RAID と LVM|aptitude、apt-get、apt コマンド|Systemd init|Alt-SysRq キー|SMTP 認証|KDE と Plasma"),
        ("ar", "\u200fRAID وLVM|\u200fSoftware RAID|إعداد RAID|SMTP مع مصادقة|\u200faptitude، وapt-get، وapt"),
    ],
)
def test_names_and_loan_words_belong_to_every_language(language: str, texts: str) -> None:
    assert [text for text in texts.split("|") if not reads_as(text, language)] == []


def test_code_and_addresses_say_nothing_of_a_language() -> None:
    assert reads_as("→ https://www.debian.org/social_contract.html", "de")
    assert reads_as("`apt-get install the-other-package-that-is-for-you`", "fr")


def test_a_sentence_with_a_name_written_out_is_in_its_language() -> None:
    assert reads_as("Postfix の SMTP 認証は SASL (Simple Authentication and Security Layer) を使っています。", "ja")
    assert not reads_as("ティップ Use strace-graph script found in the examples to make a nice tree view", "ja")


LIST = """# RAID

- RAID-0: Die Daten werden auf alle Platten verteilt, und jede Platte trägt einen Teil davon.
- RAID-1+0: This isn't strictly speaking a RAID level, but a stacking of two RAID groupings.
- RAID-5: Die Paritätsblöcke sind über alle Platten verteilt, ohne dass eine davon eine Rolle spielt."""


def test_an_untranslated_item_is_left_out_of_its_list() -> None:
    (given,) = passages(LIST, language="de")
    shown = list(blocks(given, "de"))
    assert [block.text.split(":")[0] for block in shown] == ["- RAID-0", "- RAID-5"]
    assert all(given.text[block.start : block.end] == block.text and block.kind == "list" for block in shown)


def test_a_passage_of_which_nothing_is_translated_is_no_section() -> None:
    english = "The free system that he wanted had to be of the best quality and it was for all of the users."
    given = passages(f"# Freiheit\n\n{english}", LIST, language="de")
    kept, _ = lesson_passages(given, catalogue("de"))
    assert [passage.heading_path for passage in kept] == [("RAID",)]


def test_numbered_steps_are_shown_whole_or_not_at_all() -> None:
    steps = LIST.replace("- RAID-0", "1. RAID-0").replace("- RAID-1", "2. RAID-1").replace("- RAID-5", "3. RAID-5")
    (given,) = passages(steps, language="de")
    assert list(blocks(given, "de")) == []


def test_an_untranslated_heading_gives_way_to_its_parent() -> None:
    german = catalogue("de")
    path = ("Kapitel 1. Das Debian-Projekt", "1.3.3. Teams, Blends, and Sub-Projects")
    assert telling(path, german) == "Das Debian-Projekt"
    assert telling(path[1:], german) == "Teams, Blends, and Sub-Projects"  # better than no title


def test_an_untranslated_definition_is_no_concept() -> None:
    text = "# RAID\n\n- **RAID-1+0**: This isn't strictly speaking, a RAID level, but a stacking of two groupings."
    assert find_concepts(passages(text, language="fr"), catalogue("fr")) == ()


def test_an_untranslated_sentence_is_not_chosen() -> None:
    sentence = "Most interpreters offer basic syntax check and code tracing functionalities."
    assert is_standalone(sentence, catalogue("en"))
    assert not is_standalone(sentence, catalogue("fr"))
