"""A learner uses the site in a real Chromium, from the file system and without a network."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from coursewright.course.quality import measure
from coursewright.exporters.export import export
from tests.sample_course import sample_course

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.xdist_group("site"),
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("course")
    for language in ("en", "ar"):
        course = sample_course(language)
        export(course, measure(course), ["site"], out=out / language)
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when the console complains, something is asked of a network, or a script got in."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda r: complaints.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    yield opened
    hacked = opened.evaluate("window.hacked")
    opened.close()
    assert complaints == []
    assert hacked is None


def show(page: Page, site: Path, name: str, language: str = "en") -> None:
    page.goto((site / language / "site" / name).as_uri())


@pytest.mark.parametrize("name", ["index.html", "lesson-1-1.html", "quiz-1.html", "sources.html", "print.html"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_phone_scrolls_in_one_direction_only(page: Page, site: Path, name: str, language: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    show(page, site, name, language)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "lesson-1-1.html", "sources.html"])
def test_axe_finds_nothing(browser: Browser, site: Path, name: str, scheme: str) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True)
    opened = context.new_page()
    opened.goto((site / "en" / "site" / name).as_uri())
    violations = Axe().run(opened).response["violations"]
    context.close()
    assert [(found["id"], [node["target"] for node in found["nodes"]]) for found in violations] == []


def test_search_finds_a_section_by_keyboard(page: Page, site: Path) -> None:
    show(page, site, "index.html")
    page.keyboard.press("/")
    page.keyboard.type("depend")
    page.locator(".search-results a").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/lesson-1-2.html#sec-steps")


def test_a_citation_opens_its_passage_and_gives_the_focus_back(page: Page, site: Path) -> None:
    show(page, site, "lesson-1-1.html")
    marker = page.locator(".cite").first
    marker.focus()
    page.keyboard.press("Enter")
    page.locator("#source[open]").wait_for()
    assert "A package index is the list" in page.locator("#source mark").inner_text()
    assert "Keeping a system current" in page.locator(".source-path").inner_text()
    page.keyboard.press("Escape")
    assert marker.evaluate("element => element === document.activeElement")


def test_every_kind_of_question_judges_an_answer(page: Page, site: Path) -> None:
    show(page, site, "lesson-1-1.html")
    page.get_by_label("A server that holds packages and their index").check()
    verdict = check(page, "multiple_choice")
    assert verdict.startswith("✗")
    page.get_by_label("The list of packages that a repository offers").check()
    assert check(page, "multiple_choice").startswith("✓")
    page.get_by_role("checkbox", name="Packages").check()
    page.get_by_label("An index").check()
    assert check(page, "multiple_response").startswith("✓")
    page.get_by_label("True").check()
    assert check(page, "true_false").startswith("✓")
    page.get_by_label("dependency").select_option("m1")
    page.get_by_label("repository", exact=True).select_option("m0")
    assert check(page, "matching").startswith("✓")
    assert check(page, "ordering").startswith("✗")
    for name, moves in (("Move up: Refresh the index", 1), ("Move up: Choose the package by name", 2)):
        for _ in range(moves):
            page.get_by_role("button", name=name).press("Enter")
    assert check(page, "ordering").startswith("✓")
    page.get_by_label("Gap 1").fill("Repository")
    page.get_by_label("Gap 2").fill("index ")
    assert check(page, "cloze").startswith("✓")
    page.locator(".short_answer input").fill("APT update")
    assert check(page, "short_answer").startswith("✓")
    assert page.locator(".score").inner_text() == "7 of 7 right"


def check(page: Page, kind: str) -> str:
    form = page.locator(f"form.{kind}")
    form.get_by_role("button", name="Check").click()
    return form.locator(".verdict").inner_text()


def test_progress_is_kept_between_pages(page: Page, site: Path) -> None:
    show(page, site, "lesson-1-1.html")
    page.get_by_role("button", name="Mark as done").click()
    show(page, site, "index.html")
    assert page.locator("#progress-text").inner_text() == "1 of 2 lessons done"
    assert page.locator("#start").inner_text() == "Continue"


def widths(page: Page, selector: str) -> list[float]:
    found: list[float] = page.locator(selector).evaluate_all(
        "elements => elements.map(each => each.getBoundingClientRect().width)"
    )
    return found


def test_escape_closes_the_search_even_when_it_holds_words(page: Page, site: Path) -> None:
    show(page, site, "index.html")
    page.keyboard.press("/")
    page.keyboard.type("depend")
    page.locator(".search-results a").first.wait_for()
    page.keyboard.press("Escape")
    page.locator("#search").wait_for(state="hidden")


def test_every_kind_of_question_can_be_answered_with_the_keyboard_alone(page: Page, site: Path) -> None:
    show(page, site, "lesson-1-1.html")

    def answer(kind: str, first: str, *keys: str) -> str:
        form = page.locator(f"form.{kind}")
        form.locator(first).first.focus()
        for key in keys:
            page.keyboard.press(key)
        for _ in range(20):
            if form.get_by_role("button", name="Check").evaluate("each => each === document.activeElement"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        return form.locator(".verdict").inner_text()

    assert answer("multiple_choice", "input", "Space", "ArrowDown")
    assert answer("multiple_response", "input", "Space", "Tab", "Space")
    assert answer("true_false", "input", "Space")
    assert answer("matching", "select", "ArrowDown", "Tab", "ArrowDown", "ArrowDown")
    assert answer("ordering", "[data-move='1']", "Enter")
    assert answer("cloze", "input", "x", "Tab", "y")
    assert answer("short_answer", "input", "x")
    assert "of 7 right" in page.locator(".score").inner_text()


def test_the_printed_course_has_its_answers_at_the_end(page: Page, site: Path) -> None:
    show(page, site, "print.html")
    page.emulate_media(media="print")
    questions = page.locator(".sheet > li").count()
    assert page.locator(".answers > ol > li").count() == questions > 0
    assert page.locator(".sheet").last.evaluate(
        "sheet => sheet.compareDocumentPosition(document.querySelector('.answers')) & Node.DOCUMENT_POSITION_FOLLOWING"
    )


def test_the_menu_of_a_phone_opens_and_closes(page: Page, site: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(reduced_motion="reduce")
    show(page, site, "index.html")
    link = page.locator("#menu").get_by_role("link", name="Installing a package")
    assert not link.is_visible()
    page.get_by_role("button", name="Menu").click()
    link.wait_for()
    box, bar = page.locator("#menu").bounding_box(), page.locator(".top").bounding_box()
    assert box is not None
    assert bar is not None
    assert box["y"] + box["height"] == 844  # to the lower edge
    assert all(width > 0.8 * box["width"] for width in widths(page, "#menu > *"))  # one below the other
    page.keyboard.press("Escape")
    link.wait_for(state="hidden")


@pytest.mark.parametrize(
    "typed, written, found",
    [
        ("securite", "La sécurité du système", "sécurité"),
        ("strasse", "Die Straße zum Hafen", "Straße"),
        ("الحزمه", "بنية الحَزْمة المصدرية", "الحَزْمة"),
        ("バグ", "このバグは既知です", "バグ"),
        ("ＡＰＴ", "Die APT-Werkzeuge", "APT"),
        ("l'outil", "Avec l’outil de secours", "l’outil"),
    ],
)
def test_search_shows_the_words_as_the_course_writes_them(
    page: Page, site: Path, typed: str, written: str, found: str
) -> None:
    show(page, site, "index.html")
    page.evaluate(
        "written => Object.defineProperty(window, 'courseSearch', "
        "{ get: () => [['index.html', 'a', 'L', 'S', written]], set: () => {} })",
        written,
    )
    page.keyboard.press("/")
    page.locator("#search input").fill(typed)
    assert page.locator(".search-results mark").inner_text() == found


def test_kana_with_and_without_voicing_are_other_letters(page: Page, site: Path) -> None:
    show(page, site, "index.html")
    assert page.evaluate("coursePlain('バス') !== coursePlain('パス') && coursePlain('ﾊﾞｽ') === coursePlain('バス')")


@pytest.mark.parametrize("name", ["lesson-1-1.html", "quiz-1.html"])
def test_code_in_a_right_to_left_page_reads_from_the_left(page: Page, site: Path, name: str) -> None:
    show(page, site, name, "ar")
    directions = page.locator("code").evaluate_all(
        "codes => codes.map(code => [getComputedStyle(code).direction, getComputedStyle(code).unicodeBidi])"
    )
    assert all(direction == "ltr" for direction, _ in directions)
    menu, article = page.locator("#menu").bounding_box(), page.locator("main").bounding_box()
    assert menu is not None
    assert article is not None
    assert menu["x"] > article["x"]
