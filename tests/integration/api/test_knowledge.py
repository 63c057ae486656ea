"""Documents in: from forms and from the web, read in the background, within limits; and out again."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler
from uuid import UUID, uuid4

import pytest

from coursewright.db.pool import Pool
from coursewright.documents.fetch import Fetcher
from coursewright.documents.intake import Intake
from coursewright.documents.library import document_name
from coursewright.errors import CoursewrightError, InvalidRequest, TooLarge, UnreadableDocument
from coursewright.settings import ApiSettings, DocumentSettings
from tests.integration.api.conftest import Service, served
from tests.loopback import web_server

PAGE = b"<html lang='en'><title>Bees</title><h1>Bees</h1><p>Bees live in colonies of many thousands.</p></html>"


async def _documents(service: Service, base: UUID | str) -> dict[str, dict[str, object]]:
    answer = await service.ours.http.get("/api/knowledge-base/documents", params={"base_class_id": str(base)})
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["documents"]}


async def _upload(service: Service, name: str, content: bytes, base: UUID) -> int:
    answer = await service.ours.http.post(
        "/api/knowledge-base/upload", files={"file": (name, content)}, data={"base_class_id": str(base)}
    )
    return answer.status_code


async def test_a_document_is_queued_then_read(service: Service) -> None:
    base = uuid4()
    assert await _upload(service, "bees.html", PAGE, base) == 202
    assert (await _documents(service, base))["bees.html"]["status"] == "queued"
    assert await service.program.intake.once() == 1
    read = (await _documents(service, base))["bees.html"]
    assert read["status"] == "completed"
    assert read["title"] == "Bees"
    assert read["passages"] == 1


async def test_a_document_that_cannot_be_read_says_why(service: Service) -> None:
    base = uuid4()
    await _upload(service, "broken.pdf", b"%PDF-1.7 broken", base)
    await service.program.intake.once()
    read = (await _documents(service, base))["broken.pdf"]
    assert read["status"] == "error"
    assert read["error"]
    assert read["hint"]


@pytest.mark.parametrize(
    "name, content",
    [
        ("setup.exe", b"MZ\x90\x00" + bytes(60)),
        ("harmless.md", b"MZ\x90\x00" + bytes(60)),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(60)),
        ("old.doc", b"\xd0\xcf\x11\xe0" + bytes(60) + "WordDocument".encode("utf-16-le")),
        ("notes.rst", b"Notes\n=====\n"),
    ],
)
async def test_a_type_that_is_never_read_is_refused_at_once(service: Service, name: str, content: bytes) -> None:
    base = uuid4()
    answer = await service.ours.http.post(
        "/api/knowledge-base/upload", files={"file": (name, content)}, data={"base_class_id": str(base)}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_document")
    assert "which is not read" in answer.json()["error"]
    assert answer.json()["hint"]
    listed = await service.ours.http.get("/api/knowledge-base/documents", params={"base_class_id": str(base)})
    assert listed.status_code == 404  # nothing was kept


ITALIAN = """# Le api

## La famiglia

Le api vivono in famiglie di molte migliaia di individui. Una sola regina depone le uova, mentre le operaie raccolgono
il nettare e il polline e curano la covata. I fuchi nascono in primavera e muoiono prima dell'inverno.

## Il miele

