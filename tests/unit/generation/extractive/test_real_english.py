"""Rules for English, each with the words of a real manual that once went wrong."""

import pytest

from coursewright.course.plan import Concept, CourseRequest
from coursewright.generation.authors.extractive.acronyms import expansions
from coursewright.generation.authors.extractive.blocks import blocks
from coursewright.generation.authors.extractive.catalogue import catalogue
from coursewright.generation.authors.extractive.concepts import find_concepts, predicate
from coursewright.generation.authors.extractive.material import lesson_passages
from coursewright.generation.authors.extractive.questions.definition import defined, on_definitions
from coursewright.generation.authors.extractive.questions.describe import describing
from coursewright.generation.authors.extractive.questions.lookup import lookups
from coursewright.generation.authors.extractive.reading_order import in_reading_order
from coursewright.generation.authors.extractive.section import shown_blocks
from coursewright.generation.authors.extractive.sentences import is_standalone
from coursewright.generation.authors.extractive.titles import is_matter
from tests.unit.generation.extractive.factory import passages
from tests.unit.generation.extractive.handbook import WORKSHOP
from tests.unit.generation.extractive.test_course import Made

EN = catalogue("en")
FILLER = "Administrators of every age keep notes of what they change on each of the machines in their care. "


@pytest.mark.parametrize(
    "text, short, long",
    [
        ("It is called Serializable Snapshot Isolation (SSI) in papers.", "SSI", "Serializable Snapshot Isolation"),
        ("This was the Debian Project leader's (DPL) first term.", "DPL", "Debian Project leader"),
    ],
)
def test_an_acronym_stands_for_all_of_its_words(text: str, short: str, long: str) -> None:
    assert [(found, text[start:end]) for found, start, end in expansions(text)] == [(short, long)]


@pytest.mark.parametrize(
    "sentence, term, does",
    [
        (
            "The `raise` statement allows the programmer to force a specified exception to occur.",
            "raise",
            "allows the programmer to force a specified exception to occur",
        ),
        (
            "`apropos` returns a list of manual pages whose summary mentions the requested keywords.",
            "apropos",
            "returns a list of manual pages whose summary mentions the requested keywords",
        ),
        (
            "The `Conflicts` field indicates when a package cannot be installed simultaneously with another.",
            "Conflicts",
            "indicates when a package cannot be installed simultaneously with another",
        ),
    ],
)
def test_what_a_thing_does_is_a_concept(sentence: str, term: str, does: str) -> None:
    (concept,) = find_concepts(passages(f"# Tools\n\n{sentence} Read more of `{term}` in its manual."), EN)
    assert (concept.term, concept.kind, predicate(concept, EN)) == (term, "role", does)


@pytest.mark.parametrize(
    "sentence",
    [
        "Valid attribute names are all the names that were in the namespace when the class was created.",
        "The `buildd` program runs on them continuously and creates binary packages for `arm64` from sources.",
        "The function `value’s` return type is defined as the return type of the function that it calls.",
        "The class `condition_variable` allows us to do so by offering members that expect a lock.",
        "The Debian package format is designed so that its content may be extracted on any Unix system.",
    ],
)
def test_what_only_looks_like_a_role_is_none(sentence: str) -> None:
    assert find_concepts(passages(f"# Tools\n\n{sentence} {sentence} {sentence}"), EN) == ()


def test_options_that_say_what_a_thing_does_share_their_form() -> None:
    text = "\n\n".join(
        (
            "The `jobs` command lists the processes running in the background. Type `jobs` twice.",
            "The `logcheck` program monitors log files every hour without help. Read the mail of `logcheck`.",
            "The `nft` command changes tables and chains of the packet filter. The rules of `nft` are new.",
            "The `rsync` command copies trees of files between two distant hosts. Every copy of `rsync` is new.",
            "A mirror is a public server holding copies of the master archive. A mirror near you is quick. Any mirror.",
        )
    )
    concepts = list(find_concepts(passages(f"# Tools\n\n{text}"), EN))
    drafts = list(on_definitions(defined({"s": concepts}, EN), EN))
    asked = [draft for draft in drafts if draft.options and draft.form == "definition"]
    assert {draft.subjects[0] for draft in asked} >= {"jobs", "logcheck"}
    assert all("mirror" not in text.casefold() and "A public" not in text for d in asked for text, _ in d.options)
    assert {draft.stem for draft in asked} >= {"Which of these describes “jobs”?"}


