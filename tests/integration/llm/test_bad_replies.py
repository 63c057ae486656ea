"""A model's bad replies, through the author and the gateway: each is on record with its reason, told to the model where
that helps, and followed by a good one.
"""

import json
from typing import Any
from uuid import uuid4

import pytest

from coursewright.course.plan import CourseRequest, LessonPlan, QuestionPlan, SectionPlan
from coursewright.db.pool import Pool
from coursewright.errors import NoUsableReply
from coursewright.generation.authors.llm import Asking, LlmAuthor
from coursewright.llm import Finish, Origin, Request, Usage
from coursewright.llm.providers.scripted import BAD_DAYS, Outcome, Say
from tests import good_model
from tests.integration.llm.gateway_bench import ALPHA, JOB, GatewayBench
from tests.unit.generation.llm.passages import PASSAGES

PLAN = SectionPlan(id="s-1", title="Winter", passage_ids=tuple(one.id for one in PASSAGES))
LESSON = LessonPlan(id="l-1", title="Bees", sections=(PLAN,), assessment=QuestionPlan(wanted=1))


def careful(request: Request) -> Say:
    prompt = next(message.text for message in request.messages if "# Task" in message.text)
    return Say(good_model.answer(request.schema_name, prompt))


def spoiled(request: Request, **changed: Any) -> Say:
    return Say(json.dumps(json.loads(careful(request).text) | changed))


def options(*texts: str, right: int = 1) -> Any:
    found = [{"text": text, "correct": number < right} for number, text in enumerate(texts)]
    return [
        {
            "kind": "multiple_choice", "stem": "What does a colony need in autumn?", "options": found, "pairs": [],
            "answers": [], "explanation": "In autumn a colony needs 15 kg of stores.", "difficulty": "easy",
            "bloom": "remember", "objective": 1, "sources": ["S1"],
        }
    ]  # fmt: skip


BLOCK = {"kind": "paragraph", "text": "In autumn a colony needs 15 kg of stores.", "sources": ["S77"]}
FOUR = ("15 kg of stores", "two queens", "a second hive", "more brood")
SECTIONS: dict[str, tuple[Any, str]] = {
    "invalid JSON": (lambda request: BAD_DAYS["invalid_json"](), "no JSON object"),
    "empty": (lambda request: BAD_DAYS["empty"](), "no JSON object"),
    "refusal": (lambda request: BAD_DAYS["refusal"](), "refused"),
    "content filter": (lambda request: BAD_DAYS["content_filter"](), "filter"),
    "truncated": (lambda request: BAD_DAYS["truncated"](), "cut off"),
    "another schema": (lambda request: Say('{"title": "Bees"}'), "blocks"),
    "unknown aliases": (lambda request: spoiled(request, blocks=[BLOCK]), "S77"),
}
QUESTIONS: dict[str, tuple[Any, str]] = {
    "equal options": (lambda request: spoiled(request, questions=options(*(FOUR[:1] * 4))), ""),
    "no key": (lambda request: spoiled(request, questions=options(*FOUR, right=0)), ""),
    "several keys": (lambda request: spoiled(request, questions=options(*FOUR, right=3)), ""),
}


def author(bench: GatewayBench) -> LlmAuthor:
    origin = Origin(ALPHA, str(uuid4()), "lesson_section", job_id=JOB)
    abilities = bench.provider.abilities("small")
    return LlmAuthor(Asking(bench.gateway, origin, "scripted:small", abilities))


def bad_then_careful(bad: Any) -> Any:
    def rule(request: Request, asked: int) -> Outcome:
        outcome: Outcome = careful(request) if asked else bad(request)
        return outcome

    return rule