Il miele si raccoglie in estate, quando i favi sono pieni e chiusi con la cera. L'apicoltore lascia sempre una parte
delle scorte alla famiglia, perché possa superare i mesi freddi.
"""


@pytest.mark.parametrize(
    "language, text",
    [("it", ITALIAN), ("zh", "# 蜜蜂\n\n" + "蜜蜂生活在由数千只个体组成的群体中。工蜂采集花蜜和花粉。" * 20)],
)
async def test_what_a_base_is_good_for_is_told_in_languages_that_take_a_model(
    service: Service, language: str, text: str
) -> None:
    base = uuid4()
    await _upload(service, "api.md", text.encode(), base)
    await service.program.intake.drain()
    for _ in range(2):  # the second is the stored one
        answer = await service.ours.http.get("/api/course-generation/v2", params={"baseClassId": str(base)})
        assert answer.status_code == 200, answer.text
        found = answer.json()["knowledgeBaseAnalysis"]
        assert (found["totalDocuments"], found["contentDepth"]) == (1, "minimal")
        assert found["totalChunks"] > 0
        assert found["analysisDetails"]["learningObjectives"] == []
        assert answer.json()["recommendedMode"] == "kb_supplemented"
    assert (await service.program.organisation(service.ours.organisation).analysis(base)).analysis.language == language


async def test_the_same_file_again_changes_nothing_and_another_one_replaces_it(service: Service) -> None:
    base = uuid4()
    await _upload(service, "bees.html", PAGE, base)
    await service.program.intake.once()
    first = (await _documents(service, base))["bees.html"]
    await _upload(service, "bees.html", PAGE, base)
    assert (await _documents(service, base))["bees.html"] == first
    await _upload(service, "bees.html", PAGE.replace(b"Bees", b"Wasps"), base)
    assert (await _documents(service, base))["bees.html"]["status"] == "queued"
    await service.program.intake.once()
    second = (await _documents(service, base))["bees.html"]
    assert (second["id"], second["title"]) == (first["id"], "Wasps")


@pytest.mark.parametrize("form", [{}, {"base_class_id": "x"}], ids=["no file", "no uuid"])
async def test_a_wrong_form_is_refused(service: Service, form: dict[str, str]) -> None:
    files = {"file": ("a.md", b"# A\n\nText.")} if form else {"other": ("a.md", b"x")}
    answer = await service.ours.http.post("/api/knowledge-base/upload", files=files, data=form)
    assert answer.status_code == 422


async def test_no_form_at_all_is_refused(service: Service) -> None:
    answer = await service.ours.http.post("/api/knowledge-base/upload", content=b"x")
    assert answer.status_code == 422


async def test_uploads_have_limits_of_size_and_number(pool: Pool, database_url: str) -> None:
    async with served(pool, database_url, api={"max_upload_mb": 1, "max_documents": 2}) as service:
        base = uuid4()
        assert await _upload(service, "large.txt", b"x" * (3 << 20), base) == 413
        for name in ("a.md", "b.md"):
            assert await _upload(service, name, b"# A\n\nText.", base) == 202
        assert await _upload(service, "c.md", b"# C\n\nText.", base) == 413
        assert await _upload(service, "b.md", b"# B\n\nOther text.", base) == 202


@pytest.mark.parametrize(
    "given, kept",
    [
        ("../../etc/passwd", "etc/passwd"),
        ("C:\\Users\\me\\notes.md", "C:/Users/me/notes.md"),
        ("a\x00\n\u202eb.md", "ab.md"),
        ("x" * 400 + ".html", "x" * 295 + ".html"),
        ("bücher/kapitel 1.md", "bücher/kapitel 1.md"),
    ],
)
def test_names_are_kept_without_tricks(given: str, kept: str) -> None:
    assert document_name(given) == kept


def test_a_file_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        document_name("../")


async def test_a_reader_that_dies_costs_nothing(service: Service, pool: Pool) -> None:
    base = uuid4()
    await _upload(service, "bees.html", PAGE, base)
    settings = DocumentSettings(readers=1)

    async def never(_: str) -> tuple[bytes, str | None]:
        raise AssertionError

    async def nothing(_: UUID, __: UUID) -> None:
        raise AssertionError

    dead = Intake(pool, settings, never, nothing)
    assert len(await dead._claim(8)) == 1  # and nothing more is heard of it
    assert await service.program.intake.once() == 0
    async with pool.connection() as connection:
        await connection.execute("update coursewright.documents set read_until = now() - interval '1 s'")
    assert await service.program.intake.once() == 1
    assert (await _documents(service, base))["bees.html"]["status"] == "completed"


async def test_a_document_that_nobody_can_cope_with_stops_nobody_elses(service: Service, pool: Pool) -> None:
    answer = await service.ours.http.post("/api/knowledge-base/url", json={"url": "http://1.1.1.1/"})
    poisoned = UUID(answer.json()["baseClassId"])
    base = uuid4()
    await _upload(service, "bees.html", PAGE, base)
    read = asyncio.Event()

    async def defect(_: str) -> tuple[bytes, str | None]:
        raise RuntimeError("a defect")

    async def on_read(_: UUID, knowledge_base_id: UUID) -> None:
        if knowledge_base_id == base:
            read.set()

    running = asyncio.create_task(Intake(pool, DocumentSettings(readers=1), defect, on_read).run(0.01))
    async with asyncio.timeout(60):
        await asyncio.wait([running, asyncio.create_task(read.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert not running.done()
    running.cancel()
    assert (await _documents(service, base))["bees.html"]["status"] == "completed"
    (left,) = (await _documents(service, poisoned)).values()
    assert left["status"] == "processing"  # until its lease ends; then it counts as lost


async def test_a_document_that_keeps_killing_its_readers_is_given_up(service: Service, pool: Pool) -> None:
    base = uuid4()
    await _upload(service, "bees.html", PAGE, base)
    async with pool.connection() as connection:
        await connection.execute(
            """update coursewright.documents
                  set status = 'processing', read_lost = 5, read_until = now() - interval '1 s'"""
        )
    await service.program.intake.once()
    read = (await _documents(service, base))["bees.html"]
    assert read["status"] == "error"
    assert "workers were lost" in str(read["error"])


async def test_forgetting_a_knowledge_base_forgets_what_was_made_of_it(service: Service, pool: Pool) -> None:
    base, job = await service.course()
    assert (await service.ours.http.delete(f"/api/knowledge-base/{base}")).status_code == 200
    assert (await service.ours.http.get(f"/api/courses/{job}")).status_code == 404
    async with pool.connection() as connection:
        for table in ("documents", "document_originals", "passages", "courses", "events", "leases"):
            query = f"select count(*) from coursewright.{table}"  # noqa: S608 (names from above)
            assert await (await connection.execute(query.encode())).fetchone() == (0,), table


# From the web ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    """A server whose pages redirect, hang, are huge, or are simply there."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path in ("/page", "/two%20B%C3%A4ren"):
                self._answer(200, {"Content-Type": "text/html; charset=utf-8"}, PAGE)
            elif path == "/moved":
                self._answer(302, {"Location": "/page"})
            elif path == "/umlaut":
                self._answer(302, {"Location": "/two B\u00c3\u00a4ren"})  # UTF-8, as servers send it
            elif path == "/bracket":
                self._answer(302, {"Location": "http://["})
            elif path == "/loop":
                self._answer(302, {"Location": "/loop"})
            elif path == "/inside":
                self._answer(302, {"Location": "http://169.254.169.254/latest/meta-data"})
            elif path == "/file":
                self._answer(302, {"Location": "file:///etc/passwd"})
            elif path == "/huge":
                self.send_response(200)
                self.end_headers()
                for _ in range(64):
                    self.wfile.write(b"x" * (64 << 10))
            elif path == "/slow":
                self.send_response(200)
                self.end_headers()
                released.wait(30)
            else:
                self._answer(404, {})

        def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    released = threading.Event()
    with web_server(Pages) as url:
        yield url
        released.set()


