"""Every malformed request gets its status code, and a message that names the field and what is allowed."""

import struct

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2

from testing import repository
from testing.server import Server, output, refused, request, same_bits, set_parameter

ROWS = repository.rows(4)


@pytest.fixture(autouse=True)
def still_right(server):
    """After whatever a test sent, the server answers a good request bit by bit as before."""
    yield
    assert server.alive()
    assert same_bits(output(server.infer(request("plain", ROWS))), repository.truth(repository.PLAIN[2], ROWS))


def edited(edit, **options):
    """A good request, edited."""
    message = request("plain", ROWS, **options)
    edit(message)
    return message


def shaped(*shape, data=b"", datatype="FP32", name="input__0"):
    message = service_pb2.ModelInferRequest(model_name="plain")
    message.inputs.add(name=name, datatype=datatype, shape=shape)
    message.raw_input_contents.append(data)
    return message


def typed(field, values, shape=(1, 6), datatype="FP32"):
    message = service_pb2.ModelInferRequest(model_name="plain")
    tensor = message.inputs.add(name="input__0", datatype=datatype, shape=shape)
    getattr(tensor.contents, field).extend(values)
    return message


def add_tensor(message, name, array):
    extra = request("plain", columns={name: array})
    message.inputs.append(extra.inputs[0])
    message.raw_input_contents.append(extra.raw_input_contents[0])


NAMES = {
    "unknown model": (request("nowhere", ROWS), ["nowhere"]),
    "unknown version": (request("plain", ROWS, version="99"), ["99", "plain"]),
    "unknown label": (request("plain", ROWS, version="beta"), ["beta", "plain"]),
    "version with a sign": (request("plain", ROWS, version="-1"), ["-1"]),
    "version out of range": (request("plain", ROWS, version="9" * 30), ["9" * 20]),
}


@pytest.mark.parametrize("case", NAMES)
def test_unknown_names(server, case):
    message, fragments = NAMES[case]
    refused(lambda: server.infer(message), "NOT_FOUND", *fragments)


