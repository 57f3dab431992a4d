"""Stubs of espalier.v1.Outcomes, generated when they are first asked for, and the rule that splits units."""

import functools
import importlib
import sys
import tempfile

import grpc_tools.protoc

from testing.server import ROOT


@functools.cache
def stubs():
    """(messages, services) of proto/espalier/v1/outcomes.proto."""
    folder = tempfile.mkdtemp(prefix="espalier-stubs-")
    well_known = grpc_tools.__path__[0] + "/_proto"
    code = grpc_tools.protoc.main(["protoc", f"-I{ROOT}", f"-I{ROOT}/proto", f"-I{well_known}", f"--python_out={folder}",
                                   f"--grpc_python_out={folder}", "proto/espalier/v1/outcomes.proto", "google/rpc/status.proto"])
    assert code == 0
    sys.path.insert(0, folder)
    return (importlib.import_module("proto.espalier.v1.outcomes_pb2"), importlib.import_module("proto.espalier.v1.outcomes_pb2_grpc"))


def fnv1a32(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def bucket(seed, unit):
    """GrowthBook's hash version 2, in [0, 1)."""
    return fnv1a32(str(fnv1a32(seed + unit))) % 10000 / 10000


def report(server, *outcomes):
    """Reports [(event id, name, value, further fields)]; returns the codes."""
    messages, services = stubs()
    request = messages.ReportRequest()
    for event_id, name, value, *rest in outcomes:
        request.outcomes.add(event_id=str(event_id), name=name, value=value, **(rest[0] if rest else {}))
    reply = services.OutcomesStub(server.channel).Report(request, timeout=30)
    assert len(reply.results) == len(outcomes)
    return [result.code for result in reply.results]
