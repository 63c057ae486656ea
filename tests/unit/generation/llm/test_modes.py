"""What each mode promises, for each kind of text and in several languages: careful answers are taken as they are, what
the sources do not carry is left out or sent back.
"""

from typing import Any

import pytest

from coursewright.course.model import BrainBytes, MindMap, Mode, Section
from coursewright.course.plan import CourseRequest, LessonPlan, Outline, QuestionPlan, SectionPlan
from coursewright.generation.authors.base import Questions
from coursewright.generation.authors.counting import count_up
from coursewright.generation.authors.llm.asking import Unusable
from coursewright.generation.authors.llm.extras import read_brainbytes, read_mind_map
from coursewright.generation.authors.llm.listing import list_passages
from coursewright.generation.authors.llm.outline import read_outline
from coursewright.generation.authors.llm.plain import sentences_joined
from coursewright.generation.authors.llm.questions import read_questions
from coursewright.generation.authors.llm.section import read_section
from coursewright.generation.authors.llm.sources import Shown
from coursewright.generation.authors.llm.wire import (
    WireBrainBytes,
    WireMindMap,
    WireOutline,
    WireQuestions,
    WireSection,
)
from tests.unit.generation.llm.pages import ENGLISH, PAGES, Page
from tests.unit.generation.llm.passages import passage

in_each_language = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.language)
SECTION = SectionPlan(id="s-1", title="1", passage_ids=("p-1",))
LESSON = LessonPlan(id="l-1", title="1", sections=(SECTION,), assessment=QuestionPlan(wanted=1))


def _problems(read: object) -> str:
    assert isinstance(read, Unusable), read
    return " ".join(read.problems)


def _outline(page: Page, mode: Mode = "kb_only", asked: dict[str, Any] | None = None, **more: Any) -> Any:
    lesson = {
        "title": page.passages[0].heading_path[0], "description": page.description, "objectives": page.objectives,
        "quiz_objective": page.objectives[0], "exam_objective": page.objectives[1],
        "sections": [{"title": "1", "summary": "", "sources": ["S1", "S2", "S3"]}],
    }  # fmt: skip
    module = {
        "title": page.passages[1].heading_path[0],
        "description": "",
        "objectives": [],
        "lessons": [lesson | more],
    }
    wire = {"title": "1", "description": page.description, "objectives": page.objectives, "modules": [module]}
    return read_outline(
        WireOutline.model_validate(wire),
        list_passages(page.passages, 10_000),
        count_up(page.passages, page.language),
        CourseRequest(mode=mode, **(asked or {})),
        page.language,
    )


def _section(page: Page, mode: Mode = "kb_only", **more: Any) -> Section | Unusable:
    term, definition = page.definition
    wire = {
        "blocks": [_block(page.block)], "examples": [_block(page.block)], "summary": page.summary,
        "key_concepts": [{"term": term, "definition": definition, "sources": ["S3"]}],
    }  # fmt: skip
    return read_section(WireSection.model_validate(wire | more), SECTION, Shown(page.passages), mode, page.language)


def _block(text: str, *sources: str) -> dict[str, Any]:
    return {"kind": "paragraph", "text": text, "sources": sources or ("S1",)}


def _questions(page: Page, mode: Mode = "kb_only", **more: Any) -> Questions | Unusable:
    stem, key, explanation = page.asked
    wire = {
        "kind": "multiple_choice", "stem": stem, "explanation": explanation, "difficulty": "easy", "bloom": "remember",
        "options": [{"text": text, "correct": text == key} for text in (key, *page.distractors)],
        "pairs": [], "answers": [], "objective": 1, "sources": ["S3"],
    }  # fmt: skip
    questions = WireQuestions.model_validate({"questions": [wire | more]})
    plan = QuestionPlan(wanted=1, objectives=page.objectives)
    return read_questions(questions, plan, Shown(page.passages), mode, page.language, 0)


