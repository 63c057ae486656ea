"""A host that imports a bundle: `python -I -S bundle_program.py BUNDLE PROJECT`. It says where packages are to this
process alone, sends no lifespan, and gives each request a loop of its own. Prints the answers to two ticks.
"""

import asyncio
import importlib.util
import os
import sys
from typing import Any


def load(project: str) -> Any:
    spec = importlib.util.spec_from_file_location("index", os.path.join(project, "api", "index.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


async def ask(app: Any) -> str:
    import httpx2

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://host", timeout=60) as client:
        answer = await client.get("/api/cron/process-courses", headers={"Authorization": "Bearer timer"})
    return answer.text


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    application = load(sys.argv[2])
    for _ in range(2):
        sys.stdout.write(asyncio.run(ask(application)) + "\n")
