"""Which GPUs the installed build of llama.cpp can use: `python -m app.engine.backends.llama_gpu`
prints them as a JSON list, so that other processes need not load native code to know."""

import json
import sys


def gpu_devices() -> list[str]:
    """Names of the GPUs that the installed build of the library can use."""
    import xllamacpp

    kinds = {
        xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_GPU,
        xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_IGPU,
    }
    return [device["name"] for device in xllamacpp.get_device_info() if device["type"] in kinds]


if __name__ == "__main__":
    json.dump(gpu_devices(), sys.stdout)
