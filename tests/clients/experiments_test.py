"""Experiments as a client sees them: who gets which version, what the reply says, and what outcomes may be reported."""

import contextlib
import json
import math
import runpy
import sqlite3
import time

import grpc_tools.protoc
import pytest

from testing import repository
from testing.outcomes import bucket, report, stubs
from testing.server import Server, espalier, output, refused, request, same_bits, wait_until

ROWS = repository.rows(1)
TRUTH = {version: repository.truth(model, ROWS) for version, model in repository.PLAIN.items()}

SPLIT = """
experiment: split
model: plain
unit: {attribute: user_id}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: treatment, version: 2, weight: 0.5}
overrides: {tester: treatment}
targeting: {country: {$in: [fr, de]}}
outcome: {window: 1h, missing: censor}
metrics:
  goals: [{name: late, type: mean, outcome: late, better: down}]
analysis: {engine: sequential, alpha: 0.05, n_star: 500}
"""

OK, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION = 0, 3, 5, 6, 9


@pytest.fixture(scope="module")
def routed(models, tmp_path_factory):
    """A server that splits `plain` by user_id."""
    folder = tmp_path_factory.mktemp("routed")
    (folder / "experiments").mkdir()
    (folder / "experiments" / "split.yaml").write_text(SPLIT)
    with Server(folder, models, experiments=folder / "experiments") as running:
        yield running


def ask(server, unit, **options):
    return server.infer(request("plain", ROWS, user_id=unit, country="fr", **options))


def expected(unit):
    return ("control", "1") if bucket("split", unit) < 0.5 else ("treatment", "2")


def test_units_are_split_by_the_public_hash(routed):
    for index in range(300):
        unit = f"user-{index}" if index % 3 else f"ünit-{index}"
        reply = ask(routed, unit)
        variant, version = expected(unit)
        assert (reply.parameters["espalier_variant"].string_param, reply.model_version) == (variant, version)
        assert reply.parameters["espalier_experiment"].string_param == "split"
        assert reply.model_name == "plain"
        assert same_bits(output(reply), TRUTH[int(version)])


def test_assign_agrees_with_the_server(routed):
    experiment = routed.experiments / "split.yaml"
    for index in range(5):
        answer = json.loads(espalier("assign", "--experiment", experiment, "--unit", f"user-{index}", "--attributes", '{"country": "fr"}',
                                     "--json").stdout)
        assert (answer["variant"], str(answer["version"])) == expected(f"user-{index}")
        assert answer["bucket"] == round(10_000 * bucket("split", f"user-{index}"))
        assert answer["reason"] == "hash"


def test_event_ids_tell_the_time_and_grow(routed):
    before = int(time.time() * 1000)
    ids = [int(ask(routed, f"user-{index}").parameters["espalier_event_id"].string_param) for index in range(20)]
    after = int(time.time() * 1000)
    assert ids == sorted(set(ids)) and ids[-1] < 2**63
    millis = [identifier >> 22 for identifier in ids]
    # The milliseconds may count from any epoch, but they advance with the clock.
    assert millis[-1] - millis[0] <= after - before + 1


def test_a_unit_keeps_its_variant(routed):
    assert len({ask(routed, "user-7").model_version for _ in range(20)}) == 1


def test_the_unit_may_come_as_metadata(routed):
    message = request("plain", ROWS)
    reply = routed.infer(message, metadata=(("user_id", "user-5"), ("country", "de")))
    assert reply.parameters["espalier_variant"].string_param == expected("user-5")[0]


def test_overrides_come_first(routed):
    assert ask(routed, "tester").parameters["espalier_variant"].string_param == "treatment"


@pytest.mark.parametrize("attributes", [{}, {"country": "fr"}, {"user_id": "u1"}, {"user_id": "u1", "country": "us"}])
def test_who_is_not_enrolled_gets_the_control_alone(routed, attributes):
    reply = routed.infer(request("plain", ROWS, **attributes))
    assert reply.model_version == "1"
    assert not [key for key in reply.parameters if key.startswith("espalier_")]
    assert same_bits(output(reply), TRUTH[1])


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_asked_version_takes_no_part(routed, version):
    reply = ask(routed, "user-1", version=version)
    assert reply.model_version == version
    assert "espalier_variant" not in reply.parameters


def test_other_models_are_not_concerned(routed):
    reply = routed.infer(request("multi", ROWS, user_id="user-1", country="fr"))
    assert "espalier_variant" not in reply.parameters


def test_a_unit_that_is_too_long_is_refused(routed):
    ask(routed, "x" * 256)
    refused(lambda: ask(routed, "x" * 257), "INVALID_ARGUMENT", "user_id", "256")


def event_of(server, unit):
    return ask(server, unit).parameters["espalier_event_id"].string_param


