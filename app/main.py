"""The application: `app.main:app`, as uvicorn takes it; everything is built in `create_app`."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from app import __version__, errors, health, openai, ui
from app.api_keys import KeysError, key_ring
from app.config import Settings, load_settings
from app.config_errors import SettingsError
from app.database import Database, DatabaseUnusable
from app.docs import pages
from app.domain.model_info import Notice
from app.drain import Drain
from app.edge.application import EdgeApplication, EdgeSettings
from app.engine.launcher import LLAMA_GPU, ONNX_GPU, gpu_devices
from app.engine.lifeline import die_with_parent
from app.engine.runtime_dir import server_pid
from app.i18n.notices import words
from app.images.store import ImageStore
from app.logs.setup import configure
from app.metrics import router as metrics_router
from app.metrics import shared
from app.metrics.images import CountedDecoder
from app.openai.background import Background
from app.provider.caches import ConversationCaches
from app.provider.model_provider import ModelProvider
from app.provider.observed import GenerationObserver, ObservedProvider
from app.provider.sllm_provider import SllmProvider
from app.provider.vision_provider import vision_provider
from app.storage import DatabaseWatch, open_storage
from app.tracing.setup import finish, traces
from app.v3.prompts import default_heads
from app.v4.config import IMPORT_BYTES, IMPORTS_AT_ONCE
from app.v4.services.answer_writer import AnswerWriter
from app.v5.body_room import BodyRoom
from app.v5.config import vision_body_limit
from app.versions import VERSIONS, mount

if TYPE_CHECKING:
    from app.tracing.traces import Traces

DRAIN_SECONDS = 30.0
log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """An application of its own: nothing is shared between two of them but the machine.

    Raises KeysError for a file of API keys that cannot be used.
    """
    app = EdgeApplication(
        edge=EdgeSettings(
            allowed_hosts=settings.allowed_hosts,
            cors_origins=settings.cors_origins,
            body_limits=body_limits(settings),
            keys=key_ring(settings.api_keys_file),
        ),
        title="SLLM",
        version=__version__,
        summary="A server for small language models",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.started_at = time.monotonic()
    app.state.reached_beyond = False
    app.state.reports = health.Reports()
    app.state.import_gate = asyncio.Semaphore(IMPORTS_AT_ONCE)
    app.state.vision_room = BodyRoom(
        vision_body_limit(settings.max_images, settings.max_image_bytes)
    )
    errors.install(app)
    app.include_router(health.router)
    app.include_router(metrics_router.router)
    mount(app)
    app.include_router(openai.router())
    ui.mount(app)
    pages.install(app, VERSIONS)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """The model loads in the background; the server answers from the first moment."""
    settings: Settings = app.state.settings
    if server_pid() != os.getpid():
        # A worker must not outlive the server, not even when that is killed.
        die_with_parent(server_pid())
    if settings.log_format == "json":
        # Also where the web server was started without us and has a format of its own.
        configure(settings.log_level, settings.log_format)
    if settings.use_gpu == "required" and not await gpu_devices(LLAMA_GPU, ONNX_GPU):
        raise RuntimeError(words([Notice("gpu_required")], "en")[0])
    found = traces()
    models = watched(app, settings, found)
    app.state.caches = ConversationCaches(settings.data_dir, models)
    for model in models:
        model.start()
    try:
        database = await _storage(settings)
        writer = AnswerWriter(database)
        images = ImageStore(settings.data_dir / "images", database)
        counting = app.state.metrics.instruments
        decoder = CountedDecoder(counting, images.incoming, settings.max_image_pixels)
        await images.open()
        app.state.drain = Drain(models, DRAIN_SECONDS)
        app.state.database, app.state.writer = database, writer
        app.state.database_watch = DatabaseWatch(database)
        app.state.images, app.state.decoder = images, decoder
        app.state.background = Background()
        app.state.drain.install()
        try:
            # For what the web server refuses before the application has seen it.
            yield {"observers": app.state.observers}
        finally:
            await app.state.background.close()
            await writer.finish()
            await decoder.close()
            await database.close()
    finally:
        for model in models:
            await model.stop()
        finish(found)


def watched(
    app: FastAPI, settings: Settings, found: "Traces | None"
) -> tuple[ObservedProvider, ...]:
    """The models, text first, under the eyes of metrics and traces, which see requests, too."""
    directory = shared.prepare()
    # Not before: prometheus-client looks at its variable when it is imported.
    from app.metrics.exposition import Metrics

    heads = default_heads() if settings.warm_templates else ()
    models: dict[str, ModelProvider] = {
        "text": SllmProvider(settings, heads), "vision": vision_provider(settings),
    }  # fmt: skip
    metrics = Metrics(directory, models)
    app.state.metrics = metrics
    app.state.observers = (metrics.requests, *([found.requests] if found else []))
    observers: list[GenerationObserver] = [metrics.generations]
    if found:
        observers.append(found.generations)
    observed = tuple(ObservedProvider(name, models[name], observers) for name in models)
    app.state.text_model, app.state.vision_model = observed
    return observed


def body_limits(settings: Settings) -> dict[str, int]:
    """Bytes of a request by path, where they are not the usual ones."""
    limits = {}
    with_images = vision_body_limit(settings.max_images, settings.max_image_bytes)
    for version in VERSIONS:
        if "transfer" in version.features:
            limits[f"{version.path}/conversations/import"] = IMPORT_BYTES
        if "vision" in version.features:
            limits[f"{version.path}/vision/chat"] = with_images
    for path in openai.WITH_IMAGES:
        limits[path] = with_images
    return limits


async def _storage(settings: Settings) -> Database:
    try:
        return await open_storage(settings)
    except DatabaseUnusable as error:
        # uvicorn shows a traceback; the reason stands alone before it.
        log.critical("%s", error)
        raise


def __getattr__(name: str) -> FastAPI:
    """`app` is made when somebody asks for it: importing this module reads no settings."""
    if name != "app":
        raise AttributeError(name)
    try:
        made = create_app(load_settings())
    except (SettingsError, KeysError) as error:
        sys.exit(f"SLLM cannot start:\n{error}")
    globals()["app"] = made
    return made
