"""Passages are verbatim, never cross a heading, and lose no block."""

from hypothesis import given, settings
from hypothesis import strategies as st

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read import read
from coursewright.documents.split import split

_WORDS = st.integers(1, 900).map(lambda count: "The bees fly out. " * (count // 4) + "Honey is kept.")
_BLOCK = st.one_of(
    st.integers(1, 4).map(lambda level: "#" * level + " Heading"),
    _WORDS,
    st.integers(1, 300).map(lambda count: "\n".join(f"- item {i} of the list" for i in range(count))),
    st.integers(1, 300).map(lambda count: "```\n" + "x = 1 + 2\n" * count + "```"),
    st.integers(1, 200).map(lambda count: "| A | B |\n|---|---|\n" + "| one thing | another |\n" * count),
    st.just("word" * 3000),
)


def _document(blocks: list[str]) -> ReadDocument:
    return read("a.md", "\n\n".join(["# Start", "Some words.", *blocks]).encode())


@settings(max_examples=60, deadline=None)
@given(st.lists(_BLOCK, max_size=8))
def test_passages_are_verbatim_and_never_cross_a_heading(blocks: list[str]) -> None:
    document = _document(blocks)
    passages = split(document, "a.md")
    end = 0
    for passage in passages:
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.start >= end
        end = passage.end
        assert all(span.kind != "heading" for span in passage.spans[1:])
        for span in passage.spans:
            assert 0 <= span.start < span.end <= len(passage.text)
        for term in passage.terms:
            assert term.text in passage.text[term.start : term.end]
    covered = "".join("".join(passage.text.split()) for passage in passages)
    kept = "".join("".join(document.text[s.start : s.end].split()) for s in document.spans if s.kind != "heading")
    for span in document.spans:
        if span.kind != "heading":
            assert any(p.start <= span.start < p.end for p in passages)
    assert len(covered) >= len(kept)
    assert len({passage.id for passage in passages}) == len(passages)


def test_ids_survive_changes_elsewhere() -> None:
    before = split(_document(["## Hives", "A hive has two boxes.", "## Honey", "Honey is sweet."]), "a.md")
    after = split(_document(["## Hives", "A hive has three boxes.", "## Honey", "Honey is sweet."]), "a.md")
    assert before[-1].id == after[-1].id
    assert before[1].id != after[1].id
    assert after[-1].heading_path == ("Start", "Honey")
