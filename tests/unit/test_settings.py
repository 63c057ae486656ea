"""What variables of the environment mean: well-known names, nothing as nothing, one of several."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from coursewright.settings import Settings


def test_the_port_of_the_host_is_taken_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().api.port == 8000
    monkeypatch.setenv("PORT", "10000")
    assert Settings().api.port == 10000
    monkeypatch.setenv("COURSEWRIGHT_API__HOST", "0.0.0.0")  # noqa: S104
    assert (Settings().api.port, Settings().api.host) == (10000, "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("COURSEWRIGHT_API__PORT", "9000")
    assert Settings().api.port == 9000


@pytest.mark.parametrize("name", ["PORT", "DATABASE_URL", "COURSEWRIGHT_LIMITS__EVERYONE__DAY"])
def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, " ")
    settings = Settings()
    assert (settings.api.port, settings.database_url, settings.limits.everyone.day) == (8000, None, None)


def test_a_worker_looks_often_enough_to_obey_within_two_seconds() -> None:
    assert 0 < Settings().worker.control_seconds <= 2


def test_whoever_sets_one_window_keeps_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSEWRIGHT_LIMITS__STUDENT__MINUTE", "5")
    monkeypatch.setenv("COURSEWRIGHT_LIMITS__TEACHER__HOUR", "")
    limits = Settings().limits
    assert (limits.student.minute, limits.student.hour, limits.student.day) == (5, 10, 50)
    assert (limits.teacher.minute, limits.teacher.hour, limits.teacher.day) == (5, None, 200)


def test_no_number_is_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSEWRIGHT_PROVIDERS__JOB_BUDGET", "inf")
    with pytest.raises(ValidationError, match="finite number"):
        Settings()


@pytest.mark.parametrize("value", ["openai:gpt-5.4-mini", "", "["])
@pytest.mark.parametrize("name", ["PROVIDERS__FALLBACKS", "API__CORS_ORIGINS", "GATEWAY__LIMITS"])
def test_what_is_no_json_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"COURSEWRIGHT_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert [each["loc"] for each in caught.value.errors()] == [tuple(name.lower().split("__"))]


def test_a_file_of_variables_is_read_like_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text('COURSEWRIGHT_PROVIDERS__FALLBACKS=["openai:a"]\nPOLL_INTERVAL=7\nPORT=1\n')
    monkeypatch.setenv("PORT", "10000")
    settings = Settings()
    assert (settings.providers.fallbacks, settings.poll_interval, settings.api.port) == (("openai:a",), 7, 10000)
    (tmp_path / ".env").write_text("COURSEWRIGHT_PROVIDERS__FALLBACKS=openai:a")
    with pytest.raises(ValidationError, match="fallbacks"):
        Settings()
