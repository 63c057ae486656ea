"""A page on bees in three languages, and what a careful model and a careless one write of it."""

from dataclasses import dataclass

from coursewright.documents.passages import Passage
from tests.unit.generation.llm.passages import passage


@dataclass(frozen=True, slots=True)
class Page:
    """Passages of one language; texts that they carry, and the same kind of text that they do not."""

    language: str
    passages: tuple[Passage, ...]
    description: str
    objectives: tuple[str, ...]
    block: str
    summary: str
    definition: tuple[str, str]
    asked: tuple[str, str, str]  # stem, key, explanation
    distractors: tuple[str, ...]
    terms: tuple[str, ...]
    script: tuple[str, ...]
    stranger: str  # a sentence that they do not carry
    strange_objective: str
    strange_asked: tuple[str, str]


def _page(language: str, *texts: tuple[str, str]) -> tuple[Passage, ...]:
    return tuple(passage((head,), text, n, language) for n, (head, text) in enumerate(texts))


ENGLISH = Page(
    "en",
    _page(
        "en",
        ("Forage and water",
         "Bees collect within about three kilometres of the hive and prefer to stay within one. A good site "
         "therefore lies among plants that flower one after the other from early spring to autumn. A single rich "
         "crop, such as oilseed rape, feeds colonies for three weeks and leaves them hungry in June. Water must be "
         "near from the first warm day."),
        ("Sun and ground",
         "Morning sun on the entrance wakes a colony early, and light shade in the afternoon spares it the work of "
         "cooling. Hollows collect frost and damp air, and hilltops are windy; a gentle slope facing south-east, "
         "with a hedge behind it, is close to ideal. The ground must bear a hive that weighs 80 kg in August."),
        ("Moving a hive",
         "Foragers learn the place of their hive to within a metre. If a colony is moved ten metres, they return to "
         "the empty spot and are lost. Close the entrance after the last flight, and travel at night or early in the "
         "morning."),
    ),
    description="What bees need from a place: forage, water, sun and dry ground. By the end you can judge whether a "
    "spot is suitable for a hive.",
    objectives=("Explain what makes a site good for bees.", "Recognise hollows and hilltops as poor places.",
                "Plan how a hive is moved without losing its foragers."),
    block="A good place lies among plants that flower one after the other, from spring to autumn.",
    summary="A good site has flowering plants nearby, water, morning sun and a gentle slope.",
    definition=("Forager", "Foragers are bees that learn the place of their hive to within a metre."),
    asked=("What happens when a colony is moved ten metres?", "Its foragers return to the old spot and are lost.",
           "Foragers learn the place of their hive and return to the empty spot."),
    distractors=("Its bees give more honey in that same year.", "Its old queen leaves the hive with a swarm."),
    terms=("Water", "Hedge", "Entrance"),
    script=("Hello and welcome.", "Where would you put a hive?", "Bees collect within about three kilometres of it.",
            "They prefer to stay within one.", "Water must be near from the first warm day.",
            "Morning sun on the entrance wakes a colony early.", "Hollows collect frost and damp air.",
            "Hilltops are windy.", "A gentle slope with a hedge behind it is close to ideal.",
            "If a colony is moved ten metres, the foragers are lost.", "Travel at night or early in the morning.",
            "Enjoy your next walk."),
    stranger="Roman landlords already trained hawks against hornets.",
    strange_objective="Describe photosynthesis in algae.",
    strange_asked=("Which pesticides are forbidden by law?", "Neonicotinoids"),
)  # fmt: skip