def test_outcomes_are_stored_once(routed):
    event = event_of(routed, "user-1")
    assert report(routed, (event, "late", 1.0)) == [OK]
    assert report(routed, (event, "late", 1.0)) == [OK]
    assert report(routed, (event, "late", 0.0)) == [ALREADY_EXISTS]
    assert report(routed, (event, "late", 0.0, {"correct": True})) == [OK]
    assert report(routed, (event, "late", 1.0)) == [ALREADY_EXISTS]
    assert report(routed, (event, "cost", 1.0), (event, "late", 0.0), ("77", "late", 1.0)) == [OK, OK, NOT_FOUND]


@pytest.mark.parametrize("event,name,value", [("", "late", 1), ("abc", "late", 1), ("-5", "late", 1), ("9" * 30, "late", 1), (None, "", 1),
                                              (None, "UPPER CASE", 1), (None, "x" * 65, 1), (None, "late", math.nan), (None, "late", math.inf)])
def test_malformed_outcomes(routed, event, name, value):
    event = event_of(routed, "user-2") if event is None else event
    assert report(routed, (event, name, value)) == [INVALID_ARGUMENT]


def test_an_outcome_after_the_window_is_refused(routed):
    messages, _ = stubs()
    event = event_of(routed, "user-3")
    at = messages.Outcome().event_time
    at.FromSeconds(int(time.time()) + 3 * 3600)
    assert report(routed, (event, "late", 1.0, {"event_time": at})) == [FAILED_PRECONDITION]
    at.FromSeconds(int(time.time()) + 600)
    assert report(routed, (event, "late", 1.0, {"event_time": at})) == [OK]


# As googleapis publishes it, comments left out.
PUBLISHED_STATUS = """
syntax = "proto3";
package google.rpc;
import "google/protobuf/any.proto";
option go_package = "google.golang.org/genproto/googleapis/rpc/status;status";
option java_multiple_files = true;
option java_outer_classname = "StatusProto";
option java_package = "com.google.rpc";
option objc_class_prefix = "RPC";
message Status {
  int32 code = 1;
  string message = 2;
  repeated google.protobuf.Any details = 3;
}
"""


def test_the_stubs_live_beside_googleapis(tmp_path):
    stubs()
    (tmp_path / "google/rpc").mkdir(parents=True)
    (tmp_path / "google/rpc/status.proto").write_text(PUBLISHED_STATUS)
    assert grpc_tools.protoc.main(["protoc", f"-I{tmp_path}", f"-I{grpc_tools.__path__[0]}/_proto", f"--python_out={tmp_path}",
                                   "google/rpc/status.proto"]) == 0
    # Raises where a file or a name stands in the process already, and is another one.
    runpy.run_path(str(tmp_path / "google/rpc/status_pb2.py"))


def test_an_outcome_on_the_heels_of_its_exposure_is_known(routed):
    for index in range(100):
        assert report(routed, (event_of(routed, f"user-{index}"), "late", float(index % 2))) == [OK]


def rows_of(data, table):
    with contextlib.closing(sqlite3.connect(f"file:{data}/events.db?mode=ro", uri=True)) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_exposures_are_on_disk_after_a_drain_and_outcomes_after_a_kill(models, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "split.yaml").write_text(SPLIT)
    server = Server(tmp_path / "one", models, experiments=tmp_path / "experiments", data=tmp_path / "data")
    events = [event_of(server, f"user-{index}") for index in range(200)]
    server.stop()
    assert rows_of(tmp_path / "data", "exposures") == 200

    server = Server(tmp_path / "two", models, experiments=tmp_path / "experiments", data=tmp_path / "data")
    late = events + [event_of(server, f"user-{index}") for index in range(100)]
    assert report(server, *((event, "late", 1.0) for event in late)) == [OK] * 300
    server.process.kill()
    server.process.wait()
    assert rows_of(tmp_path / "data", "outcomes") == 300

    with Server(tmp_path / "three", models, experiments=tmp_path / "experiments", data=tmp_path / "data") as server:
        assert report(server, *((event, "late", 1.0) for event in late)) == [OK] * 300
        fresh = event_of(server, "user-1")
        assert int(fresh) > max(map(int, late))
        assert ask(server, "user-1").model_version == expected("user-1")[1]


