"""The store of documents on a real Postgres: what was read comes back as it was, in order, to its owner only."""

from dataclasses import replace
from uuid import UUID

import pytest

from coursewright.db.pool import Pool, transaction
from coursewright.documents.passages import Passage
from coursewright.documents.read import read
from coursewright.documents.reading import FileRead, number
from coursewright.documents.split import split
from coursewright.documents.store import DocumentStore
from coursewright.errors import UnreadableDocument

OURS, THEIRS = UUID(int=1), UUID(int=2)
BASE = UUID(int=10)

GLOSSARY = b"""<html lang="en"><head><title>Words of beekeeping</title><meta name="license" content="CC BY 4.0">
<meta name="author" content="A. Keeper"></head><body><h1>Words</h1>
<dl><dt>Brood</dt><dd>Eggs, larvae and pupae taken together, in the cells of the comb.</dd>
<dt>Super</dt><dd>A box above the brood nest in which the bees store honey.</dd></dl>
<h2>Tools</h2><p>The <dfn>smoker</dfn> calms the bees.</p>
<pre>smoke --gently "\xe2\x86\x92" 'all'</pre></body></html>"""
BEES = "# Bees\n\nBees fly in März. 🐝\n\n## Workers\n\n- forage\n- guard\n\n## Drones\n\nDrones mate.\n".encode()
ZEBRAS = b"# Zebras\n\nZebras are not bees.\n"


def _read(name: str, content: bytes) -> FileRead:
    document = read(name, content, max_unpacked=1 << 20)
    return FileRead(name, document, tuple(split(document, name)))


async def _keep(store: DocumentStore, read: FileRead, content: bytes = b"original") -> None:
    await store.add_document(BASE, read.name, content, "00")
    await store.record(BASE, read)


@pytest.fixture
async def store(pool: Pool) -> DocumentStore:
    store = DocumentStore(pool)
    await store.add_knowledge_base(OURS, BASE, "Bees")
    return store


@pytest.fixture
async def kept(store: DocumentStore) -> list[Passage]:
    """Three documents, stored in an order that is not theirs; the passages as they were read."""
    reads = [_read("bees.md", BEES), _read("Zebras.md", ZEBRAS), _read("a/words.html", GLOSSARY)]
    for each in reads:
        await _keep(store, each)
    return number(reads)


async def test_passages_come_back_as_they_were_read(store: DocumentStore, kept: list[Passage]) -> None:
    assert await store.passages(OURS, BASE) == kept
    words = next(each for each in kept if each.document == "a/words.html")
    assert any(term.definition for term in words.terms)
    assert len({span.kind for each in kept for span in each.spans}) > 3


async def test_documents_follow_by_code_point_and_ordinals_count_through(
    store: DocumentStore, kept: list[Passage]
) -> None:
    passages = await store.passages(OURS, BASE)
    assert list(dict.fromkeys(each.document for each in passages)) == ["Zebras.md", "a/words.html", "bees.md"]
    assert [each.ordinal for each in passages] == list(range(len(kept)))


async def test_passages_by_id_follow_the_ids_and_keep_their_place(store: DocumentStore, kept: list[Passage]) -> None:
    wanted = [kept[-1], kept[1]]
    assert await store.passages_by_id(OURS, BASE, [wanted[0].id, "p-gone", wanted[1].id]) == wanted
    assert await store.passages_by_id(OURS, BASE, []) == []


async def test_documents_tell_what_was_read(store: DocumentStore, kept: list[Passage]) -> None:
    rows = {row.name: row for row in await store.documents(OURS, BASE)}
    assert list(rows) == ["Zebras.md", "a/words.html", "bees.md"]
    words = rows["a/words.html"]
    assert (words.status, words.title, words.language, words.bytes) == ("completed", "Words", "en", 8)
    assert {name: row.passages for name, row in rows.items()} == {
        name: sum(each.document == name for each in kept) for name in rows
    }