def _lesson(page: Page) -> list[Section]:
    blocks = [_block(passage.text, f"S{n}") for n, passage in enumerate(page.passages, 1)]
    section = _section(page, blocks=blocks)
    assert isinstance(section, Section)
    return [section]


def _script(page: Page, *sentences: str, mode: Mode = "kb_only") -> BrainBytes | Unusable:
    segments = [sentences_joined(sentences[n : n + 6], page.language) for n in range(0, len(sentences), 6)]
    wire = WireBrainBytes.model_validate({"title": "1", "segments": segments})
    return read_brainbytes(wire, _lesson(page), mode, page.language)


@in_each_language
def test_careful_answers_need_no_repair_and_lose_nothing(page: Page) -> None:
    outline, section, questions = _outline(page), _section(page), _questions(page)
    assert isinstance(outline, Outline), outline
    lesson = outline.modules[0].lessons[0]
    assert (lesson.description, lesson.objectives, outline.notes) == (page.description, page.objectives, ())
    assert isinstance(section, Section), section
    assert (section.summary, section.key_concepts[0].explanation) == (page.summary, page.definition[1])
    assert section.examples[0].text == page.block
    assert isinstance(questions, Questions), questions
    script = _script(page, *page.script)
    assert isinstance(script, BrainBytes), script
    assert "".join("".join(one.text for one in script.segments).split()) == "".join("".join(page.script).split())


@in_each_language
def test_a_sentence_of_a_description_that_shares_nothing_is_left_out_and_told(page: Page) -> None:
    description = sentences_joined((page.description, page.stranger), page.language)
    outline = _outline(page, description=description, objectives=(*page.objectives, page.strange_objective))
    assert isinstance(outline, Outline), outline
    lesson = outline.modules[0].lessons[0]
    assert lesson.description == page.description
    assert lesson.objectives == page.objectives
    assert [note for note in outline.notes if page.stranger in note]
    assert [note for note in outline.notes if page.strange_objective in note]
    for mode in ("kb_priority", "kb_supplemented"):
        free = _outline(page, mode, description=description)
        assert isinstance(free, Outline)
        assert (free.modules[0].lessons[0].description, free.notes) == (description, ())


@in_each_language
def test_a_number_that_no_passage_holds_sends_an_outline_back(page: Page) -> None:
    wrong = page.objectives[2].rstrip(".。") + " (1066)."
    assert "the number 1066" in _problems(_outline(page, objectives=(*page.objectives, wrong)))
    assert isinstance(_outline(page, objectives=(*page.objectives, "80 kg")), Outline)
    assert isinstance(_outline(page, "kb_supplemented", objectives=(wrong,)), Outline)


@in_each_language
def test_an_outline_that_is_mostly_of_its_own_is_sent_back(page: Page) -> None:
    own: dict[str, Any] = {
        "description": page.stranger,
        "objectives": (*page.objectives, page.strange_objective, page.stranger),
    }
    assert page.stranger in _problems(_outline(page, **own, exam_objective=page.strange_objective))
    assert page.strange_objective in _problems(_outline(page, objectives=(page.strange_objective,)))


def test_an_objective_of_hardly_a_word_is_kept() -> None:
    outline = _outline(ENGLISH, objectives=(*ENGLISH.objectives, "Recall when to do it."))
    assert isinstance(outline, Outline)
    assert len(outline.modules[0].lessons[0].objectives) == len(ENGLISH.objectives) + 1


def test_an_outline_may_name_its_titles_and_whom_it_is_for() -> None:
    description = "The lesson Building 12 comes next for members of Upper Moss Apiary Club."
    assert "number 12" in _problems(_outline(ENGLISH, description=description))
    assert "upper" in _problems(_outline(ENGLISH, title="Building 12", description=description)).lower()
    asked = {"audience": "Upper Moss Apiary Club"}
    assert isinstance(_outline(ENGLISH, title="Building 12", description=description, asked=asked), Outline)


