"""Triton's own Python client, unmodified: synchronous, asynchronous, streaming, and its control calls."""

import asyncio
import pathlib
import queue
import shutil

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
from tritonclient.utils import InferenceServerException

from testing import repository
from testing.server import Server, same_bits, wait_until

ROWS = repository.rows(50)
TRUTH = repository.truth(repository.PLAIN[2], ROWS)


@pytest.fixture
def client(server):
    with tritonclient.grpc.InferenceServerClient(server.address) as connected:
        yield connected


def tensor(data, name="input__0", datatype="FP32"):
    infer_input = tritonclient.grpc.InferInput(name, list(data.shape), datatype)
    infer_input.set_data_from_numpy(data)
    return infer_input


def test_sync_infer_is_bit_equal_to_xgboost(client):
    result = client.infer("plain", [tensor(ROWS)], request_id="r1")
    assert same_bits(result.as_numpy("output__0"), TRUTH)
    reply = result.get_response()
    assert (reply.model_name, reply.model_version, reply.id) == ("plain", "2", "r1")


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_answers_as_asked(client, version):
    result = client.infer("plain", [tensor(ROWS)], model_version=str(version))
    assert same_bits(result.as_numpy("output__0"), repository.truth(repository.PLAIN[version], ROWS))
    assert result.get_response().model_version == str(version)


@pytest.mark.parametrize("name,model", [("multi", repository.MULTI), ("regression", repository.REGRESSION)])
def test_other_objectives(client, name, model):
    result = client.infer(name, [tensor(ROWS)])
    assert same_bits(result.as_numpy("output__0"), repository.truth(model, ROWS))


def test_requested_outputs(client):
    names = ["output__0", "margin", "class", "leaf", "contributions"]
    result = client.infer("plain", [tensor(ROWS)], model_version="1",
                          outputs=[tritonclient.grpc.InferRequestedOutput(name) for name in names])
    model = repository.PLAIN[1]
    value = repository.truth(model, ROWS)
    assert same_bits(result.as_numpy("output__0"), value)
    assert same_bits(result.as_numpy("margin"), repository.truth(model, ROWS, output_margin=True))
    assert same_bits(result.as_numpy("class"), (value > 0.5).astype(np.int32))
    assert same_bits(result.as_numpy("leaf"), repository.truth(model, ROWS, pred_leaf=True).astype(np.int32))
    np.testing.assert_allclose(result.as_numpy("contributions"), repository.truth(model, ROWS, pred_contribs=True),
                               rtol=1e-4, atol=1e-5)


def test_multi_class_outputs(client):
    result = client.infer("multi", [tensor(ROWS)],
                          outputs=[tritonclient.grpc.InferRequestedOutput(name) for name in ("margin", "class", "contributions")])
    model = repository.MULTI
    assert same_bits(result.as_numpy("margin"), repository.truth(model, ROWS, output_margin=True))
    assert same_bits(result.as_numpy("class"), repository.truth(model, ROWS).argmax(axis=1).astype(np.int32))
    np.testing.assert_allclose(result.as_numpy("contributions"), repository.truth(model, ROWS, pred_contribs=True),
                               rtol=1e-4, atol=1e-5)


def test_iterations_and_base_margin(client):
    model = repository.PLAIN[2]
    result = client.infer("plain", [tensor(ROWS)], parameters={"iterations": "3:11"})
    assert same_bits(result.as_numpy("output__0"), repository.truth(model, ROWS, iteration_range=(3, 11)))
    margin = np.linspace(-2, 2, len(ROWS), dtype=np.float32)
    result = client.infer("plain", [tensor(ROWS), tensor(margin, "base_margin")])
    import xgboost
    expected = model.predict(xgboost.DMatrix(ROWS, base_margin=margin, nthread=1))
    assert same_bits(result.as_numpy("output__0"), expected)


def test_async_infer(client):
    results = queue.Queue()
    for index in range(40):
        client.async_infer("plain", [tensor(ROWS[index:index + 1])], lambda result, error, index=index: results.put((index, result, error)))
    for _ in range(40):
        index, result, error = results.get(timeout=30)
        assert error is None
        assert same_bits(result.as_numpy("output__0"), TRUTH[index:index + 1])


def test_asyncio_client(server):
    async def infer_all():
        async with tritonclient.grpc.aio.InferenceServerClient(server.address) as connected:
            assert await connected.is_server_ready()
            return await asyncio.gather(*(connected.infer("plain", [tensor(ROWS[i:i + 1])]) for i in range(len(ROWS))))

    values = np.concatenate([result.as_numpy("output__0") for result in asyncio.run(infer_all())])
    assert same_bits(values, TRUTH)


