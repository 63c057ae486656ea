"""Examples for the API's description: what was sent and answered in a run of the service, cut short."""

import json
from importlib.resources import files
from typing import Any


def add_examples(description: dict[str, Any]) -> None:
    """Put them into an OpenAPI document: one for each JSON body and each good JSON answer."""
    examples = json.loads((files(__package__) / "examples.json").read_text(encoding="utf-8"))
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            example = examples.get(f"{method.upper()} {path}", {})
            sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if sent and "sent" in example:
                sent["example"] = example["sent"]
            for status, answer in operation["responses"].items():
                told = answer.get("content", {}).get("application/json")
                if status.startswith("2") and told is not None and "answer" in example:
                    told["example"] = example["answer"]


__all__ = ["add_examples"]