@in_each_language
def test_what_a_section_can_do_without_is_left_out(page: Page) -> None:
    concept = {"term": "1", "definition": page.stranger, "sources": ["S1"]}
    small: dict[str, Any] = {
        "summary": page.stranger, "key_concepts": [concept], "examples": [_block(page.stranger)]
    }  # fmt: skip
    section = _section(page, **small)
    assert isinstance(section, Section)
    assert (section.summary, section.key_concepts, section.examples) == ("", (), ())
    supplemented = _section(page, "kb_supplemented", **small)
    assert isinstance(supplemented, Section)
    assert (supplemented.summary, supplemented.key_concepts) == (page.stranger, ())  # a citation has to hold
    own = _section(page, "kb_supplemented", key_concepts=[concept | {"sources": []}])
    assert isinstance(own, Section)
    assert [concept.explanation for concept in own.key_concepts] == [page.stranger]
    back = _problems(_section(page, blocks=[_block(page.stranger)], **small))
    assert all(part in back for part in ("block 1", "summary", "key concept “1”", "example 1"))


def test_four_of_five_sentences_are_counted_over_blocks_examples_and_concepts() -> None:
    own = {"term": "Skep", "definition": "A basket of straw.", "sources": []}
    blocks = [_block(passage.text, f"S{n}") for n, passage in enumerate(ENGLISH.passages, 1)]
    assert isinstance(_section(ENGLISH, "kb_priority", blocks=blocks, key_concepts=[own] * 2), Section)
    few = _section(ENGLISH, "kb_priority", key_concepts=[own], examples=[])
    assert "only 1 of 2 sentences" in _problems(few)


@in_each_language
def test_a_question_is_held_to_the_passages_with_its_key(page: Page) -> None:
    stem, key = page.strange_asked
    options = [{"text": text, "correct": text == key} for text in (key, *page.distractors)]
    assert stem in _problems(_questions(page, stem=stem, options=options))
    assert isinstance(_questions(page, "kb_supplemented", stem=stem, options=options), Questions)
    numbered = [{"text": f"{key} 1066", "correct": True}, *options[1:]]
    assert "number 1066" in _problems(_questions(page, options=numbered))
    free = [{"text": page.asked[1], "correct": True}, *({**one, "text": f"{one['text']} 1066"} for one in options[1:])]
    assert isinstance(_questions(page, options=free), Questions)


