"""Random damage to the bytes of good requests: always a status, never a crash, and good answers stay right."""

import random

import grpc
import numpy as np

from testing import repository
from testing.server import FULL, output, request, same_bits

SEED = 20130101
ALLOWED = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED"}


def seeds():
    rows = repository.rows(3)
    data = repository.rows(3, 4, seed=12)
    typed = request("plain", rows)
    typed.ClearField("raw_input_contents")
    typed.inputs[0].contents.fp32_contents.extend(rows.ravel())
    columns = {name: np.ascontiguousarray(data[:, i]) for i, name in enumerate(repository.NAMES)}
    every = request("multi", rows, version="1", outputs=["margin", "class", "leaf", "contributions"], iterations="1:3", user_id="u1")
    return [message.SerializeToString() for message in (request("plain", rows), typed, request("named", columns=columns), every)]


def damaged(chance, data, others):
    """One to four edits: a flipped bit, a byte that matters, a cut, a repeat, a splice."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) or 1)
        edit = chance.randrange(6)
        if edit == 0 and data:
            data[at] ^= 1 << chance.randrange(8)
        elif edit == 1 and data:
            data[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, 0x08, 0x0A, 0x2A, 0x3A])
        elif edit == 2:
            del data[at:at + chance.randint(1, 8)]
        elif edit == 3:
            data[at:at] = data[at:at + chance.randint(1, 16)]
        elif edit == 4:
            data[at:at] = bytes([0xFF] * 9 + [0x01])
        else:
            other = chance.choice(others)
            data[at:] = other[chance.randrange(len(other)):]
    return bytes(data)


def test_damaged_requests_get_a_status(server):
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    good, rows = seeds(), repository.rows(3)
    truth = repository.truth(repository.PLAIN[2], rows)
    identity = lambda data: data  # noqa: E731
    call = server.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer", identity, identity)
    codes = {}
    for _ in range(400 if FULL else 40):
        payloads = [damaged(chance, chance.choice(good), good) for _ in range(50)]
        futures = [call.future(payload, timeout=30) for payload in payloads]
        for payload, future in zip(payloads, futures):
            code = (future.exception() or future).code().name
            codes[code] = codes.get(code, 0) + 1
            assert code in ALLOWED, f"{code}: {payload.hex()}"
        assert same_bits(output(server.infer(request("plain", rows))), truth)
    print(codes)
    assert codes["INVALID_ARGUMENT"] > 100 and server.alive()


def test_damaged_streams_stay_open(server):
    chance = random.Random(SEED + 1)
    good, rows = seeds(), repository.rows(3)
    truth = repository.truth(repository.PLAIN[2], rows)
    identity = lambda data: data  # noqa: E731
    call = server.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer", identity, identity)
    for _ in range(20):
        payloads = [damaged(chance, chance.choice(good), good) for _ in range(20)]
        try:
            replies = list(call(iter(payloads), timeout=30))
            assert len(replies) == len(payloads)
        except grpc.RpcError as error:
            # A message that cannot be parsed may end its stream, with the code of a malformed request.
            assert error.code().name == "INVALID_ARGUMENT", error
        assert same_bits(output(server.infer(request("plain", rows))), truth)
