"""No call without a cap, and no job that fails because this worker lacks a key."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from coursewright.authors import Authors
from coursewright.course.plan import CourseRequest
from coursewright.db.pool import Pool
from coursewright.errors import NeedsAction
from coursewright.generation.authors import TaskContext
from coursewright.generation.authors.extractive import ExtractiveAuthor
from coursewright.generation.estimates import Estimates
from coursewright.generation.terms import JobTerms
from coursewright.llm import Gateway
from coursewright.llm.ledger import Ledger
from coursewright.llm.providers.configured import ConfiguredProviders
from coursewright.settings import ProviderSettings

ORGANISATION = UUID(int=1)
LOCAL = ProviderSettings(base_url="http://127.0.0.1:1/v1", model="compatible:x", job_budget=1.0)
ASKED = CourseRequest(author="llm")


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
