"""Whether the installed build of onnxruntime can use a GPU: `python -m app.engine.onnx.gpu`
prints its name as a JSON list, so that other processes need not load native code to know.
"""

import json
import sys

from app.engine.onnx.session import has_gpu

if __name__ == "__main__":
    json.dump(["cuda:0"] if has_gpu() else [], sys.stdout)