GERMAN = Page(
    "de",
    _page(
        "de",
        ("Tracht und Wasser",
         "Bienen sammeln im Umkreis von etwa drei Kilometern um den Stock und bleiben am liebsten innerhalb eines "
         "Kilometers. Ein guter Standort liegt deshalb zwischen Pflanzen, die vom zeitigen Frühjahr bis zum Herbst "
         "nacheinander blühen. Wasser muss vom ersten warmen Tag an in der Nähe sein."),
        ("Sonne und Boden",
         "Morgensonne auf dem Flugloch weckt ein Volk früh. In Senken sammeln sich Frost und feuchte Luft, Kuppen "
         "sind windig; ein sanfter Hang nach Südosten mit einer Hecke dahinter ist nahezu ideal. Der Boden muss "
         "einen Stock tragen, der im August 80 kg wiegt."),
        ("Umstellen",
         "Flugbienen lernen den Platz ihres Stocks auf einen Meter genau. Wird ein Volk zehn Meter weit gestellt, "
         "kehren sie an die leere Stelle zurück und gehen verloren. Fahren Sie nachts oder am frühen Morgen."),
    ),
    description="Was Bienen von einem Platz brauchen: Pflanzen, Wasser, Sonne und festen Boden. Danach können Sie "
    "beurteilen, ob ein Standort taugt.",
    objectives=("Erklären, was einen guten Standort ausmacht.", "Senken und Kuppen als schlechte Plätze erkennen.",
                "Das Umstellen eines Volks planen."),
    block="Ein guter Standort liegt zwischen Pflanzen, die vom Frühjahr bis zum Herbst blühen.",
    summary="Ein guter Standort bietet blühende Pflanzen, nahes Wasser und Morgensonne.",
    definition=("Flugbiene", "Flugbienen lernen den Platz ihres Stocks genau."),
    asked=("Was geschieht, wenn ein Volk zehn Meter weit gestellt wird?",
           "Die Flugbienen kehren zur leeren Stelle zurück.",
           "Flugbienen lernen den Platz ihres Stocks und kehren an die leere Stelle zurück."),
    distractors=("Es gibt in diesem Jahr mehr Honig.", "Die Königin verlässt es mit einem Schwarm."),
    terms=("Wasser", "Hecke", "Flugloch"),
    script=("Guten Tag und willkommen.", "Wohin mit dem Stock?",
            "Bienen sammeln im Umkreis von etwa drei Kilometern.",
            "Am liebsten bleiben sie innerhalb eines Kilometers.",
            "Wasser muss vom ersten warmen Tag an in der Nähe sein.",
            "Morgensonne auf dem Flugloch weckt ein Volk früh.", "In Senken sammeln sich Frost und feuchte Luft.",
            "Kuppen sind windig.", "Ein sanfter Hang mit einer Hecke dahinter ist nahezu ideal.",
            "Wird ein Volk zehn Meter weit gestellt, gehen die Flugbienen verloren.",
            "Fahren Sie nachts oder am frühen Morgen.", "Viel Freude beim nächsten Spaziergang."),
    stranger="Römische Gutsherren richteten Falken gegen Hornissen ab.",
    strange_objective="Die Photosynthese der Algen beschreiben.",
    strange_asked=("Welche Wirkstoffe verbietet die Behörde?", "Neonikotinoide"),
)  # fmt: skip

JAPANESE = Page(
    "ja",
    _page(
        "ja",
        ("蜜源と水",
         "ミツバチは巣箱からおよそ三キロメートルの範囲で採集し、一キロメートル以内にとどまることを好みます。"
         "良い設置場所は、早春から秋まで次々に花が咲く植物の間にあります。"
         "最初の暖かい日から水が近くになければなりません。"),
        ("日光と地面",
         "巣門に当たる朝日は群れを早く目覚めさせます。くぼ地には霜と湿った空気がたまり、丘の上は風が強くなります。"
         "背後に生け垣のある南東向きの緩やかな斜面が理想に近い場所です。"
         "地面は八月に80kgになる巣箱を支えなければなりません。"),
        ("移動",
         "採餌蜂は巣箱の位置を一メートル以内の精度で覚えます。群れを十メートル動かすと、元の場所に戻って失われます。"
         "夜か早朝に運びます。"),
    ),
    description="ミツバチが場所に求めるもの、つまり植物、水、朝日、地面を扱います。"
    "巣箱の設置場所を自分で判断できるようになります。",
    objectives=("良い設置場所の条件を説明する。", "くぼ地と丘の上の欠点を見分ける。", "巣箱の移動を計画する。"),
    block="良い場所は、春から秋まで花が途切れない植物の近くにあります。",
    summary="良い設置場所には、植物と近くの水、そして朝日があります。",
    definition=("採餌蜂", "採餌蜂は巣箱の位置を正確に覚えるミツバチです。"),
    asked=("群れを一度に十メートル動かすと何が起こりますか。", "採餌蜂が元の場所に戻り、失われる。",
           "採餌蜂は巣箱の位置を覚えていて、元の場所に戻るからです。"),
    distractors=("その年の蜂蜜が増える。", "女王蜂が分蜂する。"),
    terms=("植物", "朝日", "地面"),
    script=("こんにちは、ようこそ。", "巣箱をどこに置きますか。",
            "ミツバチはおよそ三キロメートルの範囲で採集します。", "一キロメートル以内にとどまることを好みます。",
            "水は最初の暖かい日から近くに必要です。", "朝日は群れを早く目覚めさせます。",
            "くぼ地には霜と湿った空気がたまります。", "丘の上は風が強くなります。",
            "南東向きの緩やかな斜面が理想に近い場所です。",
            "群れを十メートル動かすと、採餌蜂は元の場所に戻って失われます。", "夜か早朝に運びます。",
            "次の散歩を楽しんでください。"),
    stranger="古代の領主は鷹を訓練して害虫を退治しました。",
    strange_objective="藻類の光合成を説明する。",
    strange_asked=("法律で禁止された農薬はどれですか。", "ネオニコチノイド"),
)  # fmt: skip

PAGES = (ENGLISH, GERMAN, JAPANESE)