MALFORMED = {
    "no model name": (request("", ROWS), ["model_name"]),
    "no input": (service_pb2.ModelInferRequest(model_name="plain"), ["input"]),
    "a column short": (request("plain", ROWS[:, :5].copy()), ["5", "6"]),
    "a column too many": (request("plain", np.zeros((2, 7), np.float32)), ["7", "6"]),
    "one dimension": (shaped(6, data=bytes(24)), ["input__0", "shape"]),
    "three dimensions": (shaped(1, 1, 6, data=bytes(24)), ["input__0", "shape"]),
    "no dimension": (shaped(data=bytes(4)), ["input__0", "shape"]),
    "negative dimension": (shaped(-1, 6, data=bytes(24)), ["input__0", "-1"]),
    "both dimensions negative": (shaped(-4, -6, data=bytes(96)), ["input__0", "-4"]),
    "most negative dimension": (shaped(-2**63, 6), ["input__0", str(-2**63)]),
    "product overflows 64 bits": (shaped(2**32, 2**32), ["input__0"]),
    "product overflows to the right size": (shaped(2**61 + 1, 6, data=bytes(24)), ["input__0"]),
    "bytes overflow": (shaped(2**62, 6), ["input__0"]),
    "raw bytes short": (shaped(2, 6, data=bytes(44)), ["input__0", "44", "48"]),
    "raw bytes long": (shaped(2, 6, data=bytes(52)), ["input__0", "52", "48"]),
    "raw bytes of half an element": (shaped(1, 6, data=bytes(23)), ["input__0", "23", "24"]),
    "no raw bytes": (shaped(1, 6), ["input__0", "24"]),
    "a raw buffer too many": (edited(lambda m: m.raw_input_contents.append(b"")), ["raw_input_contents", "2", "1"]),
    "raw and typed": (edited(lambda m: m.inputs[0].contents.fp32_contents.append(1)), ["contents", "raw_input_contents"]),
    "typed too few": (typed("fp32_contents", [1] * 5), ["input__0", "5", "6"]),
    "typed too many": (typed("fp32_contents", [1] * 7), ["input__0", "more", "6"]),
    "typed in the wrong field": (typed("int_contents", [1] * 6), ["input__0", "fp32_contents"]),
    "typed in two fields": (edited(lambda m: (m.ClearField("raw_input_contents"), m.inputs[0].contents.fp32_contents.extend([1] * 24),
                                              m.inputs[0].contents.int_contents.append(1))), ["input__0"]),
    "no contents at all": (edited(lambda m: m.ClearField("raw_input_contents")), ["input__0"]),
    "unknown datatype": (shaped(1, 6, data=bytes(24), datatype="FP31"), ["input__0", "FP31"]),
    "no datatype": (shaped(1, 6, data=bytes(24), datatype=""), ["input__0", "datatype"]),
    "datatype in lower case": (shaped(1, 6, data=bytes(24), datatype="fp32"), ["input__0", "fp32"]),
    "text where numbers belong": (shaped(1, 6, data=struct.pack("<I1s", 1, b"x") * 6, datatype="BYTES"), ["input__0", "BYTES"]),
    "double too large for a float": (request("plain", np.full((1, 6), 1e300)), ["input__0", "1e+300"]),
    "integer that a float cannot hold": (request("plain", np.full((1, 6), 2**24 + 1, np.int32)), ["input__0", str(2**24 + 1)]),
    "integer of 64 bits that a float cannot hold": (request("plain", np.full((1, 6), 2**63 - 1, np.int64)), ["input__0", str(2**63 - 1)]),
    "typed int8 out of range": (typed("int_contents", [200] * 6, datatype="INT8"), ["input__0", "200"]),
    "an input twice": (edited(lambda m: add_tensor(m, "input__0", ROWS)), ["input__0"]),
    "an unknown second input": (edited(lambda m: add_tensor(m, "extra", ROWS)), ["extra"]),
    "unknown output": (request("plain", ROWS, outputs=["confidence"]), ["confidence", "margin"]),
    "iterations that are no range": (request("plain", ROWS, iterations="all"), ["iterations", "all"]),
    "iterations backwards": (request("plain", ROWS, iterations="9:3"), ["iterations", "9:3"]),
    "iterations past the end": (request("plain", ROWS, iterations="0:21"), ["iterations", "20"]),
    "iterations negative": (request("plain", ROWS, iterations="-1:3"), ["iterations"]),
    "iterations as a number": (request("plain", ROWS, iterations=5), ["iterations"]),
    "base margin of another length": (edited(lambda m: add_tensor(m, "base_margin", np.zeros(3, np.float32))), ["base_margin", "3", "4"]),
    "base margin that is no number": (
        edited(lambda m: add_tensor(m, "base_margin", np.array([0, 1, np.nan, 2], np.float32))),
        ["base_margin", "row 2", "NaN"],
    ),
    "base margin of another shape": (edited(lambda m: add_tensor(m, "base_margin", np.zeros((4, 2), np.float32))), ["base_margin"]),
    "no rows": (shaped(0, 6), ["rows"]),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_requests(server, case):
    message, fragments = MALFORMED[case]
    refused(lambda: server.infer(message), "INVALID_ARGUMENT", *fragments)


@pytest.mark.parametrize("case", ["a column short", "raw bytes short", "unknown output", "product overflows 64 bits"])
def test_a_stream_says_so_and_stays_open(server, case):
    message, fragments = MALFORMED[case]
    replies = list(server.stub.ModelStreamInfer(iter([message, request("plain", ROWS)]), timeout=30))
    assert len(replies) == 2
    assert all(fragment.lower() in replies[0].error_message.lower() for fragment in fragments), replies[0].error_message
    assert replies[1].error_message == ""
    assert same_bits(output(replies[1].infer_response), repository.truth(repository.PLAIN[2], ROWS))


def field(number, payload):
    """A length-delimited field of a message."""
    assert len(payload) < 1 << 14
    size = bytes([len(payload)]) if len(payload) < 128 else bytes([len(payload) & 127 | 128, len(payload) >> 7])
    return bytes([number << 3 | 2]) + size + payload


def unpacked(datatype, element, count):
    """A request of shape [1,6] whose `count` elements are fields of their own, as no stub would send them."""
    tensor = field(1, b"input__0") + field(2, datatype.encode()) + field(3, b"\x01\x06") + field(5, element * count)
    return field(1, b"plain") + field(5, tensor)


UNPACKED = {"INT32": b"\x10\x05", "FP32": b"\x35" + struct.pack("<f", 1), "FP64": b"\x39" + struct.pack("<d", 1),
            "pieces": field(6, struct.pack("<2f", 1, 1))}


@pytest.mark.parametrize("count", [1, 5, 7, 8, 26, 400])
@pytest.mark.parametrize("case", UNPACKED)
def test_unpacked_contents_that_do_not_fit(server, case, count):
    message = unpacked("FP32" if case == "pieces" else case, UNPACKED[case], count)
    refused(lambda: server.call("ModelInfer", message), "INVALID_ARGUMENT", "input__0", "6")
    identity = lambda data: data  # noqa: E731
    stream = server.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer", identity,
                                          service_pb2.ModelStreamInferResponse.FromString)
    replies = list(stream(iter([message, request("plain", ROWS).SerializeToString()]), timeout=30))
    assert "input__0" in replies[0].error_message and replies[1].error_message == ""