def test_stream_infer_keeps_order_and_survives_errors(client):
    results = queue.Queue()
    client.start_stream(lambda result, error: results.put((result, error)))
    for index in range(30):
        name = "plain" if index % 10 else "nowhere"
        client.async_stream_infer(name, [tensor(ROWS[index:index + 1])], request_id=str(index))
    for index in range(30):
        result, error = results.get(timeout=30)
        if index % 10:
            assert error is None and result.get_response().id == str(index)
            assert same_bits(result.as_numpy("output__0"), TRUTH[index:index + 1])
        else:
            assert isinstance(error, InferenceServerException) and "nowhere" in str(error)
    client.stop_stream()


def test_by_name(client):
    data = repository.rows(20, 4, seed=9)
    columns = [tensor(np.ascontiguousarray(data[:, i]), name) for i, name in enumerate(repository.NAMES)]
    result = client.infer("named", columns)
    assert same_bits(result.as_numpy("output__0"), repository.truth(repository.NAMED[2], data))
    # Version 1 does not know the fourth column, but version 2 does: the request is good for both.
    result = client.infer("named", [tensor(data[:, i:i + 1].copy(), name) for i, name in enumerate(repository.NAMES[:3])], model_version="1")
    assert same_bits(result.as_numpy("output__0"), repository.truth(repository.NAMED[1], data[:, :3]))


@pytest.mark.parametrize("dtype,datatype", [("float64", "FP64"), ("int32", "INT32"), ("int64", "INT64"), ("uint8", "UINT8"),
                                            ("int8", "INT8"), ("int16", "INT16"), ("uint16", "UINT16"), ("uint32", "UINT32"),
                                            ("uint64", "UINT64"), ("bool", "BOOL")])
def test_other_numeric_types(client, dtype, datatype):
    data = np.random.default_rng(3).integers(0, 2, (10, 6)).astype(dtype)
    result = client.infer("plain", [tensor(data, datatype=datatype)])
    assert same_bits(result.as_numpy("output__0"), repository.truth(repository.PLAIN[2], data.astype(np.float32)))


def test_double_is_rounded_as_xgboost_does(client):
    data = np.random.default_rng(4).normal(size=(200, 6))
    result = client.infer("plain", [tensor(data, datatype="FP64")])
    assert same_bits(result.as_numpy("output__0"), repository.truth(repository.PLAIN[2], data))


def test_infinity_is_a_value(client):
    data = ROWS.copy()
    data[::3, 0], data[1::3, 1] = np.inf, -np.inf
    result = client.infer("plain", [tensor(data)])
    finite = np.nan_to_num(data, nan=np.nan, posinf=np.finfo(np.float32).max, neginf=np.finfo(np.float32).min)
    assert same_bits(result.as_numpy("output__0"), repository.truth(repository.PLAIN[2], finite))


