"""Questions to a real handbook in five languages: the section that answers is among the first five."""

from pathlib import Path
from uuid import UUID

import pytest

from coursewright.db.pool import Pool
from coursewright.documents.discover import discover
from coursewright.documents.reading import SourceFile, read_files
from coursewright.documents.retrieve import Retriever
from coursewright.documents.store import DocumentStore
from coursewright.settings import DocumentSettings

HTML = Path(__file__).parents[3] / ".cache/documents/debian-handbook/usr/share/doc/debian-handbook/html"
OURS, BASE = UUID(int=1), UUID(int=10)

# A question and the number of the section that answers it; the handbook has the same sections in all languages.
QUESTIONS = {
    "en-US": {
        "How do I keep log files from growing for ever?": "8.9.3",
        "How do I prefer an older version of a package?": "6.2.5",
        "How can I share a folder with Windows computers?": "11.5",
        "How do I compile my own kernel?": "8.10",
    },
    "de-DE": {
        "Wie sperre ich ein Benutzerkonto?": "8.4.4",
        "Wie verhindere ich, dass alte Protokolldateien die Festplatte füllen?": "8.9.3",
        "Wie übersetze ich meinen eigenen Kernel?": "8.10",
        "Welche RAID-Level gibt es?": "12.1.1.1",
    },
    "fr-FR": {
        "Comment monter un partage Windows ?": "11.5.2.2",
        "Comment mettre à jour vers la prochaine distribution stable ?": "6.7",
        "Pourquoi choisir la distribution Debian ?": "2.4",
        "Comment compiler un noyau ?": "8.10",
    },
    "ja-JP": {
        "パッケージを削除する方法は？": "5.4.2",
        "カーネルを自分でコンパイルしたい": "8.10",
        "暗号化されたパーティションを設定するには": "4.2.13.5",
        "ユーザーアカウントの作成": "8.5",
    },
    "ar-MA": {
        "كيف أزيل حزمة؟": "5.4.2",
        "كيف أنشئ حساب مستخدم جديد؟": "8.5",
        "ما هي مستويات RAID؟": "12.1.1.1",
        "كيف أعد جدار النار؟": "14.2",
    },
}

pytestmark = [
    pytest.mark.real_documents,
    pytest.mark.slow,
    pytest.mark.skipif(not HTML.is_dir(), reason="no Debian handbook: scripts/fetch_documents.sh debian-handbook"),
]


@pytest.mark.parametrize("language", QUESTIONS)
async def test_a_question_finds_its_section_among_the_first_five(pool: Pool, language: str) -> None:
    store, retriever = DocumentStore(pool), Retriever(pool)
    await store.add_knowledge_base(OURS, BASE, language)
    found, _ = discover([HTML / language], 1 << 30)
    for each in found:
        await store.add_document(BASE, each.name, b"", each.sha256)
    async for outcome in read_files([SourceFile(each.name, each.path) for each in found], DocumentSettings()):
        await store.record(BASE, outcome)
    missed = {}
    for question, section in QUESTIONS[language].items():
        hits = await retriever.search(OURS, BASE, question, limit=5)
        headings = [hit.passage.heading_path for hit in hits]
        if not any(heading.startswith(f"{section}.") for path in headings for heading in path):
            missed[question] = [path[-1] for path in headings]
    assert missed == {}
