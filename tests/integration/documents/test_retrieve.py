"""Search on a real Postgres: natural questions find passages, in every language, of the owner's knowledge base only."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from psycopg.sql import SQL, Identifier

from coursewright.db.pool import Pool, transaction
from coursewright.db.queries import sql
from coursewright.db.scope import ScopedPool
from coursewright.documents.discover import discover
from coursewright.documents.embed import MiniLM, missing_packages, open_embedder
from coursewright.documents.read import read
from coursewright.documents.reading import FileRead
from coursewright.documents.retrieve import Hit, Retriever
from coursewright.documents.split import split
from coursewright.documents.store import DocumentStore
from coursewright.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
OURS, THEIRS = UUID(int=1), UUID(int=2)
BASE, OTHER = UUID(int=10), UUID(int=11)

HANDBOOK = {
    "How do I calm the bees?": "smoke",
    "Why is my colony going to swarm?": "swarm",
    "When can I take the honey off?": "honey",
    "What do I do when a bee stings me?": "sting",
    "How do I know that a queen is laying?": "egg",
    "How far do bees fly to collect nectar?": "forag",
    "What do I feed a hungry colony?": "feed",
    "What makes a good site for hives?": "site",
    "how to treat varroa mites": "varroa",
    "How do I melt old wax?": "wax",
}

# Beside each other in one knowledge base: document, then a question and the heading that answers it.
LANGUAGES = {
    "de.md": (
        "# Imkerei\n\n## Der Smoker\n\nDer Rauch beruhigt die Bienen, weil er Alarmstoffe überdeckt. Man bläst ihn "
        "vor dem Öffnen in das Flugloch.\n\n## Die Königin\n\nDie Königin legt im Sommer täglich bis zu zweitausend "
        "Eier in die Zellen der Waben.\n\n## Die Ernte\n\nReifer Honig ist verdeckelt und enthält wenig Wasser.\n",
        "Womit kann ich Bienen beruhigen?",
        "Der Smoker",
    ),
    "fr.md": (
        "# Apiculture\n\n## L’enfumoir\n\nLa fumée calme les abeilles, car elle masque leurs signaux d’alarme. On "
        "enfume l’entrée avant d’ouvrir.\n\n## La reine\n\nEn été, la reine pond jusqu’à deux mille œufs par jour dans "
        "les cellules.\n\n## La récolte\n\nLe miel mûr est operculé et contient peu d’eau.\n",
        "Combien d’œufs la reine pond-elle chaque jour ?",
        "La reine",
    ),
    "ja.md": (
        "# 養蜂の手引き\n\n## 燻煙器の使い方\n\n煙は蜂の警報フェロモンを隠すので、蜂を落ち着かせます。"
        "巣箱を開ける前に入口に煙を吹き込みます。\n\n## 女王蜂\n\n女王蜂は夏に一日二千個までの卵を巣房に産みます。"
        "働き蜂が幼虫を育てます。\n\n"
        "## 採蜜\n\n熟した蜂蜜は蜜蓋で覆われ、水分が少なくなっています。\n",
        "女王蜂は一日に卵をいくつ産みますか？",
        "女王蜂",
    ),
    "ar.md": (
        "# تربية النحل\n\n## المدخن\n\nيهدئ الدخان النحل لأنه يخفي روائح الإنذار، وينفخ في مدخل الخلية قبل فتحها.\n\n"
        "## الملكة\n\nتضع الملكة في الصيف حتى ألفي بيضة كل يوم في العيون السداسية.\n\n## الحصاد\n\nالعسل الناضج مغطى "
        "بالشمع وماؤه قليل. يقص النحال الأغطية بسكين ثم يضع الأقراص في الفراز، ويترك العسل بعد ذلك أياماً في وعاء كبير "
        "حتى يصفو من الشمع والهواء قبل أن يعبأ في الجرار.\n",
        "كم بيضة تضع الملكة؟",
        "الملكة",
    ),
    "zh.md": (
        "# 养蜂手册\n\n## 喷烟器\n\n烟雾掩盖蜜蜂的报警信息素，使蜜蜂安静下来。打开蜂箱之前向入口喷烟。\n\n## 蜂王\n\n"
        "蜂王在夏天每天最多产两千个卵。工蜂喂养幼虫。\n\n## 收获\n\n成熟的蜂蜜有蜡盖，水分很少。\n",
        "怎样让蜜蜂安静？",
        "喷烟器",
    ),
}


async def _keep(store: DocumentStore, base: UUID, name: str, content: bytes) -> None:
    document = read(name, content, max_unpacked=1 << 24)
    await store.add_document(base, name, content, "00")
    await store.record(base, FileRead(name, document, tuple(split(document, name))))


async def keep_all_languages(store: DocumentStore, base: UUID = BASE) -> None:
    for name, (text, _, _) in LANGUAGES.items():
        await _keep(store, base, name, text.encode())


def _headings(hits: list[Hit]) -> list[str]:
    return [hit.passage.heading_path[-1] for hit in hits]


@pytest.fixture
async def store(pool: Pool) -> DocumentStore:
    store = DocumentStore(pool)
    await store.add_knowledge_base(OURS, BASE, "Bees")
    await store.add_knowledge_base(THEIRS, OTHER, "Theirs")
    return store


@pytest.fixture
async def handbook(store: DocumentStore, pool: Pool) -> Retriever:
    found, _ = discover([ROOT / "examples" / "knowledge-base"], 1 << 30)
    for each in found:
        await _keep(store, BASE, each.name, each.path.read_bytes())
    return Retriever(pool)


async def test_natural_questions_find_passages_that_answer_them(handbook: Retriever) -> None:
    for question, word in HANDBOOK.items():
        hits = await handbook.search(OURS, BASE, question, limit=3)
        assert any(word in hit.passage.text.casefold() for hit in hits), question
        assert any(hit.snippet.matches for hit in hits), question


@pytest.mark.parametrize("name", LANGUAGES)
async def test_each_language_is_asked_in_its_own_words(store: DocumentStore, pool: Pool, name: str) -> None:
    await keep_all_languages(store)
    _, question, heading = LANGUAGES[name]
    hits = await Retriever(pool).search(OURS, BASE, question)
    assert (hits[0].passage.document, hits[0].passage.heading_path[-1]) == (name, heading)


@pytest.mark.parametrize(
    "question, word",
    [
        ("Wen beruhigten wir?", "beruhigt"),
        ("Comment enfumer les ruches ?", "enfume"),
        ("フェロモン", "フェロモン"),
        ("كم من البيض تضع؟", "بيضة"),
    ],
)
async def test_words_are_found_in_other_forms_and_beside_punctuation(
    store: DocumentStore, pool: Pool, question: str, word: str
) -> None:
    await keep_all_languages(store)
    shown = (await Retriever(pool).search(OURS, BASE, question))[0].snippet
    assert word in [shown.text[start:end] for start, end in shown.matches]


async def test_paths_and_names_are_found_by_their_parts(store: DocumentStore, pool: Pool) -> None:
    text = "# Files\n\nWrite the servers into `/etc/apt/sources.list`, then (apt-get) update.\n\n# Other\n\nNothing.\n"
    await _keep(store, BASE, "files.md", text.encode())
    for question in ("sources", "list of sources", "sources.list", "/etc/apt", "apt-get", "what is in get-update?"):
        assert _headings(await Retriever(pool).search(OURS, BASE, question))[:1] == ["Files"], question


async def test_a_heading_counts_more_than_the_text(store: DocumentStore, pool: Pool) -> None:
    sections = ["# Book", *(f"## Part {n}\n\nHere queens are named, and drones." for n in "abc")]
    text = "\n\n".join([*sections, "## Queens\n\nThey lay all eggs of the hive here."])
    await _keep(store, BASE, "book.md", text.encode())
    assert _headings(await Retriever(pool).search(OURS, BASE, "queens"))[0] == "Queens"


async def test_a_rare_word_outweighs_common_ones(store: DocumentStore, pool: Pool) -> None:
    sections = [f"## Part {n}\n\nThe bees and the hive and the honey of the bees." for n in range(20)]
    text = "\n\n".join(["# Book", *sections, "## Moths\n\nA moth eats wax."])
    await _keep(store, BASE, "book.md", text.encode())
    hits = await Retriever(pool).search(OURS, BASE, "do bees in the hive with honey fear the moth?")
    assert _headings(hits)[0] == "Moths"
    assert (hits[0].lexical_rank, hits[0].dense_rank, hits[0].score) == (1, None, 1.0)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


async def test_blocks_of_another_language_are_found_by_its_words(store: DocumentStore, pool: Pool) -> None:
    german = (
        "Der Rauch beruhigt die Bienen am Flugloch, und zwar sehr schnell und bei jedem Wetter. Danach wird der Deckel "
        "vorsichtig abgenommen, und die Waben werden eine nach der anderen gezogen und von beiden Seiten angesehen."
    )
    english = (
        "The veils were protecting the keeper from stings while the hive was being opened, and the gloves had been "
        "left in the shed, where nobody looked for them until the evening came."
    )
    await _keep(store, BASE, "tools.md", f"# Werkzeug\n\n{german}\n\n{english}\n\n{german}\n".encode())
    for question, word in (("What will protect me?", "protecting"), ("Womit beruhigt man?", "beruhigt")):
        (hit,) = await Retriever(pool).search(OURS, BASE, question)
        assert word in [hit.snippet.text[start:end] for start, end in hit.snippet.matches]


async def test_passages_are_those_of_the_store(handbook: Retriever, store: DocumentStore) -> None:
    stored = {passage.id: passage for passage in await store.passages(OURS, BASE)}
    for hit in await handbook.search(OURS, BASE, "bees and honey and wax in the hive", limit=50):
        assert hit.passage == stored[hit.passage.id]
        assert hit.passage.text[hit.snippet.start :].startswith(hit.snippet.text)


async def test_another_organisation_and_another_knowledge_base_find_nothing(handbook: Retriever) -> None:
    assert await handbook.search(OURS, BASE, "bees")
    assert await handbook.search(THEIRS, BASE, "bees") == []
    assert await handbook.search(THEIRS, OTHER, "bees") == []
    assert await handbook.search(OURS, UUID(int=99), "bees") == []


@pytest.mark.parametrize(
    "query", ["search_languages", "search_words", "search_meaning", "search_passages", "unembedded"]
)
async def test_each_query_asks_for_the_organisation(handbook: Retriever, pool: Pool, query: str) -> None:
    embedder = Stub()
    await Retriever(pool, embedder).embed(OURS, BASE)
    asked = {"knowledge_base_id": BASE, "languages": ["en"], "questions": ["bees"], "question": [1.0, 2.0], "most": 5}
    asked |= {"embedder": "other" if query == "unembedded" else embedder.name}
    async with transaction(pool) as connection:
        ids = await (await connection.execute("select array_agg(id) from coursewright.passages")).fetchone()
        for organisation, found in ((OURS, True), (THEIRS, False)):
            keys = asked | {"organisation_id": organisation, "ids": (ids or ([],))[0]}
            rows = await (await connection.execute(sql("coursewright.documents", query), keys)).fetchall()
            assert bool(rows) is found


async def test_a_connection_that_acts_for_an_organisation_finds_its_own_only(handbook: Retriever, pool: Pool) -> None:
    ours, theirs = (Retriever(cast("Pool", ScopedPool(pool, each))) for each in (OURS, THEIRS))
    assert await ours.search(OURS, BASE, "bees") == await handbook.search(OURS, BASE, "bees")
    assert await theirs.search(OURS, BASE, "bees") == []  # row level security, where a query's own condition is wrong
    async with ScopedPool(pool, THEIRS).connection() as connection:
        for table in ("passage_words", "document_parts"):
            count = SQL("select count(*) from coursewright.{}").format(Identifier(table))
            assert await (await connection.execute(count)).fetchone() == (0,)


@pytest.mark.parametrize("question", ["", "?", "the", "'); drop table", "\x00", "\ue000bee\ue001", "a" * 10_000, "🐝"])
async def test_odd_questions_are_answered_calmly(handbook: Retriever, question: str) -> None:
    hits = await handbook.search(OURS, BASE, question, limit=2)
    assert len(hits) <= 2


async def test_reading_again_forgets_what_the_document_said(store: DocumentStore, pool: Pool) -> None:
    await _keep(
        store,
        BASE,
        "a.md",
        b"# One\n\nThe walnuts of this tree are nuts, and they ripen late in the autumn of the year.\n",
    )
    await _keep(
        store,
        BASE,
        "a.md",
        b"# One\n\nThe peas of this plant are not nuts, and they ripen early in the summer of the year.\n",
    )
    assert await Retriever(pool).search(OURS, BASE, "walnut") == []
    assert len(await Retriever(pool).search(OURS, BASE, "pea")) == 1


async def test_a_knowledge_base_that_is_removed_leaves_no_words(store: DocumentStore, pool: Pool) -> None:
    await keep_all_languages(store)
    async with transaction(pool) as connection:
        await connection.execute("delete from coursewright.knowledge_bases where id = %s", [BASE])
        for table in ("passages", "passage_words", "document_parts", "passage_embeddings"):
            count = SQL("select count(*) from coursewright.{}").format(Identifier(table))
            row = await (await connection.execute(count)).fetchone()
            assert row == (0,)


needs_embedder = pytest.mark.skipif(bool(missing_packages()), reason=f"not installed: {', '.join(missing_packages())}")

MEANINGS = (
    "# Book\n\n## Calm\n\nSmoke soothes the insects before the hive is opened.\n\n## Harvest\n\nRipe honey is capped "
    "and holds little water.\n\n## Winter\n\nThe cluster keeps warm by shivering, and the "
    "winter bees live for many months on what was stored in the summer, while nothing at all grows outside.\n\n"
    "## Rauch\n\n"
    "Der Rauch beruhigt die Bienen am Flugloch, und das geht bei jedem Wetter sehr schnell vor sich.\n"
)


@needs_embedder
async def test_meaning_finds_what_words_do_not(store: DocumentStore, pool: Pool) -> None:
    await _keep(store, BASE, "book.md", MEANINGS.encode())
    question = "What can a keeper do to relax angry animals?"
    assert await Retriever(pool).search(OURS, BASE, question) == []
    async with open_embedder("minilm") as embedder:
        retriever = Retriever(pool, embedder)
        assert await retriever.embed(OURS, BASE) == 3  # the German passage is not for it
        (first, *_) = await retriever.search(OURS, BASE, question)
        assert first.passage.heading_path[-1] == "Calm"
        assert (first.lexical_rank, first.dense_rank, first.score) == (None, 1, 1.0)
        german = await retriever.search(OURS, BASE, "Was beruhigt die Bienen?")
        assert [hit.dense_rank for hit in german] == [None]
        assert await retriever.search(THEIRS, BASE, question) == []


class Stub:
    """An embedder that counts its texts and stops at a given one."""

    name, dimensions, languages, batch = "stub", 2, frozenset({"en"}), 2

    def __init__(self, most: int = 1 << 30) -> None:
        self.seen: list[str] = []
        self._most = most

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if len(self.seen) + len(texts) > self._most:
            raise ConfigurationError("stopped")
        self.seen += texts
        return [[1.0, float(len(text))] for text in texts]


async def test_embedding_goes_on_where_it_stopped(store: DocumentStore, pool: Pool) -> None:
    text = "# Book\n\n" + "\n\n".join(f"## Part {n}\n\nHere is what part {n} of the book says." for n in range(7))
    await _keep(store, BASE, "book.md", text.encode())
    stopped, whole, again = Stub(most=5), Stub(), Stub()
    with pytest.raises(ConfigurationError):
        await Retriever(pool, stopped).embed(OURS, BASE)
    progress: list[tuple[int, int]] = []
    assert await Retriever(pool, whole).embed(OURS, BASE, lambda done, total: progress.append((done, total))) == 3
    assert progress == [(2, 3), (3, 3)]
    assert len({*stopped.seen, *whole.seen}) == len(stopped.seen) + len(whole.seen) == 7
    assert await Retriever(pool, again).embed(OURS, BASE) == 0
    assert again.seen == []


async def test_vectors_are_searched_by_an_index(store: DocumentStore, pool: Pool) -> None:
    await _keep(store, BASE, "book.md", MEANINGS.encode())
    await Retriever(pool, Stub()).embed(OURS, BASE)
    async with transaction(pool) as connection:
        cursor = await connection.execute(
            "select indexdef from pg_indexes where indexname like 'passage_embeddings_stub%'"
        )
        (definition,) = await cursor.fetchone() or ("",)
    assert "USING hnsw" in definition
    assert "embedder = 'stub'" in definition


@needs_embedder
async def test_the_embedder_survives_the_death_of_its_subprocess() -> None:
    embedder = MiniLM()
    try:
        (before,) = await embedder.embed(["bees"])
        assert len(before) == embedder.dimensions
        assert sum(value * value for value in before) == pytest.approx(1, abs=1e-3)
        assert embedder.process_id
        os.kill(embedder.process_id, signal.SIGKILL)
        assert (await embedder.embed(["bees"]))[0] == pytest.approx(before, abs=1e-3)
    finally:
        await embedder.stop()


async def test_an_embedder_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no embedder 'other'"):
        async with open_embedder("other"):
            pass
