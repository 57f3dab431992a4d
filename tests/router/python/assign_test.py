"""espalier_forest.assign against `espalier assign`, and against arguments that are none."""

import json
import os
import pathlib
import subprocess

import pytest

from espalier_forest import assign

ROOT = pathlib.Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "deploy/experiments/delay-model.yaml"
PROGRAM = os.environ.get("ESPALIER", ROOT / "build/release/espalier")
NOW = 1_767_225_600_000_000

TEXT = """
experiment: seed
model: m
unit: {attribute: user_id, fallback: request_id}
overrides: {vip: t}
targeting: {tags: {$all: [a]}, "address.city": Delft}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: t, version: 2, weight: 0.5}
"""
KNOWN = {"tags": ["a", "b"], "address": {"city": "Delft"}}


@pytest.fixture
def experiments():
    return assign.load_text(TEXT)


def printed(unit, attributes):
    command = [PROGRAM, "assign", "--json", "--experiment", SAMPLE, "--unit", unit, "--attributes", json.dumps(attributes)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def test_says_what_the_program_prints():
    sample = assign.load(SAMPLE)
    reasons = set()
    for number in range(100, 140):
        unit, attributes = f"N{number}AA", {"origin": "JFK" if number % 4 else "BOS", "passengers": number}
        chosen = sample.assign("flight-delay", unit, attributes)
        described = {key: getattr(chosen, key) for key in ("variant", "reason", "bucket", "version")}
        assert described == printed(unit, attributes), unit
        reasons.add(chosen.reason)
    assert len(reasons) >= 4


def test_a_unit_gets_its_variant(experiments):
    chosen = experiments.assign("m", "b", KNOWN, now_micros=NOW)
    # Published: hash("seed", "b", 2) = 0.2696.
    assert (chosen.variant, chosen.version, chosen.reason, chosen.bucket) == ("control", 1, "hash", 2696)
    assert (chosen.experiment, chosen.enrolled, chosen.unit, chosen.layer_slot) == ("seed", True, "b", None)
    assert (chosen.config_version, chosen.control, chosen.control_version, chosen.now_micros) == (1, "control", 1, NOW)
    assert not chosen.serve_control_on_error
    assert experiments.assign("m", attributes={**KNOWN, "user_id": "b"}).bucket == 2696
    assert experiments.assign("m", "b").reason == "not enrolled: targeting"
    assert experiments.assign("m", "vip").reason == "override"
    assert experiments.assign("m", None, KNOWN, request_id="b").reason == "unitless"


def test_without_experiment_there_is_no_variant(experiments):
    chosen = experiments.assign("another", "b")
    assert (chosen.variant, chosen.version, chosen.experiment, chosen.bucket) == (None, None, None, None)
    assert chosen.reason == "not enrolled: no experiment"


def test_the_exposure_outlives_the_experiments(experiments):
    ids = assign.EventIds(front=17)
    event_id = ids.next(NOW)
    assert event_id >> 22 == NOW // 1000
    assert event_id >> 12 & 1023 == 17
    assert ids.next(NOW) > event_id
    chosen = experiments.assign("m", "b", KNOWN, event_id=event_id, now_micros=NOW)
    del experiments
    exposure = json.loads(chosen.exposure_json(rows=1, scores=[0.25], latency_micros=3, sha256="ff"))
    assert exposure == {
        "event_id": str(event_id), "time_micros": NOW, "experiment": "seed", "config_version": 1, "unit": "b", "bucket": 2696,
        "layer_slot": None, "probabilities": [0.5, 0.5], "variant_assigned": "control", "variant_served": "control", "reason": "hash",
        "model": "m", "model_version": 1, "sha256": "ff", "rows": 1, "latency_micros": 3, "status": 0, "scores": [0.25], "features": None}


def test_describes_what_was_loaded(experiments):
    assert len(experiments) == 1
    assert experiments.describe() == [{"experiment": "seed", "model": "m", "state": "running", "unit_attribute": "user_id",
                                       "config_version": 1, "num_variants": 2}]


def test_refuses_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        assign.load(tmp_path / "nowhere")
    (tmp_path / "bad.yaml").write_text(TEXT + "covrage: 1\n")
    with pytest.raises(ValueError, match="bad.yaml: covrage: is no key"):
        assign.load(tmp_path)
    with pytest.raises(ValueError):
        assign.load_text("", "e.json")


def test_refuses_requests(experiments):
    with pytest.raises(ValueError, match="has 300 bytes"):
        experiments.assign("m", "x" * 300)
    with pytest.raises(ValueError, match="neither a request_id nor an event_id"):
        experiments.assign("m")
    with pytest.raises(ValueError):
        experiments.assign("m", "b", {"a": float("nan")})
    with pytest.raises(TypeError):
        experiments.assign("m", "b", {"a": object()})
    with pytest.raises(TypeError):
        experiments.assign("m", 3)
    with pytest.raises(TypeError):
        experiments.assign("m", "b", "no dict")
    with pytest.raises(TypeError):
        experiments.assign("m", "b", event_id=-1)
    with pytest.raises(ValueError, match="no event id"):
        experiments.assign("m", "b", KNOWN).exposure_json()
    with pytest.raises(ValueError, match="not enrolled"):
        experiments.assign("m", "b").exposure_json()
    with pytest.raises(ValueError, match="front is 1024"):
        assign.EventIds(1024)
