"""grpcurl, the health protocol, perf_analyzer and (at full size) ghz against the real ports."""

import base64
import json
import re
import subprocess
import urllib.request

import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.grpc import service_pb2

from testing import repository
from testing.server import refused, request, same_bits


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def grpcurl(server, *arguments, body=None):
    """`arguments` come after the address: a verb or a method."""
    data = [] if body is None else ["-d", json.dumps(body)]
    return run("grpcurl", "-plaintext", *data, server.address, *arguments)


def test_reflection_lists_the_services(server):
    services = grpcurl(server, "list").split()
    assert {"inference.GRPCInferenceService", "grpc.health.v1.Health", "espalier.v1.Outcomes"} <= set(services)


def test_reflection_describes_the_hot_call(server):
    described = grpcurl(server, "describe", "inference.GRPCInferenceService")
    assert re.search(r"rpc ModelInfer \( \.inference\.ModelInferRequest \) returns \( \.inference\.ModelInferResponse \)", described)
    assert len(re.findall(r"\brpc \w+", described)) == 20


def test_grpcurl_infers_with_typed_contents(server):
    rows = repository.rows(3, missing=0)
    body = {"model_name": "plain", "inputs": [{"name": "input__0", "datatype": "FP32", "shape": [3, 6],
                                               "contents": {"fp32_contents": [float(x) for x in rows.ravel()]}}]}
    reply = json.loads(grpcurl(server, "inference.GRPCInferenceService/ModelInfer", body=body))
    [tensor] = reply["outputs"]
    assert (reply["model_version"], tensor["datatype"], tensor["shape"]) == ("2", "FP32", ["3"])
    assert same_bits(np.array(tensor["contents"]["fp32_contents"], np.float32), repository.truth(repository.PLAIN[2], rows))
    assert "raw_output_contents" not in reply


def test_grpcurl_infers_with_raw_contents(server):
    rows = repository.rows(2)
    body = {"model_name": "plain", "inputs": [{"name": "input__0", "datatype": "FP32", "shape": [2, 6]}],
            "raw_input_contents": [base64.b64encode(rows.tobytes()).decode()]}
    reply = json.loads(grpcurl(server, "inference.GRPCInferenceService/ModelInfer", body=body))
    assert base64.b64decode(reply["raw_output_contents"][0]) == repository.truth(repository.PLAIN[2], rows).tobytes()


def test_health(server):
    stub = health_pb2_grpc.HealthStub(server.channel)
    for service in ("", "inference.GRPCInferenceService"):
        assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status == health_pb2.HealthCheckResponse.SERVING
    refused(lambda: stub.Check(health_pb2.HealthCheckRequest(service="nowhere"), timeout=10), "NOT_FOUND")
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=10)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


def test_shared_memory_calls_are_refused(server):
    refused(lambda: server.stub.SystemSharedMemoryStatus(service_pb2.SystemSharedMemoryStatusRequest(), timeout=10), "UNIMPLEMENTED")
    refused(lambda: server.stub.CudaSharedMemoryRegister(service_pb2.CudaSharedMemoryRegisterRequest(), timeout=10), "UNIMPLEMENTED")


def test_unknown_method_is_unimplemented(server):
    refused(lambda: server.call("ModelGuess", b""), "UNIMPLEMENTED")


def test_metrics_count_requests(server):
    def total():
        with urllib.request.urlopen(f"http://{server.ports['metrics']}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        for name in ("espalier_exposures_lost_total", "espalier_model_loads_total"):
            assert re.search(rf"^{name}\b", text, re.MULTILINE), name
        values = re.findall(r'^espalier_requests_total\{([^}]*model="multi"[^}]*)\} (\S+)$', text, re.MULTILINE)
        return sum(float(value) for labels, value in values if 'code="OK"' in labels and 'version="1"' in labels), text

    before, _ = total()
    for _ in range(7):
        server.infer(request("multi", repository.rows(2)))
    after, text = total()
    assert after == before + 7
    assert re.search(r'^espalier_request_seconds_bucket\{[^}]*model="multi"', text, re.MULTILINE)


@pytest.mark.release_only
def test_perf_analyzer(server):
    text = run("perf_analyzer", "-m", "plain", "-i", "grpc", "-u", server.address, "--shape", "input__0:1,6", "--concurrency-range", "4",
               "--measurement-mode", "count_windows", "--measurement-request-count", "500", "-s", "1000", "-r", "3")
    assert re.search(r"Throughput: [1-9]\d*", text), text


@pytest.mark.release_only
@pytest.mark.full
def test_ghz(server):
    rows = repository.rows(1, missing=0)
    body = {"model_name": "plain", "inputs": [{"name": "input__0", "datatype": "FP32", "shape": [1, 6]}],
            "raw_input_contents": [base64.b64encode(rows.tobytes()).decode()]}
    report = json.loads(run("ghz", "--insecure", "--call", "inference.GRPCInferenceService/ModelInfer", "-n", "5000", "-c", "20",
                            "-d", json.dumps(body), "-O", "json", server.address))
    assert report["statusCodeDistribution"] == {"OK": 5000}
