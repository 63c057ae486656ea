"""A job that stops after the outline, and another one that takes the outline up."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from coursewright.errors import JobFailed
from tests.integration.api.conftest import Service

V2 = "/api/course-generation/v2"


async def _outline(service: Service, **body: Any) -> tuple[UUID, UUID]:
    base = await service.upload()
    job = await service.ask(base, jobType="generate_outline", **body)
    await service.program.finish(job)
    return base, job


async def test_it_stops_after_the_outline_and_says_so(service: Service) -> None:
    _, job = await _outline(service, estimatedDurationWeeks=2, lessonsPerWeek=2)
    told = (await service.ours.http.get(f"/api/knowledge-base/generation-status/{job}")).json()
    assert (told["job"]["status"], told["job"]["progress_percentage"]) == ("completed", 100)
    result = told["job"]["result_data"]
    assert result["courseOutlineId"] == str(job)
    assert result["message"] == "The outline of “Bees” is finished."
    assert (result["stats"]["modules"], result["stats"]["lessons"]) == (2, 4)
    assert result["stats"]["sections"] >= 4
    assert result["taskSummary"]["completedItems"] == 2
    assert len(told["courseOutline"]["paths"]) == 2
    story = [each["message"] for each in told["messages"]]
    assert story[0] == "Work on the outline has begun."
    assert story[-1] == "The outline is finished."
    assert (await service.ours.http.get(f"/api/courses/{job}")).status_code == 404


async def test_another_job_makes_its_course_and_what_was_asked_for_then_holds(service: Service) -> None:
    base, outline = await _outline(service, estimatedDurationWeeks=2, lessonsPerWeek=2, author="extractive")
    wish = {"baseClassId": str(base), "courseOutlineId": str(outline), "lessonsPerWeek": 1, "title": "Bees"}
    wish |= {"estimatedDurationWeeks": None, "academicLevel": "", "prerequisites": [], "author": ""}  # as forms do
    answer = await service.ours.http.post(V2, json=wish)
    assert answer.status_code == 202, answer.text
    assert answer.json()["message"] == "The course is queued. As the outline has it, not as asked: lessonsPerWeek."
    job = UUID(answer.json()["jobId"])
    await service.program.finish(job)
    made = await _outputs(service, job)
    assert made == await _outputs(service, outline)  # word for word: the same passages for the same sections
    course = (await service.ours.http.get(f"/api/courses/{job}")).json()["course"]
    assert course["title"] == "Bees"
    assert [len(module["lessons"]) for module in course["modules"]] == [2, 2]
    data = (await service.ours.http.get(f"{V2}/job/{job}")).json()["job"]["job_data"]
    assert (data["estimatedDurationWeeks"], data["lessonsPerWeek"], data["author"]) == (2, 2, "extractive")
    story = (await service.ours.http.get(f"/api/knowledge-base/generation-status/{job}")).json()["messages"]
    assert story[-1]["message"].startswith("The course is finished: 2 modules, 4 lessons")


async def test_the_outline_of_a_whole_course_may_be_taken_up_too(service: Service) -> None:
    base, first = await service.course(estimatedDurationWeeks=1)
    job = await service.ask(base, title="Bees", courseOutlineId=str(first))
    await service.program.finish(job)
    assert await _outputs(service, job) == await _outputs(service, first)


async def test_what_cannot_be_taken_up_is_refused(service: Service) -> None:
    base, outline = await _outline(service)
    unfinished = await service.ask(base, jobType="generate_outline")

    async def refused(by: Any = service.ours, **body: Any) -> tuple[int, str]:
        answer = await by.http.post(V2, json={"baseClassId": str(base)} | body)
        return answer.status_code, str(answer.json()["error"])

    for unknown in (uuid4(), unfinished):
        status, told = await refused(courseOutlineId=str(unknown))
        assert status == 404
        assert str(unknown) in told
    other = await service.upload()
    status, told = await refused(courseOutlineId=str(outline), baseClassId=str(other))
    assert (status, str(base) in told) == (422, True)
    assert (await refused(courseOutlineId=str(outline), jobType="generate_outline"))[0] == 422
    theirs = await service.upload(by=service.theirs)
    assert (await refused(service.theirs, courseOutlineId=str(outline), baseClassId=str(theirs)))[0] == 404


async def test_an_outline_that_is_gone_by_the_time_fails_the_job_and_says_why(service: Service) -> None:
    base, outline = await _outline(service)
    job = await service.ask(base, courseOutlineId=str(outline))
    assert (await service.ours.http.delete(f"{V2}/job/{outline}")).status_code == 200
    with pytest.raises(JobFailed, match=f"There is no outline {outline}"):
        await service.program.finish(job)
    first, _ = await service.program.jobs.tasks(job)
    assert first.attempt == 1  # at once, not after retries


async def _outputs(service: Service, job: UUID) -> dict[str, Any]:
    tasks = await service.program.jobs.tasks(job, ["knowledge-analysis", "outline"])
    return {each.task_identifier: each.output_data for each in tasks}