def columns(**changes):
    data = repository.rows(3, 4, seed=11)
    result = {name: np.ascontiguousarray(data[:, i]) for i, name in enumerate(repository.NAMES)}
    result.update(changes)
    return {name: array for name, array in result.items() if array is not None}


BY_NAME = {
    "a missing column": (request("named", columns=columns(region=None)), ["region"]),
    "an unknown column": (request("named", columns=columns(shoe_size=np.zeros(3, np.float32))), ["shoe_size"]),
    "columns of different lengths": (request("named", columns=columns(age=np.zeros(2, np.float32))), ["age", "2", "3"]),
    "a wide column": (request("named", columns=columns(age=np.zeros((3, 2), np.float32))), ["age"]),
    "by name to a model without names": (request("plain", columns=columns()), []),
}


@pytest.mark.parametrize("case", BY_NAME)
def test_malformed_columns(server, case):
    message, fragments = BY_NAME[case]
    refused(lambda: server.infer(message), "INVALID_ARGUMENT", *fragments)


def bytes_column(data):
    message = request("named", columns=columns())
    index = [tensor.name for tensor in message.inputs].index("region")
    message.inputs[index].datatype = "BYTES"
    message.raw_input_contents[index] = data
    return message


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x05\x00\x00\x00ab", struct.pack("<I", 0xFFFFFFFF) + b"x",
                                  struct.pack("<I1s", 1, b"a") * 2, struct.pack("<I1s", 1, b"a") * 4, struct.pack("<I1s", 1, b"a") * 3 + b"\x00"])
def test_malformed_strings(server, data):
    refused(lambda: server.infer(bytes_column(data)), "INVALID_ARGUMENT", "region")


LONG = {
    "version": request("plain", ROWS, version="v" * 20_000),
    "version that a header encodes": request("plain", ROWS, version="\u00e9\n%" * 5_000),
    "output": request("plain", ROWS, outputs=["o" * 20_000]),
    "iterations": request("plain", ROWS, iterations="1" * 20_000),
    "datatype": shaped(1, 6, data=bytes(24), datatype="D" * 20_000),
    "input": shaped(1, 7, data=bytes(28), name="n" * 20_000),
    "shape": shaped(*[1] * 1_000_000, data=bytes(4)),
    "parameter of a tensor": edited(lambda m: set_parameter(m.inputs[0].parameters["shared_memory" + "x" * 20_000], "r")),
}


@pytest.mark.parametrize("case", LONG)
def test_an_error_repeats_no_more_than_a_header_takes(server, case):
    """A longer one would reach the client as RESOURCE_EXHAUSTED, for the size of the metadata."""
    code = {"version": "NOT_FOUND", "version that a header encodes": "NOT_FOUND", "parameter of a tensor": "UNIMPLEMENTED"}
    details = refused(lambda: server.infer(LONG[case]), code.get(case, "INVALID_ARGUMENT"))
    assert len(details) <= 1024 and "\ufffd" not in details
    reply = next(server.stub.ModelStreamInfer(iter([LONG[case]]), timeout=30))
    assert reply.error_message == details


def test_an_error_of_another_call_is_cut_too(server):
    refused(lambda: server.stub.ModelConfig(service_pb2.ModelConfigRequest(name="n" * 20_000), timeout=10), "NOT_FOUND", "nnn...")


def test_shared_memory_is_refused(server):
    message = edited(lambda m: set_parameter(m.inputs[0].parameters["shared_memory_region"], "r"))
    refused(lambda: server.infer(message), "UNIMPLEMENTED", "input__0", "shared_memory_region")


