"""The limits of the command line: message size, rows, streams, connections."""

import resource
import socket
import threading

import grpc
import pytest
from tritonclient.grpc import service_pb2

from testing import repository
from testing.server import UNLIMITED, Server, output, refused, request, same_bits, wait_until

ROWS = repository.rows(3)
TRUTH = repository.truth(repository.PLAIN[2], ROWS)


def assert_right(server):
    assert same_bits(output(server.infer(request("plain", ROWS))), TRUTH)


def test_message_size(models, tmp_path):
    with Server(tmp_path, models, "--max-message-bytes", 10_000) as server:
        refused(lambda: server.infer(request("plain", repository.rows(1000))), "RESOURCE_EXHAUSTED", "10000")
        assert_right(server)


def test_large_messages_pass_below_the_limit(server):
    rows = repository.rows(400_000)
    assert same_bits(output(server.infer(request("plain", rows), timeout=60)), repository.truth(repository.PLAIN[2], rows))


def test_rows(models, tmp_path):
    with Server(tmp_path, models, "--max-rows", 100) as server:
        assert len(output(server.infer(request("plain", repository.rows(100))))) == 100
        refused(lambda: server.infer(request("plain", repository.rows(101))), "RESOURCE_EXHAUSTED", "101", "100")
        assert_right(server)


def test_streams_of_one_connection(models, tmp_path):
    with Server(tmp_path, models, "--max-streams", 4) as server:
        finish = threading.Event()

        def requests():
            yield request("plain", ROWS)
            finish.wait(60)

        # Four streams fill the connection: a fifth call waits at the client until one ends.
        streams = [server.stub.ModelStreamInfer(requests()) for _ in range(4)]
        for stream in streams:
            assert same_bits(output(next(stream).infer_response), TRUTH)
        refused(lambda: server.infer(request("plain", ROWS), timeout=0.5), "DEADLINE_EXCEEDED")
        # Another connection is not concerned.
        assert same_bits(output(infer_afresh(server)), TRUTH)
        finish.set()
        for stream in streams:
            assert list(stream) == []
        assert_right(server)


def dial(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=30)


def closed(connection):
    """Whether the server has closed this non-blocking connection (its settings may have come before)."""
    try:
        while connection.recv(4096):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_connections_beyond_the_cap_are_closed_at_accept(models, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    connections = []
    try:
        with Server(tmp_path, models, "--max-connections", 1024) as server:
            assert_right(server)
            connections = [dial(server.address) for _ in range(1100)]
            for connection in connections:
                connection.setblocking(False)
            wait_until(lambda: sum(closed(connection) for connection in connections) >= 1100 - 1024 + 1)
            assert_right(server)
            assert sum(not closed(connection) for connection in connections) >= 1000
            for connection in connections:
                connection.close()
            # What was freed can be used again.
            wait_until(lambda: fresh_is_right(server))
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def infer_afresh(server, metadata=None):
    """An inference over a connection of its own."""
    with grpc.insecure_channel(server.address, UNLIMITED + [("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer", service_pb2.ModelInferRequest.SerializeToString,
                                   service_pb2.ModelInferResponse.FromString)
        return call(request("plain", ROWS), timeout=10, metadata=metadata)


def fresh_is_right(server):
    try:
        return same_bits(output(infer_afresh(server)), TRUTH)
    except grpc.RpcError:
        return False


def test_oversized_metadata_is_refused(server):
    """By a status, or by closing that client's connection: how far it got with sending decides."""
    with pytest.raises(grpc.RpcError) as caught:
        infer_afresh(server, metadata=(("junk", "x" * 100_000),))
    assert caught.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
    assert_right(server)


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), bytes(512),
                                   b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 200])
def test_other_protocols_do_no_harm(server, noise):
    with dial(server.address) as connection:
        connection.sendall(noise)
        assert_right(server)
    assert_right(server)
