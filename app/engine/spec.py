"""Everything an engine process must know to load a model: it goes to its standard input."""

import json
from typing import Any, Literal

from msgspec import Struct

from app.domain.model_info import Notice, VisionInfo
from app.logs.setup import LogFormat


class OnnxSpec(Struct, frozen=True):
    """What stands beside an ONNX graph. `tokenizer` is the path of tokenizer.json;
    `chat_template` the Jinja text, "" when there is none; `special_tokens` what it may name
    (`bos_token`, `eos_token`, …); `end_tokens` the ids that end an answer; `head_size` the
    width of a head of keys or values, for graphs that do not say it.
    """

    tokenizer: str
    chat_template: str = ""
    special_tokens: dict[str, str] = {}
    end_tokens: tuple[int, ...] = ()
    head_size: int = 0


class OnnxVisionSpec(Struct, frozen=True):
    """The files around an ONNX decoder that takes embeddings, all paths absolute.

    `family` is the architecture's name in app.engine.onnx.vision (config.json's model_type);
    `config` and `preprocessor` are the contents of config.json and preprocessor_config.json
    (processor_config.json merged in); `cache` is a folder for features of images, by content.
    """

    family: str
    encoder: str
    embedding: str
    config: dict[str, Any]
    preprocessor: dict[str, Any]
    cache: str
    max_grids: int | None = None

    @property
    def preparation(self) -> str:
        """All that decides, beside the files, what rows an image becomes."""
        facts = [self.family, self.config, self.preprocessor, self.max_grids]
        return json.dumps(facts, sort_keys=True)


class KvSpec(Struct, frozen=True):
    """Where computed caches may be kept: conversations' in `folder` (kv_folder.KV_CACHE of
    DATA_DIR), other chats' in memory; bytes, 0 for none."""

    folder: str
    disk_bytes: int
    memory_bytes: int


class EngineSpec(Struct, frozen=True):
    """Weights, facts read from them, and settings chosen for this machine.

    `path` is a .gguf file (llama) or a .onnx file (onnx, with `onnx` set), `data` the other
    files of the weights: later parts, tensors outside a graph, other graphs.
    `context_length` is the window of one slot in tokens; `batch` the prompt tokens computed
    between two looks at the other slots; `directory` the private (0700) runtime directory;
    `chat_template` and `special_tokens` are those of a GGUF file, for prompts with tools;
    `speculation` says where drafts of several tokens come from, on llama.cpp;
    `server` the process whose end ends the engine. A model that sees has `vision`, and either
    `onnx_vision` or `mmproj`, the path of a GGUF file's projector. `told` is what a
    model's `settings` say beside what the backend knows. `log_format`, `log_level` and `cpu_adapt`
    are the server's.
    """

    backend: Literal["llama", "onnx", "scripted"]
    directory: str
    id: str
    path: str
    architecture: str = ""
    quantization: str = ""
    parameters: int = 0
    languages: tuple[str, ...] = ()
    training_context_length: int = 0
    has_chat_template: bool = True
    control_tokens: tuple[str, ...] = ()
    chat_template: str = ""
    special_tokens: dict[str, str] = {}
    context_length: int = 4096
    slots: int = 4
    batch: int = 128
    threads: int = 1
    use_gpu: Literal["auto", "false", "true", "required"] = "auto"
    gpu_layers: int | None = None
    speculation: Literal["off", "ngram"] = "off"
    queue_limit: int = 64
    rate_limit: int | None = None
    notices: tuple[Notice, ...] = ()
    server: int = 0
    onnx: OnnxSpec | None = None
    onnx_vision: OnnxVisionSpec | None = None
    mmproj: str | None = None
    vision: VisionInfo | None = None
    kv: KvSpec | None = None
    cpu_adapt: Literal["auto", "off"] = "auto"
    data: tuple[str, ...] = ()
    told: dict[str, int | str | bool] = {}
    log_format: LogFormat = "text"
    log_level: str = "info"
