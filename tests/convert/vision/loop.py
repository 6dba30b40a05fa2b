"""The loop over the three graphs of a folder, on plain onnxruntime: what every runtime does."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

Array = np.ndarray[Any, Any]


def session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Folder:
    def __init__(self, folder: Path) -> None:
        self.encoder = session(folder / "vision_encoder.onnx")
        self.embedding = session(folder / "embed_tokens.onnx")
        self.decoder = session(folder / "decoder_model_merged.onnx")

    def features(self, feeds: dict[str, Array]) -> Array:
        features: Array = self.encoder.run(None, feeds)[0]
        return features.reshape(-1, features.shape[-1])

    def embed(self, ids: list[int]) -> Array:
        found: Array = self.embedding.run(None, {"input_ids": np.array([ids], np.int64)})[0]
        return found

    def greedy(self, before: list[int], features: Array, after: list[int], count: int) -> list[int]:
        """With the cache: the prompt at once, then token after token."""
        parts = [self.embed(before), features[None], self.embed(after)]
        embeds = np.concatenate(parts, axis=1).astype(np.float32)
        past = {
            value.name: np.zeros((1, value.shape[1], 0, value.shape[3]), np.float32)
            for value in self.decoder.get_inputs()
            if value.name.startswith("past_key_values")
        }
        names = [value.name for value in self.decoder.get_outputs()]
        found: list[int] = []
        seen = 0
        for _ in range(count):
            seen += embeds.shape[1]
            mask = np.ones((1, seen), np.int64)
            outputs = self.decoder.run(
                None, {"inputs_embeds": embeds, "attention_mask": mask, **past}
            )
            by_name = dict(zip(names, outputs, strict=True))
            past = {name: by_name[name.replace("past_key_values", "present")] for name in past}
            found.append(int(by_name["logits"][0, -1].argmax()))
            embeds = self.embed(found[-1:])
        return found
