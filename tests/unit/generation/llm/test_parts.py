"""A knowledge base larger than a window is read in parts, a few at a time, and what was found is merged as it fits."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import pytest

from coursewright.course.plan import Analysis, CourseRequest
from coursewright.errors import NoUsableReply, TooFewSources
from coursewright.generation.authors.counting import count_up
from coursewright.generation.authors.llm import Asking, LlmAuthor
from coursewright.generation.authors.llm.analysis import describe, group
from coursewright.generation.authors.llm.beside import side_by_side
from coursewright.llm import Abilities, Accepted, Answer, Deferred, Finish, Judge, Origin, Reply, Request, Usage
from coursewright.llm.tokens import at_most_tokens
from tests import good_model
from tests.unit.generation.llm.passages import passage

ASKED = CourseRequest(author="llm")
WINDOW = 8_192
TEXT = "In autumn a colony needs fifteen kilos of stores, and the keeper weighs the hive to see what there is. " * 12
MANY = [passage((f"Guide {n}", f"Part {n}"), TEXT, n) for n in range(100)]


class Answering:
    """Stands where the gateway does: keeps what is asked, and answers when `together` calls wait."""

    def __init__(self, say: Callable[[Request], str], together: int = 1) -> None:
        self.asked: dict[str, Request] = {}
        self.most = 0
        self._say = say
        self._waiting = 0
        self._together = together
        self._met = asyncio.Event()

    async def call(self, origin: Origin, request: Request, judge: Judge[Any], *, fallbacks: Any = ()) -> Answer[Any]:
        assert request.schema_name not in self.asked
        self.asked[request.schema_name] = request
        self._waiting += 1
        self.most = max(self.most, self._waiting)
        if self._waiting >= self._together:
            self._met.set()
        if len(self.asked) > 1:  # the first is asked alone
            async with asyncio.timeout(10):
                await self._met.wait()
        await asyncio.sleep(0)
        self._waiting -= 1
        reply = Reply(self._say(request), Finish.STOP, Usage(10, 10), "y")
        verdict = judge(reply)
        assert isinstance(verdict, Accepted), verdict
        return Answer(verdict.value, reply, UUID(int=1))


def wordy(request: Request) -> str:
    """Find as much as an analysis may name, each in many words; and merge the same way."""
    subjects = [f"{n} of {request.schema_name}, " + "which is told at great length, " * 4 for n in range(12)]
    return json.dumps({"subjects": subjects, "concepts": [], "gaps": subjects[:8]})


def author(answering: Answering) -> LlmAuthor:
    abilities = Abilities(json_schema="strict", context_window=WINDOW)
    return LlmAuthor(Asking(cast(Any, answering), Origin(UUID(int=1), "key", "knowledge_analysis"), "x:y", abilities))


async def test_parts_are_read_a_few_at_a_time_and_each_has_its_share() -> None:
    answering = Answering(lambda one: good_model.answer(one.schema_name, one.messages[-1].text), together=4)
    analysis = await author(answering).analyse(MANY, ASKED)
    assert answering.most == 4
    terms = [concept.term for concept in analysis.concepts]
    assert terms[0] == "Part 0"
    assert len(set(terms)) == 60
    assert sum(int(term.removeprefix("Part ")) >= 50 for term in terms) > 20  # those of the second half, too


async def test_what_was_found_in_many_parts_is_merged_in_groups_that_fit() -> None:
    answering = Answering(wordy)
    analysis = await author(answering).analyse(MANY, ASKED)
    merges = [name for name in answering.asked if name.startswith("analysis_merge")]
    assert {name.split("_")[2] for name in merges} >= {"1", "2"}  # levels
    assert analysis.subjects[0].startswith(f"0 of {merges[-1]}")
    for request in answering.asked.values():
        size = sum(at_most_tokens(message.text) for message in request.messages)
        assert size + request.max_output_tokens <= WINDOW


async def test_few_parts_are_merged_at_once() -> None:
    answering = Answering(lambda one: good_model.answer(one.schema_name, one.messages[-1].text))
    await author(answering).analyse(MANY, ASKED)
    assert [name for name in answering.asked if name.startswith("analysis_merge")] == ["analysis_merge_1_1"]


async def test_a_model_that_cannot_read_the_first_part_is_not_paid_for_the_others() -> None:
    def cannot(request: Request) -> str:
        raise NoUsableReply("Enough.", reasons=())

    answering = Answering(cannot)
    with pytest.raises(NoUsableReply):
        await author(answering).analyse(MANY, ASKED)
    assert list(answering.asked) == ["analysis_1"]


async def test_where_there_is_nothing_to_read_nobody_is_asked() -> None:
    answering = Answering(wordy)
    with pytest.raises(TooFewSources):
        await author(answering).analyse((), ASKED)
    assert answering.asked == {}


def test_groups_hold_two_at_least_and_all_parts_in_order() -> None:
    parts = [count_up((), "en").model_copy(update={"subjects": (f"subject {n}",)}) for n in range(7)]
    one = at_most_tokens(describe(parts[:1])) + 1
    sizes: Callable[[list[list[Analysis]]], list[int]] = lambda groups: [len(each) for each in groups]  # noqa: E731
    assert sizes(group(parts, 3 * one)) == [3, 3, 1]
    assert sizes(group(parts, 1)) == [2, 2, 2, 1]
    assert [part for each in group(parts, 3 * one) for part in each] == parts


async def test_a_call_that_waits_lets_the_others_get_on_and_the_shortest_wait_counts() -> None:
    done: list[int] = []

    def work(number: int) -> Callable[[], Any]:
        async def carry_out() -> int:
            if number in (0, 3):
                raise Deferred(9.0 - number)
            done.append(number)
            return number

        return carry_out

    with pytest.raises(Deferred, match=r"6\.0 s"):
        await side_by_side([work(number) for number in range(9)])
    assert done == [1, 2, 4, 5, 6, 7, 8]


async def test_after_an_error_nothing_new_is_begun_and_what_was_begun_ends() -> None:
    begun: list[int] = []
    ended: list[int] = []

    def work(number: int) -> Callable[[], Any]:
        async def carry_out() -> None:
            begun.append(number)
            await asyncio.sleep(0)
            if number == 1:
                raise NoUsableReply("Enough.", reasons=())
            await asyncio.sleep(0)
            ended.append(number)

        return carry_out

    with pytest.raises(NoUsableReply):
        await side_by_side([work(number) for number in range(9)])
    assert begun == [0, 1, 2, 3]
    assert ended == [0, 2, 3]


async def test_whoever_is_cancelled_cancels_what_was_begun() -> None:
    begun = asyncio.Event()
    cancelled: list[int] = []

    def work(number: int) -> Callable[[], Any]:
        async def carry_out() -> None:
            try:
                if number == 3:
                    begun.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(number)
                raise

        return carry_out

    whole = asyncio.create_task(side_by_side([work(number) for number in range(9)]))
    async with asyncio.timeout(10):
        await begun.wait()
    whole.cancel()
    with pytest.raises(asyncio.CancelledError):
        await whole
    assert sorted(cancelled) == [0, 1, 2, 3]
