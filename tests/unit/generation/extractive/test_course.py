"""A whole course from a small handbook: verbatim, deterministic, exact in structure, and no question twice."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursewright.course.model import BrainBytes, MindMap, Question, Section
from coursewright.course.plan import Analysis, Concept, CourseRequest, Outline, QuestionPlan
from coursewright.documents.passages import Passage
from coursewright.errors import InvalidRequest, TooFewSources, TooLarge
from coursewright.generation.authors.extractive import ExtractiveAuthor
from coursewright.generation.authors.extractive.catalogue import catalogue
from coursewright.generation.authors.extractive.outline import make_outline
from coursewright.generation.authors.extractive.questions.definition import on_acronyms
from tests.unit.generation.extractive.factory import passages
from tests.unit.generation.extractive.handbook import WORKSHOP

AUTHOR = ExtractiveAuthor()


class Made:
    """Everything the author makes from some passages."""

    def __init__(self, given: Sequence[Passage], request: CourseRequest | None = None) -> None:
        self.request = request or CourseRequest()
        self.passages = {passage.id: passage for passage in given}
        self.sections: list[Section] = []
        self.sets: list[tuple[QuestionPlan, tuple[Question, ...], str]] = []
        self.maps: list[MindMap] = []
        self.scripts: list[BrainBytes] = []
        asyncio.run(self._make(given))

    async def _make(self, given: Sequence[Passage]) -> None:
        request = self.request
        self.analysis: Analysis = await AUTHOR.analyse(given, request)
        self.outline: Outline = await AUTHOR.outline(given, self.analysis, request)
        for module in self.outline.modules:
            for lesson in module.lessons:
                own = [await AUTHOR.section(p, lesson, self.pinned(p.passage_ids), request) for p in lesson.sections]
                pinned = self.pinned([one for plan in lesson.sections for one in plan.passage_ids])
                self.sections += own
                self.maps.append(await AUTHOR.mind_map(lesson, own, pinned, request))
                self.scripts.append(await AUTHOR.brainbytes(lesson, own, pinned, request))
                await self._ask(lesson.assessment)
            await self._ask(module.quiz)
        await self._ask(self.outline.exam)

    async def _ask(self, plan: QuestionPlan) -> None:
        made = await AUTHOR.questions(plan, self.pinned(plan.passage_ids), [], self.request)
        self.sets.append((plan, made.questions, made.shortfall))

    def pinned(self, ids: Sequence[str]) -> list[Passage]:
        return [self.passages[one] for one in ids]

    @property
    def questions(self) -> list[Question]:
        return [question for _, questions, _ in self.sets for question in questions]


@pytest.fixture(scope="module")
def made() -> Made:
    return Made(passages(WORKSHOP))


def test_every_block_quote_and_definition_is_verbatim(made: Made) -> None:
    assert made.sections
    for section in made.sections:
        for block in section.blocks:
            assert len(block.citations) == 1
            assert block.text in made.passages[block.citations[0].passage_id].text
            assert block.citations[0].quote in block.text
        for concept in section.key_concepts:
            assert concept.explanation in made.passages[concept.citations[0].passage_id].text
    for question in made.questions:
        assert question.citations
        for citation in question.citations:
            assert citation.quote in made.passages[citation.passage_id].text


def test_blocks_keep_the_order_of_the_sources(made: Made) -> None:
    for section in made.sections:
        places = [
            (
                made.passages[b.citations[0].passage_id].ordinal,
                made.passages[b.citations[0].passage_id].text.index(b.text),
            )
            for b in section.blocks
        ]
        assert places == sorted(places)


def test_no_passage_stands_in_two_sections(made: Made) -> None:
    pinned = [
        one
        for module in made.outline.modules
        for lesson in module.lessons
        for s in lesson.sections
        for one in s.passage_ids
    ]
    assert len(pinned) == len(set(pinned))


def test_licence_and_glossary_are_left_out_of_the_lessons_and_named(made: Made) -> None:
    text = "".join(block.text for section in made.sections for block in section.blocks)
    assert "may be copied" not in text
    assert "Pannier" not in text
    assert made.outline.notes == ("Left out of the lessons: Glossary and Licence.",)


def test_glossary_terms_are_concepts_nevertheless(made: Made) -> None:
    terms = {concept.term: concept.kind for concept in made.analysis.concepts}
    assert terms["Pannier"] == "glossary"
    assert {"frame", "derailleur", "cassette", "spoke"} <= terms.keys()


def test_numbering_is_stripped_and_generic_titles_are_prefixed(made: Made) -> None:
    titles = [title for m in made.outline.modules for lesson in m.lessons for title in (m.title, lesson.title)]
    titles += [section.title for section in made.sections]
    assert not [title for title in titles if title[0].isdigit()]
    assert "Introduction" not in titles


def test_lesson_titles_are_distinct(made: Made) -> None:
    titles = [lesson.title for module in made.outline.modules for lesson in module.lessons]
    assert len(titles) == len(set(titles))


def test_no_stem_repeats_across_all_sets(made: Made) -> None:
    stems = [question.stem.casefold() for question in made.questions]
    assert len(stems) >= 5
    assert len(stems) == len(set(stems))


def test_every_question_examines_an_objective_of_its_set(made: Made) -> None:
    for plan, questions, _ in made.sets:
        assert all(question.objective in plan.objectives for question in questions)


def test_no_definition_is_shown_in_two_stems(made: Made) -> None:
    shown = [concept.definition for concept in made.analysis.concepts if concept.kind != "acronym"]
    for definition in shown:
        tail = definition.rstrip(".")[-30:].casefold()
        assert sum(tail in question.stem.casefold() for question in made.questions) <= 1


def test_a_lesson_promises_only_what_it_asks_about_when_it_asks(made: Made) -> None:
    for module in made.outline.modules:
        for lesson in module.lessons:
            asked = {seed["objective"] for seed in lesson.assessment.seeds}
            assert lesson.objectives
            assert not asked or set(lesson.objectives) == asked


def test_multiple_choice_has_one_key_and_no_equal_options_and_no_length_tell(made: Made) -> None:
    choices = [question for question in made.questions if question.kind == "multiple_choice"]
    assert choices
    for question in choices:
        texts = [option.text.casefold() for option in question.options]
        keys = [option for option in question.options if option.correct]
        assert len(texts) == len(set(texts)) >= 3
        assert [option.id for option in keys] == [question.answer]
        if question.stem.startswith("Which of these defines"):
            others = [len(option.text) for option in question.options if not option.correct]
            assert len(keys[0].text) <= max(others)
            assert len(keys[0].text) / (sum(others) / len(others)) < 1.5


def test_a_numbered_procedure_becomes_an_ordering_question_that_is_not_shown_solved(made: Made) -> None:
    (question,) = [one for one in made.questions if one.kind == "ordering"]
    texts = {option.id: option.text for option in question.options}
    assert texts[question.answer[0]] == "Release the air from the tube through its valve."
    assert tuple(texts) != question.answer


def test_a_table_becomes_a_look_up(made: Made) -> None:
    look_ups = [one for one in made.questions if "table “Lubricants”" in one.stem]
    assert look_ups
    assert all("|" not in one.explanation and one.explanation.startswith("Part: ") for one in look_ups)


def test_an_explanation_is_a_sentence_of_the_sources_and_not_the_answer_again() -> None:
    text = "Substances from the queen, known together as queen mandibular pheromone (QMP), are passed from bee to bee."
    concepts = [Concept(term="QMP", definition="queen mandibular pheromone", passage_id="p-1", kind="acronym")]
    (draft,) = on_acronyms(
        {"s": concepts}, {"p-1": f"- Bees smell.\n- {text} They know within hours."}, catalogue("en")
    )
    assert draft.explanation == text
    assert draft.citations == (("p-1", text),)


def test_titles_that_stand_below_are_not_said_again(made: Made) -> None:
    modules = made.outline.modules
    assert {module.description for module in modules} == {made.outline.description} == {""}
    assert {lesson.description for module in modules for lesson in module.lessons} == {""}


def test_the_mind_map_has_short_unique_labels_on_three_levels(made: Made) -> None:
    for mind_map in made.maps:
        labels = [mind_map.topic]
        for branch in mind_map.branches:
            labels += [branch.title, *(leaf.title for leaf in branch.branches)]
            assert not [leaf for leaf in branch.branches if leaf.branches]
        assert len(mind_map.branches) <= 7
        assert all(len(label.split()) <= 6 for label in labels)
        assert len({label.casefold() for label in labels}) == len(labels)


def test_the_script_speaks_no_code_and_its_seconds_add_up(made: Made) -> None:
    for script in made.scripts:
        assert script.seconds == pytest.approx(sum(segment.seconds for segment in script.segments))
        assert script.segments[0].text == f"{script.title}."
        assert not [one for one in script.segments if any(mark in one.text for mark in "`|/{}")]


def test_the_same_sources_in_any_order_of_arrival_give_the_same_course() -> None:
    given = list(passages(WORKSHOP))
    first = Made(given)
    random.Random(1).shuffle(given)
    second = Made(given)
    assert first.outline == second.outline
    assert first.sections == second.sections
    assert first.questions == second.questions


@pytest.mark.parametrize("modules, lessons, sections", [(1, 1, 1), (2, 1, 2), (2, 3, None), (1, 2, 3), (5, 1, 1)])
def test_structure_counts_are_exact(modules: int, lessons: int, sections: int | None) -> None:
    outline = Made(
        passages(WORKSHOP, WORKSHOP), CourseRequest(modules=modules, lessons=lessons, sections=sections)
    ).outline
    assert len(outline.modules) == modules
    assert {len(module.lessons) for module in outline.modules} == {lessons}
    if sections is not None:
        assert {len(lesson.sections) for module in outline.modules for lesson in module.lessons} == {sections}


def test_counts_that_the_sources_do_not_carry_are_an_error_that_says_what_is_possible() -> None:
    with pytest.raises(TooFewSources, match=r"24 sections were asked for .* at most 5") as caught:
        Made(passages(WORKSHOP), CourseRequest(modules=4, lessons=3, sections=2))
    assert "at most 5 sections" in caught.value.hint


def test_more_words_than_one_task_can_look_through_are_refused(made: Made) -> None:
    with pytest.raises(TooLarge, match=r"9,000,000 words; .* 3,000,000 at most"):
        make_outline([], made.analysis.model_copy(update={"words": 9_000_000}), CourseRequest())


@pytest.mark.parametrize(
    "request_",
    [
        CourseRequest(mode="kb_supplemented"),
        CourseRequest(level="college"),
        CourseRequest(audience="nurses"),
        CourseRequest(language="fr"),
        CourseRequest(language="fi"),
    ],
)
def test_what_needs_a_model_is_an_error_that_names_the_other_author(request_: CourseRequest) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Made(passages(WORKSHOP), request_)
    assert "--author llm" in caught.value.hint


def test_question_counts_are_maxima_and_a_shortfall_is_told() -> None:
    made = Made(passages(WORKSHOP), CourseRequest(questions_per_lesson=1, questions_per_quiz=0, questions_per_exam=50))
    for plan, questions, shortfall in made.sets:
        assert len(questions) <= plan.wanted
        assert bool(shortfall) == (len(questions) < plan.wanted)
    assert made.sets[-1][2].startswith(f"{len(made.sets[-1][1])} of 50: ")


def test_a_question_whose_passage_changed_is_dropped_not_misquoted(made: Made) -> None:
    plan, questions, _ = next(one for one in made.sets if one[1])
    told = asyncio.run(AUTHOR.questions(plan, [], [], CourseRequest(language="en")))
    assert questions
    assert told.questions == ()
    assert told.shortfall.startswith("0 of ")


def test_only_passages_of_the_target_language_are_used() -> None:
    german = "# Werkstatt\n\nDie Werkstatt ist ein Raum für Fahrräder, und sie gehört dem Verein der Stadt."
    given = (*passages(WORKSHOP), *passages(language="de", **{"z.md": german}))
    made = Made(given)
    assert made.analysis.language == "en"
    assert "Werkstatt" not in made.outline.model_dump_json()
    assert made.outline.notes[-1] == "Passages in other languages were left out: de."


_WORDS = st.sampled_from(["wheel", "chain", "rope", "anchor", "sail", "mast", "tide", "is", "a", "the", "of", "and"])
_SENTENCE = st.lists(_WORDS, min_size=1, max_size=20).map(lambda words: " ".join(words).capitalize() + ".")
_PARAGRAPH = st.lists(_SENTENCE, min_size=1, max_size=6).map(" ".join)
_BLOCK = st.one_of(
    _PARAGRAPH,
    st.lists(_SENTENCE, min_size=2, max_size=6).map(
        lambda items: "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
    ),
    st.lists(st.tuples(_WORDS, _WORDS), min_size=3, max_size=6).map(
        lambda rows: "| a | b |\n|---|---|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows)
    ),
)
_DOCUMENT = st.lists(st.tuples(_SENTENCE, st.lists(_BLOCK, min_size=1, max_size=4)), min_size=1, max_size=6).map(
    lambda parts: "\n\n".join(f"## {title}\n\n" + "\n\n".join(blocks) for title, blocks in parts)
)


@settings(max_examples=25, deadline=None)
@given(st.lists(_DOCUMENT, min_size=1, max_size=3))
def test_whatever_the_sources_say_the_course_says_nothing_else(documents: list[str]) -> None:
    given_passages = passages(*documents)
    try:
        made = Made(given_passages)
    except TooFewSources:
        return
    assert Made(given_passages).outline == made.outline
    for section in made.sections:
        for block in section.blocks:
            assert block.text in made.passages[block.citations[0].passage_id].text
            assert block.citations[0].quote in made.passages[block.citations[0].passage_id].text
    for question in made.questions:
        for citation in question.citations:
            assert citation.quote in made.passages[citation.passage_id].text
    stems = [question.stem.casefold() for question in made.questions]
    assert len(stems) == len(set(stems))


ITALIAN = """# Officina

