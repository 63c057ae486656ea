"""What is particular to one language: marks, spaces, words that join, sentences that cannot stand alone.

The failing examples stood in courses from real handbooks.
"""

import tomllib
from dataclasses import replace
from importlib import resources

import pytest

from coursewright.course.plan import Concept
from coursewright.documents.passages import Term
from coursewright.generation.authors.extractive import catalogue as module
from coursewright.generation.authors.extractive.acronyms import expansions
from coursewright.generation.authors.extractive.catalogue import LANGUAGES, catalogue
from coursewright.generation.authors.extractive.concepts import find_concepts, predicate
from coursewright.generation.authors.extractive.naming import joined
from coursewright.generation.authors.extractive.reading_order import heading_number
from coursewright.generation.authors.extractive.sentences import is_standalone
from coursewright.generation.authors.extractive.titles import clean, is_matter
from tests.unit.generation.extractive.factory import passages


def terms(language: str, text: str) -> list[str]:
    return [one.term for one in find_concepts(passages(f"# X\n\n{text}", language=language), catalogue(language))]


def said(language: str) -> list[str]:
    texts = catalogue(language).texts
    return [text for group in ("stems", "objectives", "notes", "brainbytes") for text in texts[group].values()]


@pytest.mark.parametrize(
    "language, left, right",
    [
        ("en", "“", "”"),
        ("de", "„", "“"),
        ("fr", "«\u00a0", "\u00a0»"),
        ("es", "«", "»"),
        ("ja", "「", "」"),
        ("ar", "«", "»"),
    ],
)
def test_terms_stand_in_the_quotation_marks_of_the_language(language: str, left: str, right: str) -> None:
    assert f"{left}hub{right}" in catalogue(language).say("stems", "definition", term="hub")
    assert not [text for text in said(language) if '"' in text or "'" in text]


@pytest.mark.parametrize(
    "language, definition, shown",
    [
        ("de", "ein Protokoll (auch „CIFS“ genannt)", "„ein Protokoll (auch ‚CIFS‘ genannt)“"),
        ("fr", "un protocole (aussi appelé « CIFS »)", "«\u00a0un protocole (aussi appelé “CIFS”)\u00a0»"),
        ("es", "un control («MAC») de acceso", "«un control (“MAC”) de acceso»"),
        ("ja", "「RAID ミラーリング」の構成", "「『RAID ミラーリング』の構成」"),
        ("en", "a system, called “MAC”", "“a system, called ‘MAC’”"),
    ],
)
def test_quotation_marks_inside_others_are_those_of_the_second_level(
    language: str, definition: str, shown: str
) -> None:
    assert shown in catalogue(language).say("stems", "term", definition=definition)


def test_quotation_marks_outside_others_stay() -> None:
    assert catalogue("es").say("stems", "cloze", sentence="El «MAC» es un ____.").endswith("El «MAC» es un ____.")


def test_french_spaces_before_high_marks_do_not_break() -> None:
    for text in [*said("fr"), *catalogue("fr").texts["outline"].values()]:
        for mark in ":;?!»":
            assert f" {mark}" not in text
            assert all(text[at - 1] in "\u00a0\u202f" for at, char in enumerate(text) if char == mark)


def test_spanish_questions_are_opened() -> None:
    assert all(text.count("¿") == text.count("?") for text in said("es"))
    assert any("¿" in text for text in said("es"))


def test_arabic_and_japanese_use_marks_of_their_own() -> None:
    assert not [text for text in said("ar") if "?" in text or ", " in text or ";" in text]
    assert not [text for text in said("ja") if "?" in text or ", " in text or ";" in text]
    assert all(text.endswith(("。", "}", "」")) for text in said("ja"))


