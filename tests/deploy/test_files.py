"""The files of `deploy/` say what is true: commands exist, variables are read, paths are there, graces fit."""

import importlib.resources
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from coursewright import __version__
from coursewright.app import CRON_ROUTE
from coursewright.settings import GatewaySettings, Settings, WorkerSettings
from tests.deploy import files
from tests.deploy.files import DEPLOY, ROOT

SETTINGS = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")))
# What hosts read, as their references name it in November 2026. A key that is not there is a slip of the pen.
RENDER = {
    "databases": {"name", "plan", "postgresMajorVersion", "region", "databaseName", "user"},
    "services": {
        "type", "name", "runtime", "plan", "region", "dockerfilePath", "dockerContext", "dockerCommand",
        "healthCheckPath", "maxShutdownDelaySeconds", "envVars", "numInstances", "preDeployCommand",
    },
    "envVarGroups": {"name", "envVars"},
}  # fmt: skip
RAILWAY: dict[str, dict[str, type]] = {
    "build": {"builder": str, "dockerfilePath": str, "watchPatterns": list},
    "deploy": {
        "startCommand": str, "preDeployCommand": list, "healthcheckPath": str, "healthcheckTimeout": int,
        "restartPolicyType": str, "restartPolicyMaxRetries": int, "drainingSeconds": int, "overlapSeconds": int,
    },
}  # fmt: skip
FLY = {
    "app", "primary_region", "kill_signal", "kill_timeout", "build", "deploy", "env", "processes", "http_service",
    "restart", "vm",
}  # fmt: skip
EXTRAS = {"openai", "anthropic", "sentry", "telemetry"}  # what variables that the docs name need
HOSTS_OWN = {"PATH", "PYTHONUNBUFFERED"}


@pytest.mark.parametrize(("where", "words"), list(files.commands()), ids=lambda each: str(each)[:40])
def test_commands_exist(where: str, words: list[str]) -> None:
    program, subcommand, *options = words
    assert program == "coursewright", where
    done = subprocess.run(
        [sys.executable, "-c", "from coursewright.cli import main; main()", subcommand, "--help"],
        capture_output=True,
        text=True,
        env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    absent = [word for word in options if word.startswith("--") and word not in done.stdout]
    assert not absent, f"{where}: {subcommand} has no {absent}"


def test_variables_are_read() -> None:
    unknown = [(where, name) for where, name in files.variables() if name not in SETTINGS | HOSTS_OWN]
    assert not unknown


def test_the_service_that_a_host_looks_for_listens_for_it() -> None:
    """A host reaches a container from outside, so each `serve` names an address that is not loopback only."""
    for where, words in files.commands():
        if words[1] == "serve":
            assert words[words.index("--host") + 1] == "0.0.0.0", where  # noqa: S104


def test_paths_are_there() -> None:
    for service in files.render()["services"]:
        assert (ROOT / service["dockerfilePath"]).is_file()
        assert (ROOT / service["dockerContext"]).is_dir()
    for name in ("railway.json", "railway.worker.json"):
        assert (ROOT / files.read_json(name)["build"]["dockerfilePath"]).is_file()
    assert (DEPLOY / files.fly()["build"]["dockerfile"]).is_file()
    for service in files.compose()["services"].values():
        if "build" in service:
            context = DEPLOY / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    copied = [rest.split()[:-1] for name, rest in files.dockerfile() if name == "COPY" and "--from" not in rest]
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for path in (path for paths in copied for path in paths):
        assert (ROOT / path).exists()
        assert f"!{path}" in ignore, f"{path} is copied, and ignored"


def test_whoever_is_told_to_stop_has_the_time() -> None:
    """A host kills some seconds after SIGTERM: later than steps have ended and replies under way are stored."""
    longest = WorkerSettings().grace_seconds + GatewaySettings().grace_seconds + 3
    assert not [each for each in files.variables() if each[1].endswith("__GRACE_SECONDS")]
    assert float(files.compose()["services"]["worker"]["stop_grace_period"].removesuffix("s")) >= longest
    for service in files.render()["services"]:
        assert service["maxShutdownDelaySeconds"] >= longest
    for name in ("railway.json", "railway.worker.json"):
        assert files.read_json(name)["deploy"]["drainingSeconds"] >= longest
    assert files.fly()["kill_timeout"] >= longest
    assert files.fly()["kill_signal"] == "SIGTERM"


def test_compose_is_what_the_specification_allows() -> None:
    schema = importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.validate(files.compose(), json.loads(schema.read_text(encoding="utf-8")))


def test_compose_publishes_nothing_but_the_service_on_this_machine() -> None:
    services = files.compose()["services"]
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "api": ["127.0.0.1:8000:8000"]
    }
    password = re.compile(r"postgres(ql)?://\w+:(?!\$)")
    assert not password.search((DEPLOY / "compose.yaml").read_text(encoding="utf-8")), "a password stands in the file"