def test_numbers_without_a_stop_are_numbers_only_in_sequence() -> None:
    numbered = in_reading_order(passages("# 1 Start\n\nText one.\n\n# 2 Middle\n\nText two.\n\n# 3 End\n\nText."), EN)
    assert [passage.heading_path for passage in numbered] == [("1. Start",), ("2. Middle",), ("3. End",)]
    alone = in_reading_order(passages("# 3 ways to cook rice\n\nText.\n\n# Rice and beans\n\nText."), EN)
    assert alone[0].heading_path == ("3 ways to cook rice",)


def test_a_welcome_page_comes_first() -> None:
    order = in_reading_order(
        passages(
            **{
                "a.html": "# 2. Second\n\nText.",
                "b.html": "# 1. First\n\nText.",
                "index.html": "# The Tutorial\n\nText.",
            }
        ),
        EN,
    )
    assert [passage.document for passage in order] == ["index.html", "b.html", "a.html"]


def test_an_agenda_is_left_out() -> None:
    agenda = "# Agenda of today\n\nCreating packages\n\nBuilding packages\n\nMaintaining packages in Debian"
    chapters = "".join(
        f"\n\n# {title}\n\n{FILLER}"
        for title in ("Creating packages", "Building packages", "Maintaining packages in Debian")
    )
    kept, _ = lesson_passages(passages(agenda + chapters), EN)
    assert [passage.heading_path[0] for passage in kept] == [
        "Creating packages",
        "Building packages",
        "Maintaining packages in Debian",
    ]


@pytest.mark.parametrize("heading", ["Function and variable index", "Concept index", "Index", "Subject Index"])
def test_an_index_is_no_lesson(heading: str) -> None:
    assert is_matter(heading, EN)


@pytest.mark.parametrize("heading", ["Index vectors", "Creating an index", "Partial Indexes"])
def test_a_lesson_on_indexes_is_one(heading: str) -> None:
    assert not is_matter(heading, EN)


def test_a_listing_stays_with_its_explanation_and_a_reference_with_what_it_refers_to() -> None:
    paragraphs = [
        f"Paragraph {number} of the text has words of its own, such as {number * 7}. {FILLER * 5}"
        for number in range(12)
    ]
    paragraphs[5] = "Sorting is done by the function sort, which returns a new list of the same things." + FILLER
    paragraphs.insert(6, "    print(sort(things))")
    paragraphs.insert(7, "However, this function leaves the list that it was given as it is.")
    shown = shown_blocks(passages("# Text\n\n" + "\n\n".join(paragraphs)), (), EN)
    texts = [block.text for block in shown]
    assert len(texts) < len(paragraphs)
    listing = "    print(sort(things))" in texts
    assert listing == any(text.startswith("Sorting is done") for text in texts)
    assert listing == any(text.startswith("However") for text in texts)


def test_what_is_defined_is_shown_however_long_the_section() -> None:
    definition = "A mirror is a public server hosting copies of all the files of the master archive."
    text = "\n\n".join(
        [*(f"{FILLER * 6} Number {number}." for number in range(12)), f"{definition} A mirror. One mirror."]
    )
    given = passages(f"# Text\n\n{text}")
    concepts = find_concepts(given, EN)
    assert [concept.term for concept in concepts] == ["mirror"]
    shown = shown_blocks(given, concepts, EN)
    assert any(definition in block.text for block in shown)
    assert sum(len(block.text.split()) for block in shown) < 700