@pytest.fixture
def fetch() -> Fetcher:
    return Fetcher(ApiSettings(max_upload_mb=1, url_seconds=1, url_networks=("127.0.0.0/8",)))


@pytest.mark.parametrize("path", ["/page", "/moved", "/umlaut"])
async def test_a_page_comes_with_its_type(fetch: Fetcher, web: str, path: str) -> None:
    assert await fetch(web + path) == (PAGE, "text/html")


FAILURES: list[tuple[str, type[CoursewrightError]]] = [
    ("/loop", UnreadableDocument),
    ("/none", UnreadableDocument),
    ("/slow", UnreadableDocument),
    ("/huge", TooLarge),
    ("/inside", InvalidRequest),
    ("/file", InvalidRequest),
    ("/bracket", InvalidRequest),
]


@pytest.mark.parametrize("path, error", FAILURES)
async def test_what_must_not_come_does_not(fetch: Fetcher, web: str, path: str, error: type[CoursewrightError]) -> None:
    with pytest.raises(error):
        await fetch(web + path)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://10.0.0.1/", "http://192.168.1.1/", "http://169.254.169.254/",
        "http://[::1]/", "http://[fd00::1]/", "http://[fe80::1]/", "http://0.0.0.0/", "http://100.64.0.1/",
        "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://2130706433/",
        "http://[::127.0.0.1]/", "http://[fec0::1]/", "http://[64:ff9b:1::7f00:1]/", "http://[::ffff:0:127.0.0.1]/",
        "http://224.0.0.1/", "http://255.255.255.255/", "ftp://example.com/", "file:///etc/passwd", "gopher://1.1.1.1/",
        "http://user:password@1.1.1.1/", "http:///", "http://[/",
    ],
)  # fmt: skip
async def test_only_the_public_web_is_fetched_from(url: str) -> None:
    with pytest.raises(InvalidRequest):
        await Fetcher(ApiSettings()).check(url)


async def test_the_connection_goes_to_the_address_that_was_checked(web: str) -> None:
    """A name that would answer differently the second time (DNS rebinding) is asked once only."""
    answers = iter([["127.0.0.1"]])

    async def once(host: str, _: int) -> list[str]:
        assert host == "rebound.example"
        return next(answers)

    fetch = Fetcher(ApiSettings(url_networks=("127.0.0.0/8",)), once)
    port = web.rpartition(":")[2]
    assert (await fetch(f"http://rebound.example:{port}/page"))[0] == PAGE


async def test_one_address_that_is_not_global_spoils_the_name() -> None:
    async def both(_: str, __: int) -> list[str]:
        return ["1.1.1.1", "10.0.0.1"]

    with pytest.raises(InvalidRequest):
        await Fetcher(ApiSettings(), both).check("http://mixed.example/")


@pytest.fixture
async def open_service(pool: Pool, database_url: str) -> AsyncIterator[Service]:
    async with served(pool, database_url, api={"url_networks": ["127.0.0.0/8"], "url_seconds": 1}) as service:
        yield service


async def test_a_url_becomes_a_document(open_service: Service, web: str) -> None:
    answer = await open_service.ours.http.post("/api/knowledge-base/url", json={"url": f"{web}/page?chapter=2"})
    assert answer.status_code == 202
    base = answer.json()["baseClassId"]
    await open_service.program.intake.once()
    ((name, read),) = (await _documents(open_service, base)).items()
    assert name == "127.0.0.1/page-chapter-2"
    assert (read["status"], read["title"]) == ("completed", "Bees")
    assert read["content_type"] == "text/html"


async def test_a_url_that_fails_says_so_in_its_document(open_service: Service, web: str) -> None:
    answer = await open_service.ours.http.post("/api/knowledge-base/url", json={"url": f"{web}/inside"})
    base = answer.json()["baseClassId"]
    await open_service.program.intake.once()
    (read,) = (await _documents(open_service, base)).values()
    assert read["status"] == "error"
    assert "not on the public internet" in str(read["error"])
