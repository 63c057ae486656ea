"""Subtitles: cues become sentences and paragraphs with the time at which they begin."""

import pytest

from coursewright.documents.read import read
from coursewright.documents.split import split
from coursewright.errors import UnreadableDocument
from tests.unit.documents.making import blocks

_TALK = """WEBVTT - A talk
Language: en

NOTE made by hand

STYLE
::cue { color: red }

1
00:00:01.000 --> 00:00:04.000 align:start
<v Ada Example>Welcome. Today we open a <i>hive</i>, which

2
00:00:04.000 --> 00:00:07.500
<v Ada Example>has two boxes &amp; a roof.

00:00:08.000 --> 00:00:10.000
<v.loud Bo>And the <c.term>honey</c>?

01:01:08.000 --> 01:01:10.000
<v Ada Example>It is above. [laughter]</v>
- Really?
- Yes.
"""


def test_webvtt_keeps_who_speaks_and_when() -> None:
    document = read("talk.vtt", _TALK.encode())
    assert blocks(document) == [
        ("paragraph", "Ada Example: Welcome. Today we open a hive, which has two boxes & a roof."),
        ("paragraph", "Bo: And the honey?"),
        ("paragraph", "Ada Example: It is above."),
        ("paragraph", "Really?"),
        ("paragraph", "Yes."),
    ]
    times = [span.time_code for span in document.spans]
    assert times == ["00:00:01", "00:00:08", "01:01:08", "01:01:08", "01:01:08"]
    assert document.language == "en"


def test_rolling_captions_say_each_line_once() -> None:
    rolling = """WEBVTT
Kind: captions

00:00:00.160 --> 00:00:02.389 align:start position:0%
\x20
hello<00:00:00.400><c> and</c><00:00:00.560><c> welcome</c>

00:00:02.389 --> 00:00:02.399
hello and welcome
\x20

00:00:02.399 --> 00:00:05.030
hello and welcome
to<00:00:02.600><c> our</c><00:00:03.000><c> bees</c>

00:00:05.030 --> 00:00:05.040
to our bees
\x20

00:00:05.040 --> 00:00:06.000
to our bees and

00:00:06.000 --> 00:00:07.000
to our bees and to our hives

00:00:07.000 --> 00:00:08.000
[Music]

00:00:20.000 --> 00:00:21.000
to our hives
"""
    document = read("auto.vtt", rolling.encode())
    assert (
        " ".join(text for _, text in blocks(document)) == "hello and welcome to our bees and to our hives to our hives"
    )


def test_paragraphs_end_with_a_sentence_a_pause_or_when_long() -> None:
    def cue(n: int, seconds: float, text: str) -> str:
        begin = f"00:{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
        return f"{n}\r\n{begin},000 --> {begin},900\r\n{text}\r\n\r\n"

    sentences = [f"The bees of hive {n} fly far and bring nectar home." for n in range(10)]
    long = "".join(cue(n, n, sentence) for n, sentence in enumerate(sentences))
    later = cue(11, 30, "A new thought") + cue(12, 31, "comes late.")
    breathless = "".join(cue(n, 40 + n, f"and so it goes on to {n} without any end") for n in range(30))
    document = read("talk.srt", (long + later + breathless).encode("cp1252"))
    texts = [text for _, text in blocks(document)]
    assert texts[0] == " ".join(sentences[:7])
    assert texts[1] == " ".join(sentences[7:])
    assert texts[2] == "A new thought comes late."
    assert len(texts) == 6
    assert [span.time_code for span in document.spans][:4] == ["00:00:00", "00:00:07", "00:00:30", "00:00:40"]
    passages = split(document, "talk.srt")
    assert passages[0].time_code == "00:00:00"
    assert len(passages) > 1
    assert all(passage.time_code for passage in passages)


def test_srt_under_a_false_name_and_japanese() -> None:
    text = """1
00:00:01,000 --> 00:00:02,000
{\\an8}<font color=red>巣箱には

2
00:00:02,000 --> 00:00:03,000
屋根があります。
"""
    document = read("talk.vtt", text.encode())
    assert blocks(document) == [("paragraph", "巣箱には屋根があります。")]
    assert document.warnings == ("it is named as vtt, but is srt; read as srt",)


@pytest.mark.parametrize("name, content", [("a.vtt", b"WEBVTT\n\nNOTE nothing\n"), ("a.srt", b"Only words here.\n")])
def test_a_file_without_cues_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"there are no .* cues in it"):
        read(name, content)
