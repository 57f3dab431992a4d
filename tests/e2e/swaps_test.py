"""Versions come, go and change labels under constant load: no request fails, every answer is that of the version it names.

50 swaps, 200 with tests/run --full.
"""

import json
import pathlib
import shutil
import threading
import time

import numpy as np
import pytest
from tritonclient.grpc import service_pb2

from testing import repository
from testing.server import FULL, Server, output, request, wait_until

CLIENTS = 8
SWAPS = 200 if FULL else 50
ROWS = repository.rows(4)
# Odd versions hold one model, even versions the other.
MODELS = [repository.booster(rounds=60, seed=2), repository.booster(rounds=60, seed=1)]
TRUTH = [repository.truth(model, ROWS).tobytes() for model in MODELS]


class Load:
    """Eight clients that ask without pause and check every answer."""

    def __init__(self, server):
        self.server = server
        self.stop = threading.Event()
        self.failures = []
        self.seconds = []
        self.versions = set()
        self.threads = [threading.Thread(target=self.ask) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def ask(self):
        message = request("swapped", ROWS)
        while not self.stop.is_set() and not self.failures:
            started = time.monotonic()
            try:
                reply = self.server.infer(message)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a failed request
                self.failures.append(repr(error))
                return
            self.seconds.append(time.monotonic() - started)
            self.versions.add(int(reply.model_version))
            if output(reply).tobytes() != TRUTH[int(reply.model_version) % 2]:
                self.failures.append(f"an answer in the name of version {reply.model_version} is not that version's")


class Repository:
    """The folder of one model, changed as a careful deployer does: staged beside it, renamed into place."""

    def __init__(self, folder):
        self.folder = folder / "models"
        self.staging = folder / "staging"
        self.staging.mkdir()

    def publish(self, version):
        staged = self.staging / str(version)
        staged.mkdir()
        MODELS[version % 2].save_model(staged / "xgboost.ubj")
        target = self.folder / "swapped" / str(version)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)

    def replace(self, version):
        """The same bytes under a new file, over the old one."""
        staged = self.staging / "replacement.ubj"
        MODELS[version % 2].save_model(staged)
        staged.rename(self.folder / "swapped" / str(version) / "xgboost.ubj")

    def label(self, version):
        staged = self.staging / "labels.json"
        staged.write_text(json.dumps({"champion": version}))
        staged.rename(self.folder / "swapped" / "labels.json")

    def remove(self, version):
        shutil.rmtree(self.folder / "swapped" / str(version))


def resident_megabytes(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def repository_call(server, verb, version):
    message = getattr(service_pb2, f"RepositoryModel{verb}Request")(model_name="swapped")
    message.parameters["version"].int64_param = version
    getattr(server.stub, f"RepositoryModel{verb}")(message, timeout=30)


def percentile_99(seconds):
    return float(np.percentile(seconds, 99)) * 1000


@pytest.mark.release_only
def test_swaps_under_load(tmp_path):
    folder = Repository(tmp_path)
    folder.publish(1)
    folder.label(1)
    with Server(tmp_path, folder.folder) as server, Load(server) as load:
        def champion(version):
            folder.label(version)
            wait_until(lambda: server.infer(request("swapped", ROWS)).model_version == str(version))

        wait_until(lambda: len(load.seconds) > 4000, 60)
        calm = load.seconds[1000:]
        before = resident_megabytes(server.process)
        current = 1
        for swap in range(SWAPS):
            kind = swap % 4
            if kind == 0:  # a new version takes over
                folder.publish(current + 1)
                wait_until(lambda: ready(server, current + 1))
                champion(current + 1)
                current += 1
            elif kind == 1:  # back to the old one, and forth again
                champion(current - 1)
                champion(current)
            elif kind == 2:  # the old one is unloaded and loaded by a client, then goes
                repository_call(server, "Unload", current - 1)
                assert not ready(server, current - 1)
                repository_call(server, "Load", current - 1)
                assert ready(server, current - 1)
                folder.remove(current - 1)
                wait_until(lambda: not ready(server, current - 1))
            else:  # the file of the one that answers is replaced
                folder.replace(current)
            assert not load.failures, load.failures
        busy = load.seconds[len(calm) + 1000:]
        after = resident_megabytes(server.process)
        print(f"{SWAPS} swaps, {len(load.seconds)} requests, versions {sorted(load.versions)}: p99 {percentile_99(calm):.2f} ms before, "
              f"{percentile_99(busy):.2f} ms meanwhile; {before:.1f} -> {after:.1f} MB resident")
    assert not load.failures, load.failures
    assert load.versions == set(range(1, current + 1))
    assert after < before + 48


def ready(server, version):
    index = server.stub.RepositoryIndex(service_pb2.RepositoryIndexRequest(ready=True), timeout=10)
    return any(entry.version == str(version) for entry in index.models)