@pytest.mark.parametrize(
    "language, items, shown",
    [
        ("es", ["nombres", "Interfaces"], "nombres e Interfaces"),
        ("es", ["padres", "hijos"], "padres e hijos"),
        ("es", ["agua", "hielo"], "agua y hielo"),
        ("es", ["Xen", "LXC"], "Xen y LXC"),
        ("de", ["RAM", "FAI", "TFTP"], "RAM, FAI und TFTP"),
        ("fr", ["RAM", "FAI"], "RAM et FAI"),
        ("ja", ["パッチ", "ロケール"], "パッチ、ロケール"),
        ("ar", ["لينكس", "OpenVPN"], "لينكس، OpenVPN"),
    ],
)
def test_items_are_joined_as_the_language_does(language: str, items: list[str], shown: str) -> None:
    assert catalogue(language).enumerate(items) == shown


@pytest.mark.parametrize(
    "language, titles, shown",
    [
        ("en", ["Foulbrood", "Pests and predators"], "Foulbrood, Pests and predators"),
        ("en", ["Why colonies swarm", "The inspection"], "Why colonies swarm and the inspection"),
        ("en", ["Smoke, fire and tools", "Feeding"], "Smoke, fire and tools; Feeding"),
        ("en", ["A site", "The year", "Inspections"], "A site, the year and Inspections"),
        ("de", ["Grundlagen", "Die Anwendungsebene"], "Grundlagen und die Anwendungsebene"),
        ("de", ["Xen", "LXC"], "Xen und LXC"),
        ("fr", ["Sauvegarde", "Les quotas"], "Sauvegarde et les quotas"),
        ("fr", ["Le noyau", "L'espace utilisateur"], "Le noyau et l'espace utilisateur"),
        ("es", ["LVM", "¿RAID o LVM?"], "LVM, ¿RAID o LVM?"),
        ("es", ["Configuración", "Interfaces"], "Configuración e Interfaces"),
        ("ja", ["他の言語用にシステムを設定", "ネットワークの設定"], "他の言語用にシステムを設定、ネットワークの設定"),
        ("ar", ["‏aptitude، وapt", "التحديثات"], "‏aptitude، وapt؛ التحديثات"),
    ],
)
def test_titles_become_one(language: str, titles: list[str], shown: str) -> None:
    assert joined(titles, catalogue(language)) == shown


@pytest.mark.parametrize(
    "language, sentence",
    [
        ("de", "Wie der Name vermuten lässt, sind deren Inhalte wohl eher für Entwickler interessant."),
        ("de", "Nebenbei bemerkt, ist die Liste die einzige, welche Entwickler abonnieren müssen."),
        ("de", "Lassen Sie uns zum Fall eines typischen Pakets aus dem Archiv zurückkehren."),
        ("de", "Angenommen, das Paket ist seit einer Woche in der Distribution Testing enthalten."),
        ("de", "Eine davon ist, dass es leichter ist, qualifiziertes Personal für Linux-Systeme zu finden."),
        ("de", "Das Programm wird im Abschnitt\u00a01.5 dieses Handbuchs ausführlich und mit Beispielen beschrieben."),
        ("fr", "Détaillons le premier cas par un exemple qui concerne tous les serveurs de courrier."),
        ("fr", "Les réponses du système aux questions sont résumées dans le Tableau\u00a011.3."),
        ("fr", "S'il avait de nombreuses limitations auparavant, elles ont disparu avec la version 4."),
        ("es", "Ahora describiremos brevemente las distribuciones derivadas más interesantes y populares."),
        ("es", "Tiene una explicación bastante simple: el trabajo de Debian es para sus usuarios."),
        ("es", "Por supuesto, sólo se tomarán en cuenta los directorios que corresponden al modo."),
        ("ja", "ーカイブ情報を含むメタデーターのローカルコピーを更新する必要があります。"),
        ("ja", "ティップバックアップのシステムは簡単にしておき、システムのバックアップは頻繁にします。"),
        ("ja", "残念なことに設定スクリプトからの入力要求に自動回答するための標準的な解決策はありません。"),
        ("ar", "بناء عليه، لن نقيّد أنفسنا بالشرح العملي فقط بل سنشرح أيضاً طريقة عمل المشروع كله."),
        ("ar", "لاحظ أيضاً أن النظام حتى الآن غير متوافق مع شريحة واسعة من واجهات إدارة الطاقة."),
        ("ar", "، فالخطوة الأولى هي تحديد الطبقات المختلفة التي يتكون منها النظام في الحاسوب."),
        ("ar", "بالإضافة لذلك، دعنا نفترض أن القرصين أسرع من بقية الأقراص الموجودة في المخدم."),
        ("de", "Der einzige Nachteil ist die ziemlich schwierige Übergangsphase für die Dateien des Systems."),
        ("de", "Weitere Informationen zu den Optionen enthält die Handbuchseite des Befehls für die Partitionen."),
        ("fr", "Les quatre scripts évoqués plus tôt sont complétés par un script de configuration du paquet."),
        ("fr", "De même, il est intéressant d'analyser le contenu du répertoire des programmes installés."),
        ("ja", "ネットワークサービスは通常、第 10.2 節に記述された暗号化技術を使用します。"),
        ("ja", "オプションの詳細はコマンドのマニュアルページで説明されているものと全く同じです。"),
    ],
)
def test_sentences_that_need_what_stood_before_them(language: str, sentence: str) -> None:
    assert not is_standalone(sentence, catalogue(language))


