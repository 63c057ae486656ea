"""What was estimated for a job is kept, and compared with the ledger once the course is finished."""

from uuid import UUID, uuid4

from coursewright.course.plan import CourseRequest
from coursewright.db.pool import Pool
from coursewright.generation.estimate import KINDS, Estimate, Writer, estimate
from coursewright.generation.estimates import Estimates
from coursewright.llm.model import Abilities
from coursewright.llm.prices import parse_price
from coursewright.queue import JobQueue
from tests.integration.llm.gateway_bench import ALPHA, BETA, GatewayBench

MODEL = "scripted:small"
WRITER = Writer(MODEL, Abilities(), parse_price("1/2"))
SAME = dict.fromkeys(KINDS, MODEL)


def guess() -> Estimate:
    return estimate([], CourseRequest(author="llm"), dict.fromkeys(KINDS, WRITER))


async def finish(bench: GatewayBench, job: UUID) -> None:
    await bench.sql("update public.course_generation_jobs set status = 'completed' where id = %s", job)


async def a_course(bench: GatewayBench, pool: Pool, *keys: str) -> UUID:
    """Keep an estimate for a job that asks for sections."""
    job = await JobQueue(pool).enqueue("generate_course_v2", {}, organisation_id=ALPHA)
    await Estimates(pool).keep(job, ALPHA, guess())
    for key in keys:
        await bench.ask(key, job_id=job)
    return job


async def test_a_finished_course_is_compared_with_its_estimate(pool: Pool) -> None:
    bench = GatewayBench(pool)
    job = await a_course(bench, pool, "one", "two")
    estimates = Estimates(pool)
    assert await estimates.outcomes(ALPHA, SAME) == []  # it is not finished
    await finish(bench, job)
    outcomes = {each.kind: each for each in await estimates.outcomes(ALPHA, SAME)}
    section = outcomes["lesson_section"]
    sized = next(each for each in guess().sized if each.kind == "lesson_section")
    assert (section.calls, section.calls_estimated) == (2, sized.calls)
    spent = await bench.ledger.calls(job)
    assert section.input == sum(call.input_tokens for call in spent) > 0
    assert section.output == sum(call.output_tokens for call in spent) > 0
    assert outcomes["class_exam"].calls == 0
    assert await estimates.outcomes(BETA, SAME) == []
    assert await estimates.outcomes(ALPHA, dict.fromkeys(KINDS, "scripted:other")) == []
    assert await estimates.outcomes(ALPHA, SAME | {"class_exam": "scripted:other"}) == []


async def test_answers_that_an_earlier_course_paid_for_count_too(pool: Pool) -> None:
    bench = GatewayBench(pool)
    first = await a_course(bench, pool, "one", "two")
    second = await a_course(bench, pool, "one", "two", "three")
    await finish(bench, first)
    await finish(bench, second)
    calls = [each.calls for each in await Estimates(pool).outcomes(ALPHA, SAME) if each.kind == "lesson_section"]
    assert calls == [3, 2]  # the newest first


async def test_the_first_estimate_of_a_job_stands(pool: Pool) -> None:
    job = uuid4()
    estimates = Estimates(pool)
    assert await estimates.of_job(job) is None
    await estimates.keep(job, ALPHA, guess())
    told = await estimates.of_job(job)
    writers = dict.fromkeys(KINDS, Writer(MODEL, Abilities(), parse_price("100/200")))
    dear = estimate([], CourseRequest(author="llm", modules=9), writers)
    await estimates.keep(job, ALPHA, dear)
    assert await estimates.of_job(job) == told
    assert told is not None
    assert told.dollars_high is not None
    assert told.model == MODEL