def test_render_and_railway_and_fly_know_every_key() -> None:
    blueprint = files.render()
    assert set(blueprint) == set(RENDER)
    for part, known in RENDER.items():
        assert [set(each) - known for each in blueprint[part] if set(each) - known] == []
    groups = {group["name"] for group in blueprint["envVarGroups"]}
    databases = {each["name"] for each in blueprint["databases"]}
    for each in (each for service in blueprint["services"] for each in service["envVars"]):
        assert each.get("fromGroup", next(iter(groups))) in groups
        assert each.get("fromDatabase", {"name": next(iter(databases))})["name"] in databases
    for name in ("railway.json", "railway.worker.json"):
        for part, values in files.read_json(name).items():
            if part != "$schema":
                assert {key for key, value in values.items() if type(value) is not RAILWAY[part].get(key)} == set()
    assert set(files.fly()) <= FLY
    processes = set(files.fly()["processes"])
    assert set(files.fly()["http_service"]["processes"]) <= processes
    assert {process for vm in files.fly()["vm"] for process in vm["processes"]} == processes


def test_a_database_that_is_away_ends_no_service() -> None:
    """Hosts that ask again and again restart or cut off what fails, so they ask `/healthz`; what ends begins anew."""
    assert files.render()["services"][0]["healthCheckPath"] == "/healthz"
    assert [check["path"] for check in files.fly()["http_service"]["checks"]] == ["/healthz"]
    assert [each["policy"] for each in files.fly()["restart"]] == ["always"]
    for name in ("railway.json", "railway.worker.json"):
        assert files.read_json(name)["deploy"]["restartPolicyType"] == "ALWAYS"


def test_fly_asks_where_the_service_listens() -> None:
    assert files.fly()["http_service"]["internal_port"] == Settings().api.port


def test_vercel_sends_everything_to_the_function_and_rings_where_ticks_are() -> None:
    config = files.read_json("vercel/vercel.json")
    assert set(config) == {"$schema", "functions", "rewrites", "crons"}
    (function,) = config["functions"]
    assert (DEPLOY / "vercel" / function).is_file()
    (rewrite,) = config["rewrites"]
    assert (rewrite["source"], rewrite["destination"]) == ("/(.*)", "/" + function.removesuffix(".py"))
    (cron,) = config["crons"]
    assert cron["path"] == CRON_ROUTE
    assert len(cron["schedule"].split()) == 5
    requirements = (DEPLOY / "vercel" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wheel, extras = requirements[-1].rstrip("]").split("[")
    assert wheel == f"./coursewright-{__version__}-py3-none-any.whl"
    assert set(extras.split(",")) >= EXTRAS


def test_what_the_docs_tell_to_set_can_be_set_everywhere() -> None:
    """With a variable whose extra is not there, such as SENTRY_DSN, the program refuses to start."""
    (image,) = (rest.removeprefix("EXTRAS=") for name, rest in files.dockerfile() if rest.startswith("EXTRAS="))
    assert {"bullmq", *EXTRAS} <= set(image.split(","))
    script = (ROOT / "scripts" / "build_bundle.sh").read_text(encoding="utf-8")
    (bundle,) = re.findall(r"\$root\[(.+?)\]", script)
    assert set(bundle.split(",")) >= EXTRAS


def test_the_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    instructions = files.dockerfile()
    assert [rest for name, rest in instructions if name == "FROM"][-1].startswith("python:")
    assert len([name for name, _ in instructions if name == "FROM"]) == 2, "what builds stays out of the image"
    told = dict(instructions)
    assert told["USER"] == "10001"
    assert told["STOPSIGNAL"] == "SIGTERM"
    assert "/healthz" in told["HEALTHCHECK"]
    assert "VOLUME" not in told, "Railway refuses it"
    assert "ENTRYPOINT" not in told, "hosts disagree on whether a command replaces it"
    # Healthcheck and CMD are lists: a shell would not hand on SIGTERM.
    json.loads(told["CMD"])
    assert isinstance(json.loads(told["HEALTHCHECK"].partition("CMD ")[2]), list)


def test_every_file_is_documented() -> None:
    page = "".join(each.read_text(encoding="utf-8") for each in (ROOT / "docs").glob("*.md"))
    files_there = (path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc")
    named = {path.relative_to(ROOT).as_posix() for path in files_there}
    hidden = {"deploy/Dockerfile.dockerignore", "deploy/vercel/api/index.py", "deploy/vercel/requirements.txt"}
    absent = [  # a link to a folder of them stands for the files in it
        name
        for name in sorted(named - hidden)
        if Path(name).name not in page and f"(../{Path(name).parent.as_posix()}/)" not in page
    ]
    assert not absent