@pytest.mark.parametrize(
    "language, sentence",
    [
        ("de", "Die Aktualisierung eines Pakets ist gleichbedeutend mit dem Entfernen der alten Version."),
        ("fr", "Le programme d'installation débute en anglais et propose de choisir la langue du système."),
        ("es", "La puerta de enlace está conectada a cada una de las redes que enlaza y transmite paquetes."),
        ("ja", "セキュアーシェルはインターネット経由で接続するセキュアーな方法です。"),
        ("ar", "يسمح نظام الحصص التخزينية بتحديد مساحة القرص المخصصة لمستخدم ما أو لمجموعة من المستخدمين."),
    ],
)
def test_sentences_that_stand_alone(language: str, sentence: str) -> None:
    assert is_standalone(sentence, catalogue(language))


@pytest.mark.parametrize(
    "language, text",
    [
        ("es", "Normalmente es un archivo con extensión deb que se instala. Normalmente sirve. Normalmente va."),
        ("es", "La monitorización es una parte integral de cualquier política. La monitorización. La monitorización."),
        ("es", "APT es un proyecto gigante que tenía una interfaz gráfica. APT sirve. APT instala."),
        ("de", "Red Hat ist eine sehr populäre kommerzielle Distribution mit Kunden. Red Hat. Red Hat."),
        ("de", "CUPS ist eine elegante Lösung, um auf einem Drucker zu drucken. CUPS druckt. CUPS hilft."),
        ("fr", "Cups est une solution élégante pour imprimer depuis un poste Linux. Cups. Cups."),
        ("ar", "الخطوة الأخيرة هي تسجيل المستخدم وكلمة سره في الملف. الخطوة الأخيرة. الخطوة الأخيرة."),
        ("ar", "المراقبة هي جزء متمم لأي سياسة أمنية وذلك لعدة أسباب. المراقبة. المراقبة."),
    ],
)
def test_judgements_and_turns_of_phrase_are_no_definitions(language: str, text: str) -> None:
    assert terms(language, text) == []


@pytest.mark.parametrize(
    "language, term, item",
    [
        ("ja", "RAID-4", "RAID-4 は広く使われていません。ディスク 1 台が全体の速度を決めます。"),
        ("ja", "RAID-6", "RAID-6 は RAID-5 の拡張と考えられます。"),
        ("de", "RAID-5", "RAID-5 behebt das Problem der Asymmetrie von RAID-4 mit verteilten Blöcken."),
        ("fr", "RAID-6", "Le RAID-6 peut être considéré comme une extension du RAID-5 avec deux blocs."),
    ],
)
def test_what_is_only_said_about_a_marked_term_is_no_definition(language: str, term: str, item: str) -> None:
    (given,) = passages(f"# RAID\n\n{item}", language=language)

    def found(name: str) -> list[str]:
        marked = replace(given, terms=(Term(name, "dt", 0, len(name), definition=(0, len(item))),))
        return [one.term for one in find_concepts([marked], catalogue(language))]

    assert found(term) == []
    assert found("Spiegel") == ["Spiegel"]