@pytest.mark.parametrize("name", SECTIONS)
async def test_a_bad_section_is_asked_for_again(pool: Pool, name: str) -> None:
    bad, reason = SECTIONS[name]
    bench = GatewayBench(pool, bad_then_careful(bad))
    section = await author(bench).section(PLAN, LESSON, PASSAGES, CourseRequest(author="llm"))
    assert "15 kg of stores" in section.blocks[0].text
    await bench.gateway.settle()
    first, second = await bench.ledger.calls(JOB)
    assert (first.state, second.state) == ("rejected", "accepted")
    assert reason in (first.reason or "")
    before, after = (asked.request for asked in bench.provider.log)
    if bad(before).finish == Finish.LENGTH:
        assert after.max_output_tokens > before.max_output_tokens
        assert after.messages == before.messages
    elif bad(before).finish == Finish.STOP:
        assert after.messages[-2].role == "assistant"
        assert after.messages[-1].text != before.messages[-1].text
    else:
        assert after.messages[:-1] == before.messages
        assert "leave out only what you cannot write about" in after.messages[-1].text


async def test_an_answer_that_stays_too_long_is_not_paid_for_with_equal_requests(pool: Pool) -> None:
    def endless(request: Request, asked: int) -> Outcome:
        return Say('{"title": "B', Finish.LENGTH, usage=Usage(100, request.max_output_tokens))

    bench = GatewayBench(pool, endless, max_turns=6)
    with pytest.raises(NoUsableReply, match="in 5 turns: the answer was cut off"):
        await author(bench).section(PLAN, LESSON, PASSAGES, CourseRequest(author="llm"))
    limits = [asked.request.max_output_tokens for asked in bench.provider.log]
    assert limits == [4_000, 8_000, 16_000, 32_000, 32_000]
    last, shorter = (asked.request.messages for asked in bench.provider.log[-2:])
    assert shorter[:-1] == last
    await bench.gateway.settle()
    assert {call.state for call in await bench.ledger.calls(JOB)} == {"rejected"}


async def test_what_is_asked_after_a_refusal_stays_so_when_the_answer_is_bad_too(pool: Pool) -> None:
    outcomes = [BAD_DAYS["refusal"](), BAD_DAYS["truncated"](), BAD_DAYS["invalid_json"]()]

    def rule(request: Request, asked: int) -> Outcome:
        return outcomes[asked] if asked < 3 else careful(request)

    bench = GatewayBench(pool, rule, max_turns=6)
    await author(bench).section(PLAN, LESSON, PASSAGES, CourseRequest(author="llm"))
    first, *others = [asked.request for asked in bench.provider.log]
    told = [sum("declined" in message.text for message in request.messages) for request in (first, *others)]
    assert told == [0, 1, 1, 1]
    assert others[1].max_output_tokens > others[0].max_output_tokens
    assert others[2].messages[-2].role == "assistant"

    outcomes[2] = BAD_DAYS["refusal"]()
    bench = GatewayBench(pool, rule, max_turns=6)
    with pytest.raises(NoUsableReply, match="in 3 turns"):
        await author(bench).section(PLAN, LESSON, PASSAGES, CourseRequest(author="llm"))


@pytest.mark.parametrize("name", ["refusal", "content_filter"])
async def test_a_model_that_refuses_twice_is_not_asked_a_third_time(pool: Pool, name: str) -> None:
    bench = GatewayBench(pool, lambda request, asked: BAD_DAYS[name](), max_turns=6)
    with pytest.raises(NoUsableReply, match="in 2 turns"):
        await author(bench).section(PLAN, LESSON, PASSAGES, CourseRequest(author="llm"))
    assert len(bench.provider.log) == 2


@pytest.mark.parametrize("name", QUESTIONS)
async def test_bad_questions_are_asked_for_again(pool: Pool, name: str) -> None:
    bench = GatewayBench(pool, bad_then_careful(QUESTIONS[name][0]))
    plan = QuestionPlan(wanted=1, objectives=("Explain stores",), passage_ids=PLAN.passage_ids)
    written = await author(bench).questions(plan, PASSAGES, (), CourseRequest(author="llm"))
    assert len(written.questions) == 1
    await bench.gateway.settle()
    first, second = await bench.ledger.calls(JOB)
    assert (first.state, second.state) == ("rejected", "accepted")
    assert first.reason