def test_liveness_and_readiness(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("plain") and client.is_model_ready("plain", "1")
    assert not client.is_model_ready("plain", "7")
    assert not client.is_model_ready("nowhere")


def test_server_metadata(client):
    metadata = client.get_server_metadata()
    assert metadata.name == "espalier" and metadata.version


def test_model_metadata(client):
    metadata = client.get_model_metadata("plain")
    assert sorted(metadata.versions) == ["1", "2"]
    [infer_input], [infer_output] = metadata.inputs, metadata.outputs
    assert (infer_input.name, infer_input.datatype, list(infer_input.shape)) == ("input__0", "FP32", [-1, 6])
    assert (infer_output.name, infer_output.datatype, list(infer_output.shape)) == ("output__0", "FP32", [-1])
    assert list(client.get_model_metadata("multi").outputs[0].shape) == [-1, 4]


def test_model_config(client):
    config = client.get_model_config("batched").config
    assert (config.name, config.backend, config.max_batch_size) == ("batched", "fil", 8)
    assert list(config.input[0].dims) == [6]
    assert client.get_model_config("plain").config.name == "plain"


def test_output_dims_of_one_keep_the_dimension(client):
    result = client.infer("batched", [tensor(ROWS[:8])])
    assert same_bits(result.as_numpy("output__0"), repository.truth(repository.PLAIN[1], ROWS[:8]).reshape(8, 1))


def test_statistics_count(client):
    def counted(version):
        [stats] = client.get_inference_statistics("regression", version).model_stats
        return stats.inference_count, stats.execution_count, stats.inference_stats.success.count

    before = counted("1")
    for _ in range(5):
        client.infer("regression", [tensor(ROWS[:4])])
    after = counted("1")
    assert after == (before[0] + 20, before[1] + 5, before[2] + 5)
    assert {(s.name, s.version) for s in client.get_inference_statistics().model_stats} >= {("plain", "1"), ("plain", "2"), ("multi", "1")}


def test_repository_index(client):
    index = {(m.name, m.version): m.state for m in client.get_model_repository_index().models}
    assert index == {("plain", "1"): "READY", ("plain", "2"): "READY", ("multi", "1"): "READY", ("regression", "1"): "READY",
                     ("named", "1"): "READY", ("named", "2"): "READY", ("batched", "1"): "READY"}


def test_load_and_unload(tmp_path):
    models = repository.build(tmp_path / "models")
    with Server(tmp_path, models) as server, tritonclient.grpc.InferenceServerClient(server.address) as client:
        client.unload_model("plain")
        assert not client.is_model_ready("plain")
        with pytest.raises(InferenceServerException) as caught:
            client.infer("plain", [tensor(ROWS)])
        assert "UNAVAILABLE" in caught.value.status()
        client.load_model("plain")
        assert same_bits(client.infer("plain", [tensor(ROWS)]).as_numpy("output__0"), TRUTH)
        assert client.is_model_ready("multi")

        repository.add(models, "late", {1: repository.PLAIN[1]})
        client.load_model("late")
        assert client.is_model_ready("late")


def test_a_new_version_is_found_and_a_corrupt_one_is_refused(tmp_path):
    models = tmp_path / "models"
    repository.add(models, "plain", {1: repository.PLAIN[1]})
    with Server(tmp_path, models) as server, tritonclient.grpc.InferenceServerClient(server.address) as client:
        (models / "plain" / "3").mkdir()
        (models / "plain" / "3" / "xgboost.ubj").write_bytes(b"{L\x00\x00garbage")
        wait_until(lambda: "plain" in server.log.read_text() and
                   any(m.version == "3" and m.state == "UNAVAILABLE" and m.reason for m in client.get_model_repository_index().models))
        assert client.infer("plain", [tensor(ROWS)]).get_response().model_version == "1"
        repository.add(tmp_path / "staged", "plain", {2: repository.PLAIN[2]})
        (tmp_path / "staged" / "plain" / "2").rename(models / "plain" / "2")
        wait_until(lambda: client.is_model_ready("plain", "2"))
        assert same_bits(client.infer("plain", [tensor(ROWS)], model_version="2").as_numpy("output__0"), TRUTH)


def test_models_of_lightgbm_and_scikit_learn_are_served_as_their_rounded_float64(tmp_path):
    golden = pathlib.Path(__file__).resolve().parent.parent / "models/forest"
    models = tmp_path / "models"
    for name, source in (("lightgbm", "golden_lightgbm/4.7.0/binary.txt"), ("sklearn", "golden_sklearn/1.9.1/hist_classes.json")):
        (models / name / "1").mkdir(parents=True)
        shutil.copy(golden / source, models / name / "1" / ("model" + source[source.rindex("."):]))
    (models / "lightgbm" / "config.pbtxt").write_text(
        'backend: "fil"\nmax_batch_size: 1024\ninput [{ name: "input__0" data_type: TYPE_FP32 dims: [ 8 ] }]\n'
        'output [{ name: "output__0" data_type: TYPE_FP32 dims: [ 1 ] }]\n'
        'parameters [{ key: "model_type" value: { string_value: "lightgbm" } }]\n')
    with Server(tmp_path, models) as server, tritonclient.grpc.InferenceServerClient(server.address) as client:
        for name, folder, model, width in (("lightgbm", "golden_lightgbm", "4.7.0/binary", 1), ("sklearn", "golden_sklearn", "1.9.1/hist_classes", 3)):
            rows = np.fromfile(golden / folder / "rows.f32", "<f4").reshape(-1, 8)
            truth = np.fromfile(golden / folder / f"{model}.expected", "<f8", count=width * len(rows)).reshape(-1, width)
            values = client.infer(name, [tensor(rows)]).as_numpy("output__0")
            if name == "lightgbm":
                assert same_bits(values, truth.astype(np.float32))
            else:
                np.testing.assert_allclose(values, truth, rtol=1e-7)
