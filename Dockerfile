# The server in a container, for CPUs; compose.cuda.yaml has what NVIDIA's variant is built with.
ARG BASE=python:3.11-slim

FROM ${BASE} AS base
# Bases without Python, such as nvidia/cuda on Ubuntu 24.04, bring their distribution's.
RUN python3 -m venv --help >/dev/null 2>&1 \
    || { apt-get update \
        && apt-get install --yes --no-install-recommends python3 python3-venv \
        && rm -rf /var/lib/apt/lists/*; }

FROM base AS build
# true takes onnxruntime's CUDA build.
ARG CUDA=false
# Where llama.cpp's CUDA build of xllamacpp is published; without it GGUF models stay on the CPU.
ARG XLLAMACPP_INDEX=
# true adds what traces need.
ARG OTEL=false
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/sllm/venv/bin:$PATH
COPY requirements/runtime.txt /build/
RUN python3 -m venv /opt/sllm/venv \
    && pip install --require-hashes --requirement /build/runtime.txt
RUN if [ "$CUDA" = true ]; then \
        locked() { grep -o "^$1==[^ ;]*" /build/runtime.txt; }; \
        onnxruntime=$(locked onnxruntime); \
        pip uninstall --yes onnxruntime \
        && pip install "onnxruntime-gpu[cuda,cudnn]==${onnxruntime#*==}" \
        && if [ -n "$XLLAMACPP_INDEX" ]; then \
            pip install --force-reinstall --no-deps --index-url "$XLLAMACPP_INDEX" "$(locked xllamacpp)"; \
        fi; \
    fi
COPY pyproject.toml /build/
RUN if [ "$OTEL" = true ]; then \
        python3 -c 'import tomllib; print(*tomllib.load(open("/build/pyproject.toml", "rb"))["project"]["optional-dependencies"]["otel"], sep="\n")' >/build/otel.txt \
        && pip install --requirement /build/otel.txt; \
    fi

FROM base AS runtime
# The number stands for the user where a host looks: a volume's owner, a policy against root.
RUN groupadd --gid 10001 sllm \
    && useradd --uid 10001 --gid sllm --no-create-home --home-dir /data --shell /usr/sbin/nologin sllm \
    && install --directory --owner=sllm --group=sllm --mode=0700 /data
COPY --from=build /opt/sllm/venv /opt/sllm/venv
COPY app /opt/sllm/app
RUN /opt/sllm/venv/bin/python3 -m compileall -q /opt/sllm/app
ENV PATH=/opt/sllm/venv/bin:$PATH \
    PYTHONPATH=/opt/sllm \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data \
    LOG_FORMAT=json
WORKDIR /data
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
# Live, not ready: a model that is being fetched is no reason to start the container again.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=4)"]
ENTRYPOINT ["python3", "-P", "-m", "app.cli"]
CMD ["serve"]
