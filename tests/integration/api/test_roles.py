"""Students change what is theirs; what belongs to the whole organisation is its staff's."""

from uuid import UUID, uuid4

import httpx2
import pytest

from tests.integration.api.conftest import Service

V2 = "/api/course-generation/v2"


async def _key(service: Service, role: str) -> tuple[UUID, dict[str, str]]:
    user = uuid4()
    key, _ = await service.program.keys.create("k", service.ours.organisation, user, role)
    return user, {"Authorization": f"Bearer {key}"}


def _acts(job: UUID) -> list[tuple[str, str, dict[str, object] | None]]:
    of_job = f"/api/knowledge-base/jobs/{job}"
    actions = ("retry_task", "skip_task", "pause_job", "resume_job", "cancel_job")
    user_actions: list[tuple[str, str, dict[str, object] | None]] = [
        ("POST", f"{V2}/user-action", {"jobId": str(job), "actionType": each, "taskIds": ["outline"]})
        for each in actions
    ]
    return [
        *user_actions,
        ("POST", f"{of_job}/regenerate", {"taskIdentifier": "outline"}),
        ("POST", f"{of_job}/resume", None),
        ("POST", f"{of_job}/restart", None),
        ("POST", f"{of_job}/clear", None),
        ("POST", f"/api/course-generation/dismiss-job/{job}", None),
        ("DELETE", f"{V2}/job/{job}", None),
        ("DELETE", f"/api/courses/{job}", None),
    ]


@pytest.mark.parametrize("role", ["student", "pupil"])
async def test_a_student_changes_no_other_users_job(service: Service, role: str) -> None:
    base, job = await service.course()
    _, headers = await _key(service, role) if role == "student" else (None, await _token_like(service, role))
    before = await _rows(service)
    for method, path, body in _acts(job):
        answer = await service.anonymous.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (path, body, answer.text)
    documents = await service.program.organisation(service.ours.organisation).library.documents(base)
    for path in (f"/api/knowledge-base/{base}", f"/api/knowledge-base/documents/{documents[0].id}"):
        assert (await service.anonymous.delete(path, headers=headers)).status_code == 403
    name, where = documents[0].name, {"base_class_id": str(base)}
    upload = await service.anonymous.post(
        "/api/knowledge-base/upload", files={"file": (name, b"# Mine\n\nText.")}, data=where, headers=headers
    )
    link = await service.anonymous.post(
        "/api/knowledge-base/url", json={"url": "http://127.0.0.1:9/a.md", "name": name} | where, headers=headers
    )
    assert (upload.status_code, link.status_code) == (409, 409), (upload.text, link.text)
    assert await _rows(service) == before


async def test_a_student_sees_own_jobs_in_lists_and_reads_any_course(service: Service) -> None:
    base, theirs = await service.course()
    _, headers = await _key(service, "student")
    asked = await service.anonymous.post(V2, json={"baseClassId": str(base)}, headers=headers)
    own = asked.json()["jobId"]
    for path in (V2, "/api/course-generation/active-jobs"):
        assert await _listed(service.anonymous, path, headers) == [own]
        assert set(await _listed(service.ours.http, path, {})) == {own, str(theirs)}
    for path in (f"/api/courses/{theirs}", f"/api/knowledge-base/generation-status/{theirs}"):
        assert (await service.anonymous.get(path, headers=headers)).status_code == 200


async def test_a_student_does_with_own_jobs_as_others_do(service: Service) -> None:
    base = await service.upload()
    _, headers = await _key(service, "student")
    asked = await service.anonymous.post(V2, json={"baseClassId": str(base)}, headers=headers)
    for method, path, body in _acts(UUID(asked.json()["jobId"])):
        answer = await service.anonymous.request(method, path, json=body, headers=headers)
        assert answer.status_code in (200, 404, 409, 422), (path, answer.text)
    assert await _listed(service.anonymous, V2, headers) == []


@pytest.mark.parametrize("role", ["teacher", "admin", "super_admin"])
async def test_staff_may_do_all_that_in_their_organisation(service: Service, role: str) -> None:
    base, job = await service.course()
    _, headers = await _key(service, role)
    dismissed = await service.anonymous.post(f"/api/course-generation/dismiss-job/{job}", headers=headers)
    assert dismissed.status_code == 200
    pages = service.program.organisation(service.ours.organisation).pages
    assert [each["action_type"] for each in await pages.actions(job)] == ["dismiss_job"]
    assert (await service.anonymous.delete(f"/api/courses/{job}", headers=headers)).status_code == 200
    assert (await service.anonymous.delete(f"/api/knowledge-base/{base}", headers=headers)).status_code == 200


async def _token_like(service: Service, role: str) -> dict[str, str]:
    """A role that is not known here, as a token may carry one; keys cannot be made for it."""
    _, headers = await _key(service, "teacher")
    async with service.program._pool.connection() as connection:
        await connection.execute("update coursewright.api_keys set role = %s where role = 'teacher'", [role])
    return headers


async def _rows(service: Service) -> list[tuple[object, ...]]:
    async with service.program._pool.connection() as connection:
        rows = await connection.execute("select j::text from course_generation_jobs j order by 1")
        documents = await connection.execute("select id from coursewright.documents order by 1")
        return [*await rows.fetchall(), *await documents.fetchall()]


async def _listed(http: httpx2.AsyncClient, path: str, headers: dict[str, str]) -> list[str]:
    return [each["id"] for each in (await http.get(path, headers=headers)).json()["jobs"]]
