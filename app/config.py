"""Every setting of the server: one typed class, read from the environment and from `.env`.

How a mistake is told lives in `app/config_errors.py`; what a setting does, where it is used.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.config_errors import SettingsError, describe, refuse_unknown_names
from app.config_values import (
    boolean_word,
    comma_list,
    dotenv_names,
    expand_home,
    expand_optional,
    host_names,
    lower_case,
    origins,
)
from app.logs.setup import LogFormat

CpuAdapt = Literal["auto", "off"]
LogLevel = Literal["critical", "error", "warning", "info", "debug"]
UseGpu = Literal["auto", "false", "true", "required"]
Speculation = Literal["off", "ngram"]
CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(comma_list)]

NO_FILE = "needs API_KEYS_FILE, a file of keys; make one with: sllm keys create"


def _setting(default: Any, text: str, allowed: str, **options: Any) -> Any:
    """A documented field; `allowed` is what a user is told who got it wrong."""
    return Field(default, description=text, json_schema_extra={"allowed": allowed}, **options)


def _number(default: int | None, text: str, low: int, high: int) -> Any:
    """A whole number from `low` to `high`, both included."""
    allowed = f"a whole number from {low} to {high}"
    return _setting(default, text, allowed, ge=low, le=high)


class Settings(BaseSettings):
    """The settings; each is read from the environment variable of its name in upper case."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", env_ignore_empty=True, extra="ignore",
        frozen=True,
    )  # fmt: skip

    sllm_model_path: str | None = _setting(
        None,
        "Text model: a .gguf file, an .onnx file or the folder of an ONNX model, or a name from "
        "the catalogue. Empty: the embedded model, downloaded once.",
        "a file, a folder or a catalogue name",
    )
    tuned: bool = _setting(
        True,
        "Serve weights in the format and with the settings that are quickest here: as `sllm tune` "
        "has measured, the embedded model re-quantised. false: as they came.",
        "true or false",
    )
    vision_model_path: str | None = _setting(
        None,
        "Model that sees: a .gguf file with its mmproj beside it, vision-model.onnx, the folder of "
        "an ONNX model, or the name of one that sllm models pull --vision or sllm convert has "
        "brought. Empty: none; the rest of the server works.",
        "a file, a folder, or a name that is here",
    )
    use_gpu: Annotated[UseGpu, BeforeValidator(boolean_word)] = _setting(
        "auto",
        "auto: use a GPU where the installed library can; true: the same, and warn when it "
        "cannot; false: never; required: do not start without one.",
        "auto, true, false or required",
    )
    gpu_layers: int | None = _number(
        None, "Layers of the text model to keep on the GPU. Empty: all.", 0, 10_000
    )
    cpu_adapt: Annotated[CpuAdapt, BeforeValidator(lower_case)] = _setting(
        "auto",
        "auto: compute with fewer threads while other programs keep cores busy; off: always with "
        "all.",
        "auto or off",
    )
    context_length: int | None = _number(
        None,
        "Context window of one request in tokens, prompt and answer together. Empty: chosen "
        "from the model and this machine's memory.",
        256,
        1_048_576,
    )
    parallel_slots: int | None = _number(
        None, "Requests generated at the same time. Empty: chosen from this machine.", 1, 256
    )
    speculation: Annotated[Speculation, BeforeValidator(lower_case)] = _setting(
        "off",
        "ngram: draft the next tokens from what prompt and answer repeat, and check several at "
        "once (GGUF only). Faster where answers quote, edit or extract; elsewhere no faster, and "
        "where two tokens are nearly as likely the other one may be chosen. off: never.",
        "off or ngram",
    )
    queue_limit: int = _number(
        64, "Requests that may wait for a slot; one more is answered 503.", 0, 10_000
    )
    kv_cache_disk_mib: int = _number(
        2048,
        "MiB in DATA_DIR for what the model has computed of conversations, so that they go on at "
        "once after a pause or a restart. 0: none.",
        0,
        1_048_576,
    )
    kv_cache_memory_mib: int | None = _number(
        None,
        "MiB of memory for the same of chats that are no conversations. Empty: a sixteenth of "
        "this machine's, 1024 at most. 0: none.",
        0,
        1_048_576,
    )
    warm_templates: bool = _setting(
        True,
        "Compute ahead what chats under the built-in templates begin with: once, in an idle "
        "moment. It is kept in KV_CACHE_DISK_MIB.",
        "true or false",
    )
    request_deadline_seconds: int = _number(
        300, "Seconds one request may take, waiting included; then it is ended (504).", 1, 86_400
    )
    rate_limit: int | None = _number(
        None, "Requests per minute and client; more are answered 429. Empty: no limit.", 1, 100_000
    )
    default_max_tokens: int = _number(
        512, "Tokens of an answer when the request does not set max_tokens.", 1, 1_048_576
    )
    max_history_length: int = _number(
        100, "Earlier messages of a conversation that the model is shown.", 0, 10_000
    )
    page_size: int = _number(20, "Entries on one page of a list.", 1, 100)
    host: str = _setting(
        "127.0.0.1",
        "Address to listen on. 0.0.0.0 means every network of this machine: without API keys "
        "(API_KEYS_FILE) whoever reaches the port can use the server.",
        "an address or name of this machine, for example 127.0.0.1 or 0.0.0.0",
        min_length=1,
    )
    port: int = _number(8000, "TCP port to listen on. 0: any free one.", 0, 65_535)
    workers: int = _number(
        1, "Processes that answer HTTP; they share one model, so memory does not grow.", 1, 64
    )
    log_level: Annotated[LogLevel, BeforeValidator(lower_case)] = _setting(
        "info",
        "How much is logged. Prompts and answers never are.",
        "critical, error, warning, info or debug",
    )
    log_format: Annotated[LogFormat, BeforeValidator(lower_case)] = _setting(
        "text",
        "text: lines for people; json: an object on each line, for programs that collect logs.",
        "text or json",
    )
    data_dir: Annotated[Path, AfterValidator(expand_home)] = Field(
        default_factory=lambda: user_data_path("sllm", appauthor=False),
        description="Folder for weights and conversations. Empty: the usual place for a user's "
        "application data, on Linux ~/.local/share/sllm.",
        json_schema_extra={"allowed": "a folder"},
    )
    database_url: str | None = _setting(
        None,
        "Database. Empty: SQLite in DATA_DIR.",
        "a database URL",
        repr=False,
    )
    allowed_hosts: Annotated[CommaList, AfterValidator(host_names)] = _setting(
        (),
        "More names this server answers to, separated by commas; *.example.com covers "
        "subdomains, * everything. Loopback, private addresses and this machine's names always "
        "work.",
        "host names separated by commas, for example sllm.example.com,*.example.org",
    )
    cors_origins: Annotated[CommaList, AfterValidator(origins)] = _setting(
        (),
        "Web pages of other origins that may call the API from a browser, separated by commas.",
        "origins separated by commas, for example https://example.com,http://localhost:3000",
    )
    image_url_hosts: Annotated[CommaList, AfterValidator(host_names)] = _setting(
        (),
        "Hosts that images may be fetched from, separated by commas; *.example.com covers "
        "subdomains. Addresses inside a network never work. Empty: images are sent, not fetched.",
        "host names separated by commas, for example images.example.com",
    )
    max_images: int = _number(4, "Images that one message may bring.", 1, 64)
    max_image_bytes: int = _number(
        10_485_760, "Bytes of one image file; larger ones are answered 413.", 1024, 104_857_600
    )
    max_image_pixels: int = _number(
        24_000_000,
        "Pixels of one image, read from its header before it is decoded.",
        1024,
        200_000_000,
    )
    vision_max_grids: int | None = _number(
        None,
        "Squares that HyperCLOVA X Vision cuts an image into at most, beside the whole one; fewer "
        "are quicker and see less. Empty is the model's own number.",
        1,
        100,
    )
    api_keys_file: Annotated[Path | None, AfterValidator(expand_optional)] = _setting(
        None,
        "File of API keys, made by `sllm keys create`. With it, every route but /health/live "
        "and the chat page's files needs `Authorization: Bearer KEY`.",
        "a file of keys",
    )
    require_api_keys: bool = _setting(
        False, "Refuse to start without API_KEYS_FILE.", "true or false"
    )

    @model_validator(mode="after")
    def _require_a_file_of_keys(self) -> Self:
        """Ignoring a security setting in silence would be worse than not starting."""
        if self.require_api_keys and self.api_keys_file is None:
            raise SettingsError(f"REQUIRE_API_KEYS: {NO_FILE}.")
        return self


def load_settings() -> Settings:
    """The settings of this process. Raises SettingsError: one line for each mistake."""
    try:
        refuse_unknown_names(Settings, dotenv_names(Path(".env")))
        return Settings()
    except ValidationError as error:
        raise SettingsError(describe(Settings, error)) from None
    except UnicodeDecodeError:
        raise SettingsError(".env: not a UTF-8 text file; save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f".env: cannot be read ({error.strerror}).") from None
