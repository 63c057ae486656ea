"""Who writes: chooses author, model and terms for each task, and says beforehand what a course will cost."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from coursewright.apart import Run
from coursewright.course.plan import CourseRequest
from coursewright.documents.passages import Passage
from coursewright.errors import ConfigurationError, InvalidRequest, NeedsAction, PriceUnknown
from coursewright.generation.authors import Author, TaskContext
from coursewright.generation.authors.extractive import ExtractiveAuthor
from coursewright.generation.authors.llm import Asking, LlmAuthor, reasoning_room
from coursewright.generation.estimate import KINDS, Estimate, Sizes, Writer, estimate
from coursewright.generation.estimates import Estimates
from coursewright.generation.terms import JobTerms
from coursewright.llm import Gateway, Origin
from coursewright.llm.ledger import Ledger
from coursewright.llm.model import Abilities
from coursewright.llm.providers.configured import NAMES, ConfiguredProviders
from coursewright.settings import GatewaySettings, ProviderSettings

# Where a key is set and no model is named: the small model of the newest family whose price and abilities are known.
USUAL = {"openai": "openai:gpt-5.4-mini", "anthropic": "anthropic:claude-haiku-4-5"}
# Tasks that wait for a model cost little, and the gateway says how many calls may be in flight. The built-in author
# computes.
_AT_ONCE, _AT_ONCE_BUILT_IN = 32, 4
_ANSWERED_AT_ONCE_HERE = 4  # by an endpoint of one's own, as far as a guess of minutes is concerned


@dataclass(frozen=True, slots=True)
class Quote:
    """What a course will cost, the hard cap in dollars that it is made under, and who is asked where a model fails."""

    estimate: Estimate
    cap: Decimal
    fallbacks: tuple[str, ...] = ()


class Authors:
    """The authors of this installation."""

    def __init__(
        self,
        settings: ProviderSettings,
        gateway: Gateway,
        providers: ConfiguredProviders,
        ledger: Ledger,
        built_in: ExtractiveAuthor,
        estimates: Estimates,
        run: Run = asyncio.to_thread,
        may_ask: Callable[[UUID, str], bool] = lambda _organisation_id, _model: True,
    ) -> None:
        """`may_ask(organisation_id, model)`: whether a job of an organisation may name a model."""
        self._settings = settings
        self._may_ask = may_ask
        self._gateway = gateway
        self._providers = providers
        self._ledger = ledger
        self._built_in = built_in
        self.estimates = estimates
        self._run = run
        self._capped: set[UUID] = set()

    async def author_for(self, request: CourseRequest, context: TaskContext) -> Author:
        """Return the author of a task. Raises NeedsAction when no model is configured here, InvalidRequest."""
        if request.author == self._built_in.name:
            return self._built_in
        for named in (request.model, *(context.terms.fallbacks or ())):
            if named and not self._may_ask(context.organisation_id, named):
                raise InvalidRequest(
                    f"The model {named!r} may not be asked for here.",
                    hint="Name none, or have it added to COURSEWRIGHT_GENERATION__MODELS.",
                )
        terms = context.terms
        try:
            model = self.model(request, context.kind)
            abilities = await self._common(model, terms, context.organisation_id)
        except ConfigurationError as error:
            raise NeedsAction(error.detail, hint=error.hint) from error
        await self._cap(context)
        origin = Origin(
            organisation_id=context.organisation_id,
            task_key=context.key,
            kind=context.kind,
            generation=terms.generation + context.generation,
            job_id=context.job_id,
            knowledge_base_id=context.knowledge_base_id,
            documents=context.documents,
            urgency=terms.urgency if context.kind in _IN_BATCHES else "normal",
            seconds_left=context.seconds_left,
            host_seconds=context.host_seconds,
            within=None if terms.hours is None else 3600 * terms.hours,
        )
        return LlmAuthor(
            Asking(
                gateway=self._gateway,
                origin=origin,
                task=context.task,
                model=model,
                abilities=abilities,
                fallbacks=self._fallbacks(terms),
                reasoning_tokens=self._settings.reasoning_tokens,
                seed=request.seed,
            ),
            self._run,
        )

    def model(self, request: CourseRequest, kind: str = "") -> str:
        """Return the model for a kind of task: the one asked for, else as configured. Raises ConfigurationError."""
        model = request.model or self._settings.models.get(kind) or self._settings.model
        if model is None:
            known = [name for name in self._providers.configured() if name in USUAL]
            if not known:
                raise ConfigurationError(
                    "No language model is configured.",
                    hint="Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or name one: "
                    "--model compatible:NAME --base-url http://localhost:11434/v1.",
                )
            model = USUAL[known[0]]
        check_name(model)
        return model

    def at_once(self, author: str) -> int:
        """Return how many tasks of courses by an author are worth carrying out at once in a process."""
        return _AT_ONCE_BUILT_IN if author == self._built_in.name else _AT_ONCE

    async def quote(
        self, passages: Sequence[Passage] | Sizes, request: CourseRequest, terms: JobTerms, organisation_id: UUID
    ) -> Quote:
        """Say what a course will cost. Raises ConfigurationError, and PriceUnknown where no cap could be kept."""
        fallbacks = self._fallbacks(terms)
        for name in dict.fromkeys((*(self.model(request, kind) for kind in KINDS), *fallbacks)):
            check_name(name)
            await self._providers.get(name.partition(":")[0], organisation_id)
            if self._gateway.prices.find(name) is None:
                raise PriceUnknown(
                    f"Nobody knows what {name} costs, so that no budget could be kept.",
                    hint="Say what it costs in dollars a million tokens: --price 0.15/0.60 (input/output), "
                    "or --price 0 if it costs nothing.",
                )
        cap = Decimal(str(self._settings.job_budget)) if terms.budget is None else terms.budget
        guess = await self._estimate(passages, request, terms, organisation_id)
        return Quote(guess, cap, fallbacks)

    async def _writer(self, kind: str, request: CourseRequest, terms: JobTerms, organisation_id: UUID) -> Writer:
        """Return who does a kind of work, at which price. Raises ConfigurationError, InvalidRequest."""
        model = self.model(request, kind)
        common = await self._common(model, terms, organisation_id)
        abilities = await self._abilities(model, organisation_id)
        reasoning = reasoning_room(abilities, self._settings.reasoning_tokens)
        writer = Writer(model, common, self._gateway.prices.find(model), reasoning=reasoning)
        if terms.urgency != "batch" or kind not in _IN_BATCHES:
            return writer
        discount = self._gateway.terms.discount(abilities, storage=self._settings.storage)
        if discount is None and kind != "lesson_section":  # the wide part decides; others go at once
            return writer
        if discount is None and not abilities.batch:
            raise InvalidRequest(f"{model} has no cheaper mode.", hint="Leave out --urgency batch.")
        if discount is None:
            raise InvalidRequest(
                "In a batch, prompts and replies rest at the provider until they are fetched.",
                hint="Allow it: COURSEWRIGHT_PROVIDERS__STORAGE=true.",
            )
        return replace(writer, multiplier=discount)

    async def keep_estimate(
        self,
        job_id: UUID,
        organisation_id: UUID,
        request: CourseRequest,
        terms: JobTerms,
        passages: Sequence[Passage],
    ) -> None:
        """Keep what is estimated for a job, whoever asked for it, so that the next estimate can learn from it."""
        if request.author == self._built_in.name:
            return
        with contextlib.suppress(InvalidRequest, ConfigurationError):  # no such mode, no key: the calls say so
            guess = await self._estimate(passages, request, terms, organisation_id)
            await self.estimates.keep(job_id, organisation_id, guess)

    async def _estimate(
        self, passages: Sequence[Passage] | Sizes, request: CourseRequest, terms: JobTerms, organisation_id: UUID
    ) -> Estimate:
        writers = {kind: await self._writer(kind, request, terms, organisation_id) for kind in KINDS}
        here = writers["lesson_section"].model.startswith("compatible:")
        return estimate(
            passages,
            request,
            writers,
            _ANSWERED_AT_ONCE_HERE if here else _AT_ONCE,
            await self.estimates.outcomes(organisation_id, {kind: each.model for kind, each in writers.items()}),
        )

    async def _abilities(self, model: str, organisation_id: UUID) -> Abilities:
        """Return what a model can do. Raises ConfigurationError."""
        provider, _, name = model.partition(":")
        return (await self._providers.get(provider, organisation_id)).abilities(name)

    def _fallbacks(self, terms: JobTerms) -> tuple[str, ...]:
        return self._settings.fallbacks if terms.fallbacks is None else terms.fallbacks

    async def _common(self, model: str, terms: JobTerms, organisation_id: UUID) -> Abilities:
        """Return what a model and those that may answer in its place can all do. Raises ConfigurationError."""
        common = await self._abilities(model, organisation_id)
        for name in self._fallbacks(terms):
            with contextlib.suppress(ConfigurationError):  # it is not needed yet; when it is, the gateway says so
                common = _weaker(common, await self._abilities(name, organisation_id))
        return common

    async def _cap(self, context: TaskContext) -> None:
        """See to it that no call is made without a cap, also for jobs that other programs inserted."""
        if context.job_id in self._capped:
            return
        cap = Decimal(str(self._settings.job_budget))
        if context.terms.budget is not None:
            cap = min(
                cap, context.terms.budget
            )  # whoever inserts a job may spend less than the installation's, not more
        await self._ledger.cap_job_by_default(context.job_id, context.organisation_id, cap)
        self._capped.add(context.job_id)


# Kinds with few calls, on which all others wait, are never put into a batch: a day would become several.
_IN_BATCHES = frozenset(
    {"lesson_section", "lesson_assessment", "lesson_mind_map", "lesson_brainbytes", "path_quiz", "class_exam"}
)
_SCHEMAS = ("none", "loose", "strict")  # the weaker first


def _weaker(one: Abilities, other: Abilities) -> Abilities:
    """Return what a prompt can count on when either model may be asked; the rest each provider settles for itself."""
    return replace(
        one,
        json_schema=min(one.json_schema, other.json_schema, key=_SCHEMAS.index),
        context_window=min(one.context_window, other.context_window),
        largest_output=min(one.largest_output, other.largest_output),
        temperature=one.temperature or other.temperature,
        seed=one.seed or other.seed,
        reasoning=one.reasoning or other.reasoning,
        reasons_unasked=one.reasons_unasked or other.reasons_unasked,
    )


def check_name(model: str) -> None:
    """Raise InvalidRequest for what is no `provider:model`."""
    provider, colon, name = model.partition(":")
    if provider not in NAMES or not colon or not name:
        raise InvalidRequest(
            f"{model!r} is no model.", hint=f"Write it as PROVIDER:MODEL; providers: {', '.join(NAMES)}."
        )


def gateway_settings(given: GatewaySettings, base_url: str | None) -> GatewaySettings:
    """Return the gateway's settings: an endpoint on this machine costs nothing unless something else is said."""
    if not _on_this_machine(base_url) or "compatible:*" in given.prices:
        return given
    return given.model_copy(update={"prices": {"compatible:*": "0", **given.prices}})


def _on_this_machine(url: str | None) -> bool:
    host = urlsplit(url or "").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


__all__ = ["USUAL", "Authors", "Quote", "check_name", "gateway_settings"]