def test_rows_above_max_batch_size(server):
    assert len(output(server.infer(request("batched", repository.rows(8))))) == 8
    refused(lambda: server.infer(request("batched", repository.rows(9))), "INVALID_ARGUMENT", "max_batch_size", "9", "8")


@pytest.mark.parametrize("data", [b"\xff" * 20, b"\x0a\x05ab", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x2a\x02\x0a\x7f", b"\x0b", b"\x00",
                                  b"\x0a\x02\xff\xfe"])
def test_bytes_that_are_no_message(server, data):
    refused(lambda: server.call("ModelInfer", data), "INVALID_ARGUMENT")


INFERENCE = "inference.GRPCInferenceService"
METHODS = [(INFERENCE, method) for method in (
    "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelConfig", "ModelStatistics", "RepositoryIndex",
    "RepositoryModelLoad", "RepositoryModelUnload")] + [("espalier.v1.Outcomes", "Report"), ("grpc.health.v1.Health", "Check")]


@pytest.mark.parametrize("service,method", METHODS)
def test_bytes_that_are_no_message_of_any_call(server, service, method):
    identity = lambda data: data  # noqa: E731
    call = server.channel.unary_unary(f"/{service}/{method}", identity, identity)
    refused(lambda: call(b"\x0a\x7fab", timeout=10), "INVALID_ARGUMENT", "the request is no " + service.rsplit(".", 1)[0])


@pytest.mark.parametrize("method", ["SystemSharedMemoryStatus", "CudaSharedMemoryRegister", "TraceSetting", "LogSettings"])
def test_calls_that_are_not_built_are_unimplemented(server, method):
    refused(lambda: server.call(method, b""), "UNIMPLEMENTED", "not supported")


def test_empty_message(server):
    refused(lambda: server.call("ModelInfer", b""), "INVALID_ARGUMENT", "model_name")


@pytest.mark.parametrize("method,message", [("ModelMetadata", service_pb2.ModelMetadataRequest), ("ModelConfig", service_pb2.ModelConfigRequest)])
def test_questions_about_unknown_models(server, method, message):
    refused(lambda: getattr(server.stub, method)(message(name="nowhere"), timeout=10), "NOT_FOUND", "nowhere")
    refused(lambda: getattr(server.stub, method)(message(name="plain", version="42"), timeout=10), "NOT_FOUND", "42")


def test_statistics_of_unknown_models(server):
    refused(lambda: server.stub.ModelStatistics(service_pb2.ModelStatisticsRequest(name="nowhere"), timeout=10), "NOT_FOUND", "nowhere")


def test_load_of_unknown_models(server):
    refused(lambda: server.stub.RepositoryModelLoad(service_pb2.RepositoryModelLoadRequest(model_name="nowhere"), timeout=10),
            "NOT_FOUND", "nowhere")
    refused(lambda: server.stub.RepositoryModelUnload(service_pb2.RepositoryModelUnloadRequest(model_name="nowhere"), timeout=10),
            "NOT_FOUND", "nowhere")
    message = service_pb2.RepositoryModelLoadRequest(model_name="plain")
    message.parameters["version"].int64_param = 77
    refused(lambda: server.stub.RepositoryModelLoad(message, timeout=10), "NOT_FOUND", "77")
    message.parameters["version"].string_param = "two"
    refused(lambda: server.stub.RepositoryModelLoad(message, timeout=10), "INVALID_ARGUMENT", "version")


def test_known_but_not_ready_is_unavailable(tmp_path):
    models = repository.build(tmp_path / "models")
    (models / "plain" / "7").mkdir()
    (models / "plain" / "7" / "xgboost.json").write_text('{"learner": {}}')
    with Server(tmp_path, models) as server:
        refused(lambda: server.infer(request("plain", ROWS, version="7")), "UNAVAILABLE", "plain", "7")
        assert server.infer(request("plain", ROWS)).model_version == "2"
        message = service_pb2.RepositoryModelUnloadRequest(model_name="plain")
        message.parameters["version"].int64_param = 2
        server.stub.RepositoryModelUnload(message, timeout=10)
        refused(lambda: server.infer(request("plain", ROWS, version="2")), "UNAVAILABLE", "2")


def test_deadline(server):
    with pytest.raises(grpc.RpcError) as caught:
        server.infer(request("plain", repository.rows(200_000)), timeout=0.001)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
