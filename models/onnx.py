"""Open an ONNX network on few threads of this CPU: on few shared cores, spinning pools slow every other model down."""

from pathlib import Path
from typing import Any

from vaidol.models.errors import LoadError


def open_onnx(path: Path, *, threads: int = 1) -> Any:
    """An onnxruntime.InferenceSession without spinning, warnings silenced. Loads in the calling thread.

    `run` of the session may be called from several threads at once. Raises LoadError.
    """
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NoSuchFile

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (Fail, InvalidGraph, InvalidProtobuf, NoSuchFile) as error:
        raise LoadError(f"{path} could not be loaded as an ONNX network: {error}") from error