@pytest.mark.parametrize(
    "text, found",
    [
        ('die "Debian Projekt Nachrichten" (DPN), einer Zusammenstellung', [("DPN", "Debian Projekt Nachrichten")]),
        ("RAM (Random Access Memory = Arbeitsspeicher) ist", [("RAM", "Random Access Memory")]),
        ("DHCP (Dynamic Host Configuration Protocol の略語) は", [("DHCP", "Dynamic Host Configuration Protocol")]),
        ("مخدم Server Name Indication\u200f (SNI) هو", [("SNI", "Server Name Indication")]),
        ("quelques adresses IP (internes probablement) puissent y accéder", []),
        ("el segundo tipo de NAT es NAT de origen (SNAT) y", []),
        ("una autoridad certificadora (AC) firma", [("AC", "autoridad certificadora")]),
    ],
)
def test_acronyms_of_other_languages(text: str, found: list[tuple[str, str]]) -> None:
    assert [(short, text[start:end]) for short, start, end in expansions(text)] == found


def test_a_japanese_definition_is_shown_as_a_noun() -> None:
    concept = Concept(term="ルータ", definition="ルータとは、複数のネットワークを接続するマシンです。", passage_id="p")
    assert predicate(concept, catalogue("ja")) == "複数のネットワークを接続するマシン"


@pytest.mark.parametrize(
    "language, heading, title, number",
    [
        ("ar", "فصل 6. الصيانة والتحديث", "الصيانة والتحديث", (6,)),
        ("ar", "الفصل 6. الصيانة والتحديث", "الصيانة والتحديث", (6,)),
        ("ar", "ملحق B. دورة تذكيرية قصيرة", "دورة تذكيرية قصيرة", (1_066,)),
        ("de", "Kapitel\u00a05. Paketierungssystem", "Paketierungssystem", (5,)),
        ("fr", "Chapitre 11. Services réseau", "Services réseau", (11,)),
        ("ja", "第5章 パッケージシステム", "パッケージシステム", (5,)),
        ("ja", "Appendix A 補遺", "補遺", ()),
    ],
)
def test_chapters_are_numbered_in_each_language(
    language: str, heading: str, title: str, number: tuple[int, ...]
) -> None:
    assert clean(heading, catalogue(language)) == title
    assert heading_number(heading, catalogue(language)) == number


