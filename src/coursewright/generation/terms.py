"""The terms of a job: what the user agreed to pay and wait for. Kept apart from the request; no task key knows them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coursewright.errors import InvalidRequest


class JobTerms(BaseModel):
    """What stands in `job_data["terms"]`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    budget: Decimal | None = Field(None, ge=0, description="Hard cap in dollars; default: the installation's.")
    fallbacks: tuple[str, ...] | None = Field(None, description="Models to ask while the one before fails.")
    urgency: Literal["normal", "batch"] = "normal"
    hours: float | None = Field(
        None, gt=0, le=720, description="urgency batch: done so many hours after the first call; default: a day."
    )
    substitute: bool = Field(True, description="Whether the built-in author writes what the model could not.")
    generation: int = Field(0, ge=0, description="Above 0: answers kept from earlier generations are not used.")

    def same_as(self, job_data: Mapping[str, Any], refresh: bool) -> bool:
        """Tell whether a job goes on under these terms; another budget is no reason to begin anew."""
        found = job_terms(job_data)
        beside = {"budget", "generation"}
        return bool(found.generation) == refresh and found.model_dump(exclude=beside) == self.model_dump(exclude=beside)


_URGENCIES = {"immediate": "normal"}  # a word of the HTTP API, which puts `urgency` beside the request


def job_terms(job_data: Mapping[str, Any]) -> JobTerms:
    """Return the terms of a job; what `terms` does not say, `urgency` beside it does. Raises InvalidRequest."""
    beside = job_data.get("urgency")
    said = {} if beside is None else {"urgency": _URGENCIES.get(str(beside), beside)}
    terms = job_data.get("terms") or {}
    try:
        return JobTerms.model_validate({**said, **terms} if isinstance(terms, Mapping) else terms)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc'])) or 'terms'}: {each['msg']}" for each in error.errors()]
        raise InvalidRequest(
            f"The terms in job_data cannot be used. {'; '.join(wrong[:5])}",
            hint="Insert the job again without `terms`, or mend them.",
        ) from error


__all__ = ["JobTerms", "job_terms"]
