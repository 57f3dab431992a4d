"""How the program is called wrongly: exit 2 for usage, 1 for failure, one line on stderr."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import urllib.request

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2_grpc

from testing import repository
from testing.outcomes import bucket
from testing.server import PROGRAM, Server, espalier, output, request, same_bits, wait_until


GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "models/forest"


def one_line(error):
    lines = error.splitlines()
    assert len(lines) == 1, error
    return lines[0]


@pytest.mark.parametrize("arguments", [[], ["guess"], ["serve"], ["serve", "--grpc-port", "x", "--models", "."], ["serve", "--models", ".", "--guess"],
                                       ["serve", "--models", ".", "--grpc-port", "70000"], ["serve", "--models", ".", "--max-rows", "-1"],
                                       ["model"], ["model", "inspect"], ["predict"], ["assign", "--unit", "u"], ["experiment"]])
def test_usage_problems_exit_2(arguments):
    assert "espalier" in one_line(espalier(*arguments, code=2).stderr)


@pytest.mark.parametrize("arguments,words", [
    (["nosuch"], ["'nosuch'"]), (["model", "rollback", "x"], ["'rollback'", "'model'"]), (["experiment", "\x1b[2Jx"], ["'\\x1b[2Jx'"]),
    (["model", "label", "m", "champion", "-1", "--models", "."], ["-1", "range 0 to 9223372036854775807"]),
    (["model", "load", "m", "--version", "0"], ["0", "range 1 to 9223372036854775807"]),
    (["train", "--local", "--input", "t", "--label", "y", "--models", "m", "--name", "n", "--version", "0"], ["range 1 to 9223372036854775807"])])
def test_usage_errors_say_which_word(arguments, words):
    error = one_line(espalier(*arguments, code=2).stderr)
    assert all(word in error for word in words) and "\x1b" not in error, error


def test_a_file_says_nothing_to_the_terminal(models, tmp_path):
    """Escape sequences in a model's names are shown, not sent."""
    text = (models / "multi/1/xgboost.json").read_text()
    (tmp_path / "objective.json").write_text(text.replace("multi:softprob", "\\u001b[2Jmulti"))
    error = one_line(espalier("model", "inspect", tmp_path / "objective.json", code=1).stderr)
    assert "\\x1b[2Jmulti" in error and "\x1b" not in error
    names = ",".join(f'"\\u001b[{i}m\\u009b"' for i in range(6))
    (tmp_path / "names.json").write_text(text.replace('"feature_names":[]', f'"feature_names":[{names}]'))
    shown = espalier("model", "inspect", tmp_path / "names.json").stdout
    assert "\\x1b[0m" in shown and "\x1b" not in shown and "\x9b" not in shown


@pytest.mark.parametrize("verb", [["serve"], ["model", "inspect"], ["predict"], ["assign"], ["experiment", "status"], ["experiment", "validate"],
                                  ["analyze"], ["outcome"], ["train"]])
def test_every_verb_has_help_with_an_example(verb):
    done = espalier(*verb, "--help")
    assert "Example" in done.stdout and "espalier " + " ".join(verb) in done.stdout
    assert done.stderr == ""


def test_the_repository_must_be_there(tmp_path):
    assert "nowhere" in one_line(espalier("serve", "--models", tmp_path / "nowhere", code=1).stderr)
    (tmp_path / "file").write_text("")
    assert "file" in one_line(espalier("serve", "--models", tmp_path / "file", code=1).stderr)


def test_a_public_address_needs_a_flag(models, tmp_path):
    error = one_line(espalier("serve", "--models", models, "--data", tmp_path, "--bind", "0.0.0.0", "--grpc-port", "0", code=2).stderr)
    assert "0.0.0.0" in error and "--insecure" in error