@pytest.mark.parametrize(
    "language, heading",
    [
        ("de", "Dank"),
        ("de", "3. Gliederung des Buches"),
        ("fr", "Structure du livre"),
        ("es", "Reconocimientos"),
        ("es", "Estructura del libro"),
        ("ja", "本書の構造"),
        ("ja", "法律上の通知"),
        ("ar", "لمن هذا الكتاب؟"),
        ("ar", "ملاحظة قانونية"),
    ],
)
def test_matter_in_each_language(language: str, heading: str) -> None:
    assert is_matter(heading, catalogue(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_catalogue_has_a_key_that_is_not_read(language: str) -> None:
    table = tomllib.loads((resources.files(module.__package__) / "templates" / f"{language}.toml").read_text("utf-8"))
    known = {
        "": {"words_per_minute", "characters_per_minute", "sentence_words", "quotes", "stems", "objectives", "outline",
             "notes", "brainbytes", "refers", "titles", "definition", "wording"},
        "definition": {"term", "copula", "known", "tail", "opener", "evaluation", "actor", "not_terms", "adverb",
                       "head_first", "role", "noun", "verb"},
    }  # fmt: skip
    assert set(table) <= known[""]
    assert set(table["definition"]) <= known["definition"]
    assert len(table["quotes"]) == 4


@pytest.mark.parametrize(
    "language, title, shown",
    [
        ("de", "RAID oder LVM?", "RAID oder LVM?"),
        ("fr", "partages…", "partages…"),
        ("fr", "RAID ou LVM ?", "RAID ou LVM ?"),
        ("es", "¿RAID o LVM?", "¿RAID o LVM?"),
        ("ar", "لمن هذا؟", "لمن هذا؟"),
        ("de", "Xen", "Xen."),
    ],
)
def test_a_title_that_ends_in_a_mark_gets_no_full_stop(language: str, title: str, shown: str) -> None:
    assert catalogue(language).say("brainbytes", "opening", title=title) == shown


def test_joined_titles_are_said_with_a_pause() -> None:
    assert catalogue("fr").spoken("Sauvegarde, Les quotas\u202f; Xen") == "Sauvegarde, Les quotas, Xen"
    assert catalogue("ja").spoken("設定／監視") == "設定、監視"


@pytest.mark.parametrize(
    "language, sentence, term, does",
    [
        (
            "de",
            "Der Befehl `df` zeigt den freien Platz auf allen eingehängten Dateisystemen des Rechners an.",
            "df",
            "zeigt den freien Platz auf allen eingehängten Dateisystemen des Rechners an",
        ),
        (
            "de",
            "Die Datei `fstab` enthält eine Liste aller Einhängungen, die beim Start geschehen.",
            "fstab",
            "enthält eine Liste aller Einhängungen, die beim Start geschehen",
        ),
        (
            "fr",
            "La commande `df` affiche la place libre sur tous les systèmes de fichiers montés.",
            "df",
            "affiche la place libre sur tous les systèmes de fichiers montés",
        ),
        (
            "fr",
            "L’outil `apt-file` permet de trouver les paquets qui fournissent un fichier donné.",
            "apt-file",
            "permet de trouver les paquets qui fournissent un fichier donné",
        ),
        (
            "es",
            "El programa `df` muestra el espacio libre en todos los sistemas de archivos montados.",
            "df",
            "muestra el espacio libre en todos los sistemas de archivos montados",
        ),
    ],
)
def test_what_a_thing_does_is_a_concept(language: str, sentence: str, term: str, does: str) -> None:
    words = catalogue(language)
    found = find_concepts(passages(f"# X\n\n{sentence}\n\n{sentence}", language=language), words)
    assert [(one.term, one.kind, predicate(one, words)) for one in found] == [(term, "role", does)]


@pytest.mark.parametrize(
    "language, sentence",
    [
        ("de", "Das Programm zeigt den freien Platz auf allen eingehängten Dateisystemen des Rechners an."),
        ("de", "Der Befehl `df` ist auf allen Rechnern des Hauses von Anfang an vorhanden."),
        ("fr", "La commande `df` ne permet pas de connaître la place libre sur les disques."),
        ("es", "El programa `df` no muestra el espacio libre en los sistemas de archivos."),
    ],
)
def test_what_only_looks_like_a_role_is_none(language: str, sentence: str) -> None:
    text = f"# X\n\n{sentence} {sentence} {sentence} `df`."
    assert find_concepts(passages(text, language=language), catalogue(language)) == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "أخيراً، يبدأ المدير تثبيت الحزم الجديدة على جميع الأجهزة في الشركة الكبيرة.",
        "أخيرًا، يبدأ المدير تثبيت الحزم الجديدة على جميع الأجهزة في الشركة الكبيرة.",
        "إلا أن الأمر يبقى فعّالاً ويتابع معالجة المهام المجدولة الأخرى على الخادم.",
    ],
)
def test_arabic_sentences_that_go_on_do_not_stand_alone_however_they_are_vowelled(sentence: str) -> None:
    assert not is_standalone(sentence, catalogue("ar"))
    assert is_standalone(sentence.partition(" ")[2].removeprefix("أن "), catalogue("ar"))