def test_commands_set_as_paragraphs_are_code() -> None:
    (passage,) = passages("# Build\n\nBuild it by executing:\n\n$ dpkg-buildpackage -b -uc -us")
    assert [block.kind for block in blocks(passage, "en")] == ["paragraph", "code"]


def test_a_lesson_does_not_repeat_what_an_earlier_one_said() -> None:
    said = "The answers to the practical sessions stand at the end of the tutorial for all participants to read."
    own = {
        title: " ".join(f"{title} has its own sentence with number {n} in the book." for n in range(40))
        for title in ("Apples", "Pears", "Plums")
    }
    chapters = "\n\n".join(f"# {title}\n\n{text}\n\n{said}" for title, text in own.items())
    made = Made(passages(chapters), CourseRequest(modules=1, lessons=3))
    assert [block.text for section in made.sections for block in section.blocks].count(said) == 1


TABLE = """# Plants

The table of plants shows what each of them gives to the bees of the apiary.

| Days | Gives mainly | Place |
|---|---|---|
| 1 to 3 | Nectar and pollen | On meadows |
| 4 to 6 | Only honeydew | In the forest |
| 7 to 9 | Sweet nectar | On stony hills |
| 10 to 12 | Sticky resin of poplars | In bare gardens |
| 13 to 15 | Clean water | In every ditch |
"""


def test_a_look_up_names_the_column_of_a_row_of_figures_and_offers_no_half_right_cell() -> None:
    draft = next(lookups(tuple(blocks(passages(TABLE)[0], "en")), "s", EN))
    assert draft.stem.startswith("“Days 1 to 3”: what stands under “Gives mainly”")
    assert ("Nectar and pollen", True) in draft.options
    assert "Sweet nectar" not in dict(draft.options)


def test_main_points_are_whole_sentences_and_cited() -> None:
    given = passages(
        "# Vectors\n\nVectors can be used in arithmetic expressions, and operations are performed element by element. "
        "The lists are archived at https://lists.debian.org/ for everybody who wants to read them. "
        "The elementary arithmetic operators are the ones that every learner knows from the lessons at school."
    )
    (draft,) = describing("Vectors", tuple(blocks(given[0], "en")), "s", EN)
    assert draft.answers[0].startswith("Vectors can be used")
    assert "https" not in draft.answers[0]
    assert all(quote in given[0].text for _, quote in draft.citations)
    assert list(describing("What is a vector?", tuple(blocks(given[0], "en")), "s", EN)) == []


def test_the_points_of_slides_are_their_items() -> None:
    slides = "# Deb\n\n- a convenient way to ship software\n\n- one of two common formats\n\n- built for twelve ports"
    (draft,) = describing("Deb", tuple(blocks(passages(slides)[0], "en")), "s", EN)
    assert draft.answers == (
        "- a convenient way to ship software\n- one of two common formats\n- built for twelve ports",
    )


def test_a_set_asks_only_about_its_own_sections() -> None:
    tools = {
        "lathe": "turning machine",
        "anvil": "block of iron",
        "plane": "smoothing blade",
        "clamp": "holding frame",
    }
    chapters = "\n\n".join(
        f"# The {name}\n\nA {name} is a {what} that people use at work. The {name} is old. One {name}. {FILLER * 8}"
        for name, what in tools.items()
    )
    made = Made(passages(chapters), CourseRequest(modules=2, lessons=1))
    assert len(made.analysis.concepts) == 4
    for module in made.outline.modules:
        own = {one for lesson in module.lessons for plan in lesson.sections for one in plan.passage_ids}
        for plan in (module.quiz, *(lesson.assessment for lesson in module.lessons)):
            assert own.issuperset(plan.passage_ids)


