"""The files of `deploy/` as their hosts read them: their commands and their variables, whatever the form."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))


def render() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "render.yaml").read_text(encoding="utf-8")))


def fly() -> dict[str, Any]:
    return tomllib.loads((DEPLOY / "fly.toml").read_text(encoding="utf-8"))


def read_json(name: str) -> dict[str, Any]:
    return dict(json.loads((DEPLOY / name).read_text(encoding="utf-8")))


def procfile() -> dict[str, str]:
    lines = (DEPLOY / "Procfile").read_text(encoding="utf-8").splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines if line)}


def dockerfile() -> list[tuple[str, str]]:
    """Return instructions and their arguments, continuation lines joined."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if line and not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield where a command stands, and its words."""
    for name, service in compose()["services"].items():
        if "command" in service:
            yield f"compose.yaml {name}", shlex.split(service["command"])
    for service in render()["services"]:
        yield f"render.yaml {service['name']}", shlex.split(service["dockerCommand"])
    for name in ("railway.json", "railway.worker.json"):
        deploy = read_json(name)["deploy"]
        for command in (deploy["startCommand"], *deploy.get("preDeployCommand", [])):
            yield name, shlex.split(command)
    yield "fly.toml release", shlex.split(fly()["deploy"]["release_command"])
    for name, command in fly()["processes"].items():
        yield f"fly.toml {name}", shlex.split(command)
    for name, command in procfile().items():
        yield f"Procfile {name}", shlex.split(command)
    yield "Dockerfile", json.loads(dict(dockerfile())["CMD"])


def variables() -> Iterator[tuple[str, str]]:
    """Yield where a variable of the environment is set or read, and its name."""
    for name, service in compose()["services"].items():
        if "build" in service:
            yield from ((f"compose.yaml {name}", each) for each in service["environment"])
    blueprint = render()
    for part in (*blueprint["services"], *blueprint["envVarGroups"]):
        yield from ((f"render.yaml {part['name']}", each["key"]) for each in part["envVars"] if "key" in each)
    yield from (("fly.toml", each) for each in fly().get("env", ()))
    edge = (DEPLOY / "supabase/functions/generate-course/index.ts").read_text(encoding="utf-8")
    yield from (("generate-course", each) for each in re.findall(r'Deno\.env\.get\("(\w+)"\)', edge))
    told = dict(dockerfile())["ENV"]
    yield from (("Dockerfile", each) for each in re.findall(r"(COURSEWRIGHT_\w+)=", told))


__all__ = ["DEPLOY", "ROOT", "commands", "compose", "dockerfile", "fly", "procfile", "read_json", "render", "variables"]
