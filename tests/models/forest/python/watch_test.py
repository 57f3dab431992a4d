"""A directory that is followed from Python, as tests/models/forest/c_api/watch_c_test.cc follows it from C."""

import hashlib
import json
import pathlib
import sys
import threading

import espalier_forest
import numpy
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from peer import ROWS, booster, matrix, path, same_bits  # noqa: E402

FIRST, SECOND = path("binary_logistic"), path("reg_squarederror")


def publish(folder, version, model, sha256=None):
    """As `espalier train` does: under another name first."""
    staging = folder / "m" / f".{version}.tmp"
    staging.mkdir(parents=True)
    (staging / "xgboost.ubj").write_bytes(model.read_bytes())
    sha256 = sha256 or hashlib.sha256(model.read_bytes()).hexdigest()
    (staging / "variant.json").write_text(json.dumps({"sha256": sha256}))
    staging.rename(folder / "m" / str(version))


def expected(model):
    return booster(model).predict(matrix(model, ROWS))


def test_new_versions_are_loaded_while_it_runs(tmp_path):
    publish(tmp_path, 1, FIRST)
    with espalier_forest.Watch(tmp_path, manual=True) as watch:
        first = watch.get("m")
        assert (first.model_version, first.sha256) == (1, hashlib.sha256(FIRST.read_bytes()).hexdigest())
        publish(tmp_path, 2, SECOND)
        watch.poll()
        same_bits(watch.get("m").predict(ROWS), expected(SECOND))
        same_bits(watch.get("m", 1).predict(ROWS), expected(FIRST))
        same_bits(watch.get("m", "1").predict(ROWS), expected(FIRST))
        assert [event[:3] for event in watch.events()] == [("loaded", "m", 1), ("loaded", "m", 2)]
        assert watch.events() == []
    same_bits(first.predict(ROWS), expected(FIRST))
    with pytest.raises(ValueError, match="the watch is closed"):
        watch.get("m")
    with pytest.raises(ValueError, match="the watch is closed"):
        watch.poll()
    watch.close()


def test_bytes_of_another_checksum_are_refused(tmp_path):
    publish(tmp_path, 1, FIRST)
    publish(tmp_path, 2, SECOND, sha256="0" * 64)
    watch = espalier_forest.Watch(str(tmp_path), manual=True)
    assert watch.get("m").model_version == 1
    [(kind, model, version, text)] = [event for event in watch.events() if event[0] == "refused"]
    assert (model, version) == ("m", 2) and 'variant.json says "000' in text
    with pytest.raises(LookupError, match="version 2 of model .m. is not ready"):
        watch.get("m", 2)
    for model, version in (("other", None), ("m", 3), ("m", "champion")):
        with pytest.raises(LookupError):
            watch.get(model, version)


def test_threads_predict_while_versions_change(tmp_path):
    publish(tmp_path, 1, FIRST)
    answers = {1: expected(FIRST), 0: expected(SECOND)}
    watch = espalier_forest.Watch(tmp_path, manual=True, latest=1)
    stop, wrong = threading.Event(), []

    def read():
        while not stop.is_set():
            forest = watch.get("m")
            if not numpy.array_equal(forest.predict(ROWS), answers[forest.model_version % 2]):
                wrong.append(forest.model_version)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for version in range(2, 30):
        publish(tmp_path, version, SECOND if version % 2 == 0 else FIRST)
        watch.poll()
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert watch.get("m").model_version == 29


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(OSError, match="is no directory"):
        espalier_forest.Watch(tmp_path / "nothing")
    for bad in (None, 7, []):
        with pytest.raises(TypeError):
            espalier_forest.Watch(bad)
    for seconds in (0, -1, float("nan"), float("inf"), 1e300):
        with pytest.raises(ValueError, match="poll_seconds"):
            espalier_forest.Watch(tmp_path, poll_seconds=seconds)
    with espalier_forest.Watch(tmp_path) as watch:
        with pytest.raises(TypeError):
            watch.get(None)
        with pytest.raises(LookupError):
            watch.get("")
