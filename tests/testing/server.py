"""A real `espalier serve` process for a test, and the program's other verbs.

    with Server(tmp_path, models=repository) as server:
        reply = server.infer(server.request("plain", rows))

The program is $ESPALIER, by default build/release/espalier.
"""

import json
import os
import pathlib
import signal
import subprocess
import time

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ESPALIER") or str(ROOT / "build/release/espalier")
FULL = bool(os.environ.get("ESPALIER_FULL"))
# An instrumented server is several times slower to start and to stop.
START_SECONDS = 60
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def espalier(*arguments, code=0, stdin=None):
    """Runs a verb; returns the finished process once its exit code is checked."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, input=stdin, timeout=120)
    assert done.returncode == code, f"exit {done.returncode}, expected {code}: {done.stdout}{done.stderr}"
    return done


def wait_until(condition, seconds=20, process=None):
    """Polls until `condition()` is true and returns its value; fails after `seconds`, or when the process ends."""
    deadline = time.monotonic() + seconds
    pause = process or subprocess.Popen(["sleep", str(seconds + 60)])
    try:
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, f"not within {seconds} s"
            try:
                code = pause.wait(0.02)
                raise AssertionError(f"the process ended with exit {code}")
            except subprocess.TimeoutExpired:
                pass
    finally:
        if process is None:
            pause.kill()
            pause.wait()


class Server:
    """One running server. Leaving the context ends it by SIGTERM and checks that it exits 0."""

    def __init__(self, folder, models, *flags, experiments=None, data=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.models = pathlib.Path(models)
        self.data = pathlib.Path(data or self.folder / "data")
        self.experiments = experiments
        self.log = self.folder / "server.log"
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        command = [PROGRAM, "serve", "--models", str(models), "--data", str(self.data), "--ready-file", str(ready)]
        for port in ("grpc", "http", "metrics", "admin"):
            command += [f"--{port}-port", "0"]
        if experiments is not None:
            command += ["--experiments", str(experiments)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command + [str(flag) for flag in flags], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.folder)
        try:
            wait_until(ready.exists, START_SECONDS, self.process)
        except AssertionError as error:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{error}\n{self.log.read_text()}") from None
        self.ports = json.loads(ready.read_text())
        self.address = self.ports["grpc"]
        self.channel = grpc.insecure_channel(self.address, UNLIMITED)
        self.stub = service_pb2_grpc.GRPCInferenceServiceStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.channel.close()
            self.process.kill()
            self.process.wait()
            print(self.log.read_text()[-8000:])

    def stop(self):
        """SIGTERM, a drain, exit 0."""
        self.channel.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        assert code == 0, f"exit {code}\n{self.log.read_text()[-8000:]}"

    def alive(self):
        return self.process.poll() is None

    def infer(self, request, timeout=30, metadata=None):
        return self.stub.ModelInfer(request, timeout=timeout, metadata=metadata)

    def call(self, method, payload, timeout=30):
        """A unary call of raw bytes: what no stub would send."""
        identity = lambda data: data  # noqa: E731
        return self.channel.unary_unary(f"/inference.GRPCInferenceService/{method}", identity, identity)(payload, timeout=timeout)


DATATYPES = {"float32": "FP32", "float64": "FP64", "int32": "INT32", "int64": "INT64", "int8": "INT8", "int16": "INT16",
             "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64", "bool": "BOOL"}


def request(model, rows=None, version="", outputs=(), columns=None, **parameters):
    """A raw ModelInferRequest: `rows` as the one input, or `columns` {name: array} by name."""
    message = service_pb2.ModelInferRequest(model_name=model, model_version=version)
    for name, array in (columns or {"input__0": rows}).items():
        array = np.asarray(array)
        message.inputs.add(name=name, datatype=DATATYPES[array.dtype.name], shape=array.shape)
        message.raw_input_contents.append(array.tobytes())
    for name in outputs:
        message.outputs.add(name=name)
    for name, value in parameters.items():
        set_parameter(message.parameters[name], value)
    return message


def set_parameter(parameter, value):
    if isinstance(value, bool):
        parameter.bool_param = value
    elif isinstance(value, int):
        parameter.int64_param = value
    elif isinstance(value, float):
        parameter.double_param = value
    else:
        parameter.string_param = value


NUMPY = {"FP32": np.float32, "INT32": np.int32}


def output(reply, name=None):
    """The named (or first) raw output of a reply, shaped."""
    index = 0 if name is None else [o.name for o in reply.outputs].index(name)
    tensor = reply.outputs[index]
    return np.frombuffer(reply.raw_output_contents[index], NUMPY[tensor.datatype]).reshape(tuple(tensor.shape))


def same_bits(left, right):
    left, right = np.ascontiguousarray(left), np.ascontiguousarray(right)
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def refused(call, code, *fragments):
    """Checks that the call fails with the code, and that its message holds every fragment (case aside)."""
    try:
        answer = call()
    except grpc.RpcError as error:
        details = error.details()
        assert error.code().name == code, f"{error.code().name}, expected {code}: {details}"
        for fragment in fragments:
            assert fragment.lower() in details.lower(), f"{fragment!r} is not in {details!r}"
        return details
    raise AssertionError(f"answered, expected {code}: {answer}")