@pytest.mark.parametrize(
    ("held", "strange"),
    [
        (
            {"kind": "multiple_response", "options": ["Frost collects in hollows.", "Hilltops are windy."]},
            "Algae glow.",
        ),
        ({"kind": "true_false", "stem": "Hilltops are windy.", "answers": ["true"]}, "Algae glow in deep seas."),
        ({"kind": "cloze", "stem": "Hilltops are ____.", "answers": ["windy"]}, "Algae ____ in deep seas."),
        ({"kind": "short_answer", "stem": "Where does frost collect?", "answers": ["in hollows"]}, "photosynthesis"),
        ({"kind": "ordering", "answers": ["Close the entrance.", "Travel at night."]}, "Photosynthesise algae."),
        ({"kind": "matching", "pairs": [("Hollow", "Frost"), ("Hilltop", "Wind")]}, "Photosynthesis"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_every_kind_of_question_is_held_to_the_passages(held: dict[str, Any], strange: str) -> None:
    def wire(change: str = "") -> dict[str, Any]:
        found = held | {"stem": held.get("stem", "What do beekeepers know of hollows and hilltops?")}
        match held["kind"]:
            case "multiple_response":
                right = [*held["options"], *([change] if change else [])]
                found["options"] = [{"text": text, "correct": text in right} for text in (*right, "Sun is bad.")]
            case "matching":
                pairs = [*held["pairs"], *([("Chlorophyll", change)] if change else [])]
                found["pairs"] = [{"prompt": prompt, "match": match} for prompt, match in pairs]
                found["options"] = []
            case "ordering":
                found |= {"answers": [*held["answers"], *([change] if change else [])], "options": []}
            case "short_answer":
                found |= {"answers": [change or held["answers"][0]], "options": []}
            case _:
                found |= {"stem": change or held["stem"], "options": []}
        return found

    assert isinstance(_questions(ENGLISH, **wire()), Questions)
    assert "too few of its words" in _problems(_questions(ENGLISH, **wire(strange)))


def test_a_statement_that_is_to_be_judged_false_is_free() -> None:
    false: dict[str, Any] = {"kind": "true_false", "stem": "A hive weighs 1066 kg in August.", "options": []}
    assert isinstance(_questions(ENGLISH, **false, answers=["false"]), Questions)
    assert "number 1066" in _problems(_questions(ENGLISH, **false, answers=["true"]))


@in_each_language
def test_a_script_greets_in_its_own_words_and_tells_nothing_of_its_own(page: Page) -> None:
    text = (*page.script[:4], page.stranger, *page.script[4:])
    script, free = _script(page, *text), _script(page, *text, mode="kb_supplemented")
    assert isinstance(script, BrainBytes), script
    assert isinstance(free, BrainBytes)
    spoken, freely = ("".join(segment.text for segment in one.segments) for one in (script, free))
    assert page.stranger in freely
    assert page.stranger not in spoken
    assert page.script[0] in spoken
    assert page.script[-1] in spoken
    assert "do not occur in the lesson" in _problems(_script(page, *page.script[:4], *[page.stranger] * 5))


def test_a_script_asks_what_it_likes_but_brings_no_names() -> None:
    asked = _script(ENGLISH, *ENGLISH.script[:4], "Ever wondered why?", *ENGLISH.script[4:])
    curious = ["Ever wondered why?", "Did you expect that?", "Would you have guessed it?", "Is it not amazing?"]
    assert isinstance(_script(ENGLISH, *ENGLISH.script[:4], *curious, *ENGLISH.script[4:]), BrainBytes)
    named = _script(ENGLISH, *ENGLISH.script[:4], "Did you know Virgil?", *ENGLISH.script[4:])
    assert isinstance(asked, BrainBytes)
    assert isinstance(named, BrainBytes)
    assert "Ever wondered why?" in asked.segments[0].text
    assert not any("Virgil" in segment.text for segment in named.segments)


@in_each_language
def test_a_mind_map_has_terms_of_the_lesson(page: Page) -> None:
    def mind_map(label: str) -> MindMap | Unusable:
        titles = (*page.terms, label)
        wire = WireMindMap.model_validate({"branches": [{"title": title, "branches": []} for title in titles]})
        return read_mind_map(wire, LESSON, _lesson(page), page.language)

    known, strange = page.definition[0], page.strange_asked[1]
    assert isinstance(mind_map(known), MindMap)
    assert strange in _problems(mind_map(strange))
    assert "1066" in _problems(mind_map(f"{known} 1066"))


def test_numbers_of_another_language_are_the_same_and_its_names_are_not_compared() -> None:
    text = "In March a colony needs 2.5 kg of the 1,000 kg that are stored in Germany."
    wire: dict[str, Any] = {"blocks": [_block(text)], "examples": [], "key_concepts": [], "summary": ""}
    shown = Shown((passage(("Futter",), "Im März braucht ein Volk 2,5 kg der 1.000 kg aus Deutschland.", 0, "de"),))
    assert isinstance(read_section(WireSection.model_validate(wire), SECTION, shown, "kb_only", "en"), Section)
    wire["blocks"] = [_block(text.replace("2.5", "3.5"))]
    assert "3.5" in _problems(read_section(WireSection.model_validate(wire), SECTION, shown, "kb_only", "en"))