@pytest.mark.parametrize(
    "sentence",
    [
        "You can also choose a different default shell for every account.",
        "When it reaches perfection, the maintainer has completed the work on the package.",
        "Knowing that they exist will at least allow you to decide what to do with the files.",
    ],
)
def test_a_sentence_that_goes_on_from_another_does_not_stand_alone(sentence: str) -> None:
    assert not is_standalone(sentence, EN)


def test_the_course_is_named_after_the_welcome_page() -> None:
    chapters = {"a.html": f"# 1. First\n\n{FILLER * 20}", "b.html": f"# 2. Second\n\n{FILLER * 20}"}
    made = Made(passages(**chapters, **{"index.html": f"# The Tutorial\n\n{FILLER * 20}"}))
    assert made.outline.title == "The Tutorial"


BEES = """# Bees

Four tools do nearly all the work at a hive. A smoker is a tin with bellows in which dry plant material glows and gives
cool, white smoke. Wash the tools in a solution of washing soda between colonies, because spores travel with them.

A smoker goes out where the fuel is wet. Keep the smoker upright on bare ground or metal between two inspections.

The viruses do most of the harm, above all deformed wing virus (DWV). Substances from the glands of the queen, known
together as queen mandibular pheromone (QMP), tell the colony within hours whether a queen is present.
"""


def test_a_summary_neither_announces_nor_says_a_definition_again_and_acronyms_come_in_sentences() -> None:
    made = Made(passages(BEES.replace("# Bees", "# The smoker and other tools")))
    (section,) = made.sections
    shown = {concept.term: concept.explanation for concept in section.key_concepts}
    assert set(shown) == {"smoker", "QMP"}  # what stands "above all" refers to more than is shown
    assert all(explanation.endswith(".") for explanation in shown.values())
    assert section.summary
    assert section.summary not in {*shown.values(), "Four tools do nearly all the work at a hive."}


def test_a_summary_is_no_detail_from_the_middle() -> None:
    (section,) = Made(passages(BEES)).sections  # its sentences on bees say a definition, or announce
    assert section.summary == ""


def test_a_term_that_is_mentioned_once_is_no_key_concept() -> None:
    glossary = "# Glossary\n\n- **Skep**: Basket of straw that housed bees.\n- **Super**: Box in which honey is stored."
    text = "# Boxes\n\nA super stands above the excluder, and the super is lifted first. Nobody needs a skep for this."
    made = Made(passages(f"{text}\n\n{FILLER * 4}", glossary))
    assert [concept.term for section in made.sections for concept in section.key_concepts] == ["super"]


def test_one_term_is_no_recap() -> None:
    text = (
        "# Bees\n\nA smoker is a tin with bellows in which dry plant material glows. Fill the smoker, light the smoker."
    )
    (script,) = Made(passages(text)).scripts
    assert not [segment.text for segment in script.segments if segment.text.startswith("To remember")]


def test_course_objectives_name_concepts_of_every_module() -> None:
    made = Made(passages(WORKSHOP), CourseRequest(modules=2))
    objectives = made.outline.objectives
    assert objectives
    assert not [one for one in objectives if one.startswith("Match terms")]
    for module in made.outline.modules:
        own = {*module.objectives, *(one for lesson in module.lessons for one in lesson.objectives)}
        assert own & set(objectives)


def test_a_term_without_three_others_of_its_form_is_asked_for_in_writing() -> None:
    said = {
        "smoker": "A smoker is a tin with bellows in which dry plant material glows.",
        "hive tool": "A hive tool is a flat steel lever that loosens boxes.",
        "drone": "A drone is a male bee that hatches from an unfertilised egg.",
    }
    concepts = [Concept(term=t, definition=text, passage_id="p-1", kind="copula") for t, text in said.items()]
    drafts = [draft for draft in on_definitions(defined({"s": concepts}, EN), EN) if draft.form == "term"]
    assert [(draft.kind, draft.answers) for draft in drafts] == [("short_answer", (term,)) for term in said]