L'officina ripara le biciclette dei soci del circolo, che le portano il lunedì e le riprendono il venerdì mattina.
I volontari lavorano insieme a due meccanici, i quali tengono anche i corsi serali per tutti i soci del circolo.
"""


def test_sources_in_a_language_that_the_author_does_not_know_are_an_error_that_says_what_it_is() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Made(passages(ITALIAN, language="it"))
    assert caught.value.detail == "the sources are in Italian (it), in which the built-in author does not write"
    assert caught.value.hint == "a model can write in it: --author llm"


def test_a_language_that_the_author_knows_among_them_is_offered() -> None:
    german = "# Werkstatt\n\nDie Werkstatt ist ein Raum für Fahrräder, und sie gehört dem Verein der Stadt."
    given = (*passages(ITALIAN, language="it"), *passages(language="de", **{"z.md": german}))
    with pytest.raises(InvalidRequest) as caught:
        Made(given)
    assert "--language de takes the 26 % of the words that are in German (de)" in caught.value.hint
    assert Made(given, CourseRequest(language="de")).outline.language == "de"


@pytest.mark.parametrize("tag, language", [("de-AT", "de"), ("DE", "de"), ("pt_BR", "pt"), ("", None)])
def test_a_language_tag_is_taken_by_its_first_part(tag: str, language: str | None) -> None:
    assert CourseRequest(language=tag).language == language