async def test_a_document_is_queued_until_it_was_read(store: DocumentStore) -> None:
    await store.add_document(BASE, "bees.md", BEES, "00")
    (row,) = await store.documents(OURS, BASE)
    assert (row.status, row.passages, row.bytes) == ("queued", 0, len(BEES))


async def test_a_document_that_is_added_again_is_left_as_it_is(store: DocumentStore, kept: list[Passage]) -> None:
    await store.add_document(BASE, "bees.md", b"something else", "11")
    await store.add_knowledge_base(OURS, BASE, "Another name")
    assert await store.passages(OURS, BASE) == kept
    assert {row.name: row.bytes for row in await store.documents(OURS, BASE)}["bees.md"] == 8


async def test_a_document_that_cannot_be_read_is_left_out_with_its_reason(store: DocumentStore) -> None:
    error = UnreadableDocument("scan.pdf", "it holds images only", hint="Run OCR.")
    await _keep(store, FileRead("scan.pdf", error=error))
    await _keep(store, _read("bees.md", BEES))
    assert (await store.losses(OURS, BASE)).left_out == [("scan.pdf", "it holds images only")]
    row = next(each for each in await store.documents(OURS, BASE) if each.name == "scan.pdf")
    assert (row.status, row.error, row.hint, row.passages) == ("error", "it holds images only", "Run OCR.", 0)


async def test_what_was_lost_or_guessed_when_a_document_was_read_is_kept(store: DocumentStore) -> None:
    await _keep(store, _read("bees.md", BEES + b"\0"))
    await _keep(store, FileRead("scan.pdf", error=UnreadableDocument("scan.pdf", "it holds images only")))
    assert (await store.losses(OURS, BASE)).warnings == [("bees.md", "1 NUL character was dropped")]
    assert (await store.losses(THEIRS, BASE)).warnings == []


async def test_reading_again_replaces_passages_and_forgets_the_error(store: DocumentStore) -> None:
    await _keep(store, FileRead("bees.md", error=UnreadableDocument("bees.md", "it is locked")))
    await store.record(BASE, _read("bees.md", BEES))
    before = await store.passages(OURS, BASE)
    assert before
    assert (await store.losses(OURS, BASE)).left_out == []
    await store.record(BASE, _read("bees.md", BEES + b"\n## Queens\n\nQueens lay.\n"))
    after = await store.passages(OURS, BASE)
    assert after[: len(before)] == before
    assert [each.heading_path for each in after[len(before) :]] == [("Bees", "Queens")]
    await store.record(BASE, FileRead("bees.md", error=UnreadableDocument("bees.md", "it is gone")))
    assert await store.passages(OURS, BASE) == []


async def test_a_document_is_recorded_whole_or_not_at_all(store: DocumentStore) -> None:
    await _keep(store, _read("bees.md", BEES))
    before = await store.passages(OURS, BASE)
    good = _read("bees.md", ZEBRAS)
    twice = replace(good, passages=good.passages * 2)
    with pytest.raises(Exception, match="duplicate key"):
        await store.record(BASE, twice)
    assert await store.passages(OURS, BASE) == before


async def test_another_organisation_sees_nothing(store: DocumentStore, kept: list[Passage]) -> None:
    await _keep(store, FileRead("scan.pdf", error=UnreadableDocument("scan.pdf", "it holds images only")))
    assert await store.documents(THEIRS, BASE) == []
    assert await store.passages(THEIRS, BASE) == []
    assert await store.passages_by_id(THEIRS, BASE, [kept[0].id]) == []
    assert (await store.losses(THEIRS, BASE)).left_out == []


async def test_offsets_of_passages_count_the_characters_of_the_stored_text(
    store: DocumentStore, kept: list[Passage], pool: Pool
) -> None:
    async with transaction(pool) as connection:
        cursor = await connection.execute(
            "select p.id, substr(d.text, p.start_offset + 1, p.end_offset - p.start_offset)"
            " from coursewright.passages p join coursewright.documents d"
            " on d.knowledge_base_id = p.knowledge_base_id and d.name = p.document"
        )
        assert dict(await cursor.fetchall()) == {each.id: each.text for each in kept}
