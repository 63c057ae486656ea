"""No call without a cap, and no job that fails because this worker lacks a key."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from coursewright.app import Coursewright
from coursewright.authors import Authors, Quote
from coursewright.course.plan import CourseRequest, LessonPlan, QuestionPlan, SectionPlan
from coursewright.db.pool import Pool
from coursewright.errors import NeedsAction, Overloaded
from coursewright.generation.authors import TaskContext
from coursewright.generation.authors.extractive import ExtractiveAuthor
from coursewright.generation.estimate import Sizes
from coursewright.generation.estimates import Estimates
from coursewright.generation.terms import JobTerms
from coursewright.llm import Abilities, Deferred, Gateway
from coursewright.llm.ledger import Ledger
from coursewright.llm.provider import FixedProviders
from coursewright.llm.providers.configured import ConfiguredProviders
from coursewright.llm.providers.scripted import Say, Scripted
from coursewright.llm.tokens import at_most_input
from coursewright.settings import GatewaySettings, ProviderSettings, Settings
from tests import good_model
from tests.unit.generation.llm.passages import passage

ORGANISATION = UUID(int=1)
LOCAL = ProviderSettings(base_url="http://127.0.0.1:1/v1", model="compatible:x", job_budget=1.0)
ASKED = CourseRequest(author="llm")
PLAN = SectionPlan(id="s-1", title="Winter", passage_ids=())
LESSON = LessonPlan(id="l-1", title="Bees", sections=(PLAN,), assessment=QuestionPlan(wanted=1))


def _authors(pool: Pool, settings: ProviderSettings) -> Authors:
    providers = ConfiguredProviders(settings)
    return Authors(settings, Gateway(pool, providers), providers, Ledger(pool), ExtractiveAuthor(), Estimates(pool))


def _context(job: UUID, terms: JobTerms | None = None, kind: str = "lesson_section") -> TaskContext:
    return TaskContext(ORGANISATION, uuid4(), job, kind, "key", 0, (), terms or JobTerms())


@pytest.mark.parametrize(("budget", "cap"), [(None, "1"), ("0.2", "0.2"), ("100", "1")])
async def test_a_job_that_others_inserted_is_capped_before_its_first_call(
    pool: Pool, budget: str | None, cap: str
) -> None:
    job = uuid4()
    terms = JobTerms(budget=None if budget is None else Decimal(budget))
    await _authors(pool, LOCAL).author_for(ASKED, _context(job, terms))
    assert (await Ledger(pool).spent_by_job(job)).cap == Decimal(cap)


async def test_a_cap_that_somebody_set_stands(pool: Pool) -> None:
    job = uuid4()
    await Ledger(pool).cap_job(job, ORGANISATION, Decimal(5))
    await _authors(pool, LOCAL).author_for(ASKED, _context(job))
    assert (await Ledger(pool).spent_by_job(job)).cap == Decimal(5)


async def test_the_built_in_author_needs_no_cap(pool: Pool) -> None:
    job = uuid4()
    author = await _authors(pool, LOCAL).author_for(CourseRequest(), _context(job))
    assert (author.name, author.model) == ("extractive", None)
    assert (await Ledger(pool).spent_by_job(job)).cap is None


async def test_without_a_key_the_job_waits_for_somebody(pool: Pool) -> None:
    with pytest.raises(NeedsAction, match="No language model is configured"):
        await _authors(pool, ProviderSettings()).author_for(ASKED, _context(uuid4()))
    with pytest.raises(NeedsAction, match="'openai' is not configured"):
        await _authors(pool, LOCAL).author_for(ASKED.model_copy(update={"model": "openai:x"}), _context(uuid4()))


async def test_the_model_is_the_one_asked_for_then_by_kind_then_by_setting_then_by_key(pool: Pool) -> None:
    by_kind = LOCAL.model_copy(update={"models": {"lesson_mind_map": "compatible:small"}})
    authors = _authors(pool, by_kind)
    assert authors.model(ASKED, "lesson_mind_map") == "compatible:small"
    assert authors.model(ASKED, "lesson_section") == "compatible:x"
    named = ASKED.model_copy(update={"model": "compatible:named"})
    assert authors.model(named, "lesson_mind_map") == "compatible:named"
    both = ProviderSettings(openai_key=SecretStr("a"), anthropic_key=SecretStr("b"))
    assert _authors(pool, both).model(ASKED).startswith("openai:")
    assert _authors(pool, ProviderSettings(anthropic_key=SecretStr("b"))).model(ASKED).startswith("anthropic:")


LARGE = Abilities(json_schema="strict", context_window=100_000, largest_output=32_000)
SMALL = Abilities(json_schema="none", context_window=16_000, largest_output=3_000)


async def test_what_is_asked_fits_the_fallback_too(pool: Pool) -> None:
    first = Scripted(lambda request, asked: Overloaded("HTTP 503."), name="openai", abilities=LARGE)
    second = Scripted(
        lambda request, asked: Say(good_model.answer(request.schema_name, request.messages[-1].text)),
        name="anthropic",
        abilities=SMALL,
    )
    providers = FixedProviders(first, second)
    settings = GatewaySettings(prices={"openai:*": "0", "anthropic:*": "0"})
    gateway = Gateway(pool, providers, settings)
    authors = Authors(
        LOCAL.model_copy(update={"model": "openai:x"}), gateway, cast(ConfiguredProviders, providers), Ledger(pool),
        ExtractiveAuthor(), Estimates(pool),
    )  # fmt: skip
    text = (
        "In autumn a colony needs fifteen kilos of stores, and its keeper weighs the hive to see what is there. " * 12
    )
    many = [passage(("Guide", f"Part {n}"), text, n) for n in range(200)]
    terms = JobTerms(fallbacks=("anthropic:y",))
    for n in range(4):  # then its breaker is open
        author = await authors.author_for(ASKED, replace(_context(uuid4(), terms), key=f"key-{n}"))
        with pytest.raises(Deferred):
            await author.section(PLAN, LESSON, many, ASKED)
    author = await authors.author_for(ASKED, replace(_context(uuid4(), terms), key="last"))
    section = await author.section(PLAN, LESSON, many, ASKED)
    assert "fifteen kilos" in section.blocks[0].text
    request = second.log[-1].request
    assert at_most_input(request) + request.max_output_tokens <= SMALL.context_window
    assert request.max_output_tokens <= SMALL.largest_output
    assert '"key_concepts"' in request.messages[-1].text  # the schema: it takes none beside the prompt


async def test_a_fallback_that_is_not_configured_holds_nobody_up(pool: Pool) -> None:
    author = await _authors(pool, LOCAL).author_for(ASKED, _context(uuid4(), JobTerms(fallbacks=("openai:x",))))
    assert author.model == "compatible:x"


async def test_a_quote_prices_each_kind_of_work_with_the_model_that_does_it(pool: Pool) -> None:
    keys = {"openai_key": SecretStr("a"), "model": "openai:gpt-5.4-mini", "storage": True}
    dear = {"models": {"lesson_section": "openai:gpt-5.4"}, "fallbacks": ("openai:gpt-5.4-nano",)}
    passages = Sizes(40, 8_000, 50_000)

    async def quote(settings: dict[str, object], request: CourseRequest = ASKED, **terms: object) -> Quote:
        authors = _authors(pool, ProviderSettings.model_validate(settings))
        return await authors.quote(passages, request, JobTerms.model_validate(terms), ORGANISATION)

    def dollars(quote: Quote) -> Decimal:
        assert quote.estimate.dollars is not None
        return quote.estimate.dollars[0]

    alone, mixed = await quote(keys), await quote(keys | dear)
    assert dollars(mixed) > 1.5 * float(dollars(alone))
    assert mixed.estimate.model == "openai:gpt-5.4"
    assert {each.model for each in mixed.estimate.work} == {"openai:gpt-5.4", "openai:gpt-5.4-mini"}
    assert (mixed.fallbacks, alone.fallbacks) == (("openai:gpt-5.4-nano",), ())
    assert (await quote(keys | dear, fallbacks=[])).fallbacks == ()
    # Whoever names a model gets that one for everything, and needs nothing of the others.
    named = ASKED.model_copy(update={"model": "openai:gpt-5.4-mini"})
    assert dollars(await quote(keys | {"models": {"class_exam": "anthropic:claude-haiku-4-5"}}, named)) == dollars(
        alone
    )
    assert dollars(await quote(keys | dear, urgency="batch")) < dollars(mixed)


async def test_where_models_write_more_tasks_are_worth_doing_at_once(pool: Pool, tmp_path: Path) -> None:
    def at_once(**settings: object) -> int:
        given = Settings.model_validate({"data_dir": tmp_path, **settings})
        return Coursewright(given, "postgresql://nowhere", pool).worker().concurrency

    assert at_once() == 4
    assert at_once(providers=LOCAL) == 32
    assert at_once(providers=LOCAL, generation={"author": "extractive"}) == 4
    assert at_once(providers=LOCAL, worker={"concurrency": 7}) == 7