def test_status_judges_what_was_reported(models, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "split.yaml").write_text(SPLIT)
    with Server(tmp_path, models, experiments=tmp_path / "experiments") as server:
        for index in range(300):
            reply = ask(server, f"user-{index}")
            treated = reply.parameters["espalier_variant"].string_param == "treatment"
            late = index % 10 < (2 if treated else 8)
            report(server, (reply.parameters["espalier_event_id"].string_param, "late", float(late)))
        verb = ["experiment", "status", "split", "--experiments", tmp_path / "experiments", "--data", server.data]
        status = json.loads(espalier(*verb, "--json").stdout)
        assert "late" in espalier(*verb).stdout
    counts = {"control": 0, "treatment": 0}
    for index in range(300):
        counts[expected(f"user-{index}")[0]] += 1
    assert (status["experiment"], status["state"], status["units"], status["exposures"]) == ("split", "running", 300, 300)
    assert status["engine"] == "sequential" and status["n_star"] == 500
    [metric] = status["metrics"]
    assert (metric["name"], metric["role"]) == ("late", "goal")
    variants = {variant["key"]: variant for variant in metric["variants"]}
    assert {key: variant["n"] for key, variant in variants.items()} == counts
    assert variants["control"]["mean"] == pytest.approx(0.8, abs=0.05)
    assert variants["treatment"]["mean"] == pytest.approx(0.2, abs=0.05)
    assert variants["treatment"]["effect_low"] < variants["treatment"]["effect"] < variants["treatment"]["effect_high"] < 0
    assert variants["treatment"]["p"] < 0.001
    assert not status["srm"]["alarm"]


def test_an_edit_is_taken_whole_or_not_at_all(models, tmp_path):
    folder = tmp_path / "experiments"
    folder.mkdir()
    (folder / "split.yaml").write_text(SPLIT)

    def replace(text):
        (tmp_path / "next.yaml").write_text(text)
        (tmp_path / "next.yaml").rename(folder / "split.yaml")

    with Server(tmp_path, models, experiments=folder) as server:
        replace(SPLIT.replace("overrides: {tester: treatment}", "overrides: {tester: control}"))
        wait_until(lambda: ask(server, "tester").parameters["espalier_variant"].string_param == "control")
        replace(SPLIT.replace("weight: 0.5}", "weight: 0.9}").replace("tester: treatment", "tester: treatment"))
        wait_until(lambda: "weight" in server.log.read_text())
        assert ask(server, "tester").parameters["espalier_variant"].string_param == "control"
        (folder / "split.yaml").unlink()
        wait_until(lambda: "espalier_variant" not in ask(server, "tester").parameters)
        assert ask(server, "user-1").model_version == "2"


BAD = {
    "unknown key": (SPLIT + "coverge: 0.5\n", ["coverge"]),
    "unknown key inside": (SPLIT.replace("weight: 0.5}", "weight: 0.5, wieght: 1}"), ["wieght"]),
    "weights above one": (SPLIT.replace("weight: 0.5", "weight: 0.7"), ["weight"]),
    "weight negative": (SPLIT.replace("weight: 0.5}", "weight: -0.5}"), ["weight", "-0.5"]),
    "coverage above one": (SPLIT + "coverage: 1.5\n", ["coverage", "1.5"]),
    "no control": (SPLIT.replace(", control: true", ""), ["control"]),
    "two variants of one key": (SPLIT.replace("key: treatment", "key: control"), ["control"]),
    "unknown operator": (SPLIT.replace("$in", "$inn"), ["$inn"]),
    "bad expression": (SPLIT.replace("{$in: [fr, de]}", "{$regex: '('}"), ["$regex"]),
    "override of an unknown variant": (SPLIT.replace("tester: treatment", "tester: nobody"), ["nobody"]),
    "no unit": (SPLIT.replace("unit: {attribute: user_id}", ""), ["unit"]),
    "a key of a later piece": (SPLIT + "ramp: {steps: [{enroll: 0.5}]}\n", ["ramp"]),
    "bad name": (SPLIT.replace("experiment: split", "experiment: Split Test"), ["experiment", "Split Test"]),
    "no yaml": ("experiment: [", ["split.yaml"]),
    "not a mapping": ("- a\n- b\n", ["split.yaml"]),
    "recursive yaml": ("&a [*a]", ["split.yaml"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_documents_are_refused_by_name(tmp_path, case):
    text, fragments = BAD[case]
    (tmp_path / "split.yaml").write_text(text)
    error = espalier("experiment", "validate", tmp_path / "split.yaml", code=1).stderr
    assert len(error.strip().splitlines()) == 1
    for fragment in fragments:
        assert fragment in error


def test_a_server_refuses_to_start_on_a_bad_document(models, tmp_path):
    (tmp_path / "split.yaml").write_text(BAD["unknown key"][0])
    error = espalier("serve", "--models", models, "--experiments", tmp_path, "--data", tmp_path / "data", "--grpc-port", "0",
                     "--metrics-port", "0", "--admin-port", "0", code=1).stderr
    assert "coverge" in error


def test_two_experiments_may_not_claim_the_same_range(models, tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(SPLIT.replace("experiment: split", f"experiment: {name}\nlayer: {{name: l, ranges: [[0.2, 0.6]]}}"))
    error = espalier("experiment", "validate", tmp_path, code=1).stderr
    assert "one" in error and "two" in error and "l" in error