def test_an_occupied_port_is_one_line(models, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for flag in ("--grpc-port", "--metrics-port"):
            ports = [word for name in ("--grpc-port", "--http-port", "--metrics-port", "--admin-port")
                     for word in (name, port if name == flag else 0)]
            done = espalier("serve", "--models", models, "--data", tmp_path / flag, *ports, code=1)
            errors = [line for line in done.stderr.splitlines() if line.startswith("espalier:")]
            assert len(errors) == 1 and str(port) in errors[0], done.stderr


def test_a_port_in_use_is_called_so(models, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = espalier("serve", "--models", models, "--data", tmp_path, "--grpc-port", 0, "--metrics-port", port, code=1)
        assert f"port {port} on 127.0.0.1 is already in use" in done.stderr


@pytest.mark.parametrize("bind,grpc_host,metrics_host", [("::1", "[::1]", "127.0.0.1"), ("localhost", "127.0.0.1", "127.0.0.1")])
def test_loopback_by_other_names(models, tmp_path, bind, grpc_host, metrics_host):
    with Server(tmp_path, models, "--bind", bind) as server:
        assert server.ports["grpc"].startswith(grpc_host + ":") and server.ports["metrics"].startswith(metrics_host + ":")
        assert len(output(server.infer(request("plain", repository.rows(3))))) == 3
        assert b"espalier_requests_total" in urllib.request.urlopen(f"http://{server.ports['metrics']}/metrics", timeout=10).read()


def test_addresses_that_cannot_be_bound_to(models, tmp_path):
    done = espalier("serve", "--models", models, "--data", tmp_path, "--bind", "nosuch.invalid", code=2)
    assert "nosuch.invalid is no address" in one_line(done.stderr)
    done = espalier("serve", "--models", models, "--data", tmp_path, "--bind", "fe80::1", "--insecure", code=1)
    assert "fe80::1" in done.stderr and "IPv4" in done.stderr


def test_the_ready_file_tells_the_ports(server):
    assert server.ports["pid"] == server.process.pid
    for name in ("grpc", "metrics"):
        host, port = server.ports[name].rsplit(":", 1)
        assert host == "127.0.0.1" and int(port) > 0
    for line in ("grpc", "metrics"):
        assert server.ports[line] in server.log.read_text()


def test_sigterm_drains(models, tmp_path):
    server = Server(tmp_path, models)
    futures = [server.stub.ModelInfer.future(request("plain", repository.rows(20_000)), timeout=30) for _ in range(8)]
    wait_until(lambda: any(future.done() for future in futures))
    server.process.send_signal(signal.SIGTERM)
    answered = [future.result() for future in futures if future.exception() is None]
    assert answered and all(len(output(reply)) == 20_000 for reply in answered)
    assert all(future.exception() is None or future.exception().code().name == "UNAVAILABLE" for future in futures)
    server.channel.close()
    assert server.process.wait(30) == 0


def test_sigterm_under_load_fails_no_call_on_a_live_connection(models, tmp_path):
    """Clients that look at nothing but their answers: the first failure is a connection that is not taken."""
    server = Server(tmp_path, models)
    stub = service_pb2_grpc.GRPCInferenceServiceStub
    message = request("plain", repository.rows(1))
    ends, answered = [], [0] * 8

    def load(i):
        with grpc.insecure_channel(server.address, [("client.number", i)]) as channel:
            call = stub(channel).ModelInfer
            while True:
                try:
                    call(message, timeout=30)
                    answered[i] += 1
                except grpc.RpcError as error:
                    ends.append((error.code().name, error.details()))
                    return

    threads = [threading.Thread(target=load, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: min(answered) > 20)
    server.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert len(ends) == 8
    for code, details in ends:
        assert code == "UNAVAILABLE" and "connect" in details, (code, details)
    server.stop()


def test_model_inspect(models):
    summary = json.loads(espalier("model", "inspect", models / "multi/1/xgboost.json", "--json").stdout)
    assert summary["objective"] == "multi:softprob" and summary["num_feature"] == 6 and summary["num_outputs"] == 4
    assert summary["trees"] == 80 and summary["xgboost_version"] == "3.2.0" and summary["max_depth"] <= 4
    assert "multi:softprob" in espalier("model", "inspect", models / "multi/1/xgboost.json").stdout


BAD_FILES = {
    "empty": b"", "text": b"hello", "half": None, "open brackets": b"[" * 100_000, "open ubjson arrays": b"[" * 64 + b"{L" + b"[" * 100_000,
    "wrong keys": b'{"learner": {"a": 1}}', "numbers only": b"123", "not utf-8": b'{"\xff\xfe": 1}',
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_model_files_are_refused(models, tmp_path, case):
    data = BAD_FILES[case]
    if data is None:
        data = (models / "plain/1/xgboost.ubj").read_bytes()[:3000]
    (tmp_path / "xgboost.json").write_bytes(data)
    assert "xgboost.json" in one_line(espalier("model", "inspect", tmp_path / "xgboost.json", code=1).stderr)


def test_only_regular_files_are_models(tmp_path):
    assert str(tmp_path) in one_line(espalier("model", "inspect", tmp_path, code=1).stderr)
    assert "gone" in one_line(espalier("model", "inspect", tmp_path / "gone", code=1).stderr)
    os.mkfifo(tmp_path / "fifo")
    assert "fifo" in one_line(espalier("model", "inspect", tmp_path / "fifo", code=1).stderr)
    assert "null" in one_line(espalier("model", "inspect", "/dev/null", code=1).stderr)


def cyclic(path):
    """A tree whose second node is its own child."""
    model = json.loads(path.read_text())
    tree = model["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["left_children"][1] = 1
    return json.dumps(model)


def test_a_tree_with_a_circle_is_refused(models, tmp_path):
    (tmp_path / "m.json").write_text(cyclic(models / "multi/1/xgboost.json"))
    assert "tree" in one_line(espalier("model", "inspect", tmp_path / "m.json", code=1).stderr)


@pytest.mark.parametrize("kind,options", [("value", {}), ("margin", {"output_margin": True}), ("leaf", {"pred_leaf": True})])
def test_predict_is_bit_equal_to_xgboost(models, tmp_path, kind, options):
    rows = repository.rows(300)
    np.save(tmp_path / "in.npy", rows)
    espalier("predict", "--model", models / "plain/1/xgboost.ubj", "--input", tmp_path / "in.npy", "--out", tmp_path / "out.npy", "--output-kind", kind)
    truth = repository.truth(repository.PLAIN[1], rows, **options)
    got = np.load(tmp_path / "out.npy")
    assert same_bits(got, truth if kind != "leaf" else truth.astype(got.dtype))


LIGHTGBM = GOLDEN / "golden_lightgbm/4.7.0"


def test_inspect_shows_a_lightgbm_model():
    summary = json.loads(espalier("model", "inspect", LIGHTGBM / "multiclass.txt", "--json").stdout)
    assert summary["format"] == "lightgbm_text" and summary["objective"] == "multiclass" and summary["kernel"] == "float64_walker"
    assert summary["num_outputs"] == 3 and summary["trees"] == 9 and summary["iterations"] == 3 and summary["feature_names"][0] == "Column_0"
    assert "linear_tree" in one_line(espalier("model", "inspect", LIGHTGBM / "linear_tree.txt", code=1).stderr)


@pytest.mark.parametrize("kind,offset,width", [("value", 0, 3), ("margin", 3, 3)])
def test_predict_is_bit_equal_to_lightgbm_in_float64(tmp_path, kind, offset, width):
    rows = np.fromfile(GOLDEN / "golden_lightgbm/rows.f32", "<f4").reshape(-1, 8)
    np.save(tmp_path / "in.npy", rows)
    truth = np.fromfile(LIGHTGBM / "multiclass.expected", "<f8", count=6 * len(rows))[offset * len(rows):][:width * len(rows)].reshape(-1, width)
    for name in ("out.npy", "out.csv"):
        espalier("predict", "--model", LIGHTGBM / "multiclass.txt", "--input", tmp_path / "in.npy", "--out", tmp_path / name, "--output-kind", kind)
    got = np.load(tmp_path / "out.npy")
    assert got.dtype == np.float64 and same_bits(got, truth)
    assert same_bits(np.loadtxt(tmp_path / "out.csv", delimiter=",", skiprows=1), truth)


def test_predict_refuses_wrong_tables(models, tmp_path):
    np.save(tmp_path / "narrow.npy", np.zeros((3, 5), np.float32))
    error = one_line(espalier("predict", "--model", models / "plain/1/xgboost.ubj", "--input", tmp_path / "narrow.npy", "--out", tmp_path / "o.npy",
                              "--output-kind", "value", code=1).stderr)
    assert "5" in error and "6" in error
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00\xff\xff{'descr'")
    one_line(espalier("predict", "--model", models / "plain/1/xgboost.ubj", "--input", tmp_path / "broken.npy", "--out", tmp_path / "o.npy",
                      "--output-kind", "value", code=1).stderr)


def test_assign_vectors():
    lines = [{"op": "hash", "seed": "s", "value": "u", "version": 2}, {"op": "choose", "n": 0.31, "ranges": [[0, 0.5], [0.5, 1]]},
             {"op": "bucket_ranges", "variants": 2, "coverage": 0.5, "weights": None}, {"op": "guess"},
             {"op": "condition", "condition": {"a": {"$gt": 1}}, "attributes": {"a": 2}}]
    done = espalier("assign", "--vectors", "/dev/stdin", stdin="".join(json.dumps(line) + "\n" for line in lines) + "not json\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]

    assert answers[0] == {"result": bucket("s", "u")}
    assert answers[1] == {"result": 0} and answers[2] == {"result": [[0, 0.25], [0.5, 0.75]]} and answers[4] == {"result": True}
    assert "error" in answers[3] and "error" in answers[5] and len(answers) == 6


def test_closed_output_is_no_crash(models):
    process = subprocess.Popen([PROGRAM, "--help"], stdout=subprocess.PIPE)
    process.stdout.close()
    assert process.wait(30) >= -signal.SIGPIPE


def test_sighup_reads_files_again(models, tmp_path):
    with Server(tmp_path, models) as server:
        server.process.send_signal(signal.SIGHUP)
        with urllib.request.urlopen(f"http://{server.ports['metrics']}/metrics", timeout=10) as answer:
            assert answer.status == 200
        assert server.alive()
