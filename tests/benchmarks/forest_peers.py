"""What tests/benchmarks/forest_peers runs: trains and converts the models (--prepare), then measures (--measure)."""

import argparse
import json
import pathlib
import pickle
import statistics
import sys
import time

import numpy as np

SHAPES = {"S": (100, 6), "M": (500, 6), "L": (1000, 8)}
COLUMNS, ROWS, MISSING = 40, 10_000, 0.06
SLICE_SECONDS = 0.02
XGBOOST = {"objective": "binary:logistic", "tree_method": "hist", "eta": 0.1, "min_child_weight": 0.1, "nthread": 1}
LIGHTGBM = {"objective": "binary", "learning_rate": 0.1, "min_sum_hessian_in_leaf": 0.1, "min_data_in_leaf": 1,
            "num_threads": 1, "verbose": -1, "deterministic": True, "seed": 1}


def random_rows(seed, count):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, COLUMNS)).astype(np.float32)
    rows[random.random(rows.shape) < MISSING] = np.nan
    return rows


def training_table():
    rows = random_rows(1, 20_000)
    known = np.nan_to_num(rows)
    score = known[:, 0] + known[:, 1] * known[:, 2] + np.sin(known[:, 3]) + known[:, 4:12].sum(axis=1) / 4
    return rows, (score + np.random.default_rng(2).normal(size=len(rows)) > 0).astype(np.float32)


# Training and conversion, under an XGBoost whose files every converter reads


def prepare(folder, name, without):
    import xgboost

    trees, depth = SHAPES[name]
    rows, labels = training_table()
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"{name}.json"
    if not model.exists():
        tell(f"training {name}")
        xgboost.train(XGBOOST | {"max_depth": depth}, xgboost.DMatrix(rows, labels), trees).save_model(model)
    booster = xgboost.Booster(model_file=model)
    text = folder / f"{name}.txt"
    if not text.exists() and "lightgbm" not in without:
        import lightgbm
        lightgbm.train(LIGHTGBM | {"max_depth": depth, "num_leaves": 2**depth}, lightgbm.Dataset(rows, labels),
                       trees).save_model(text)
    for peer, suffix, convert in (("onedal", "daal", convert_daal), ("onnxruntime", "onnx", convert_onnx),
                                  ("tl2cgen", "so", convert_compiled)):
        target = folder / f"{name}.{suffix}"
        if peer in without or target.exists():
            continue
        tell(f"converting {name} for {peer}")
        convert(booster, model, target)


def convert_daal(booster, model, target):
    import daal4py

    target.write_bytes(pickle.dumps(daal4py.mb.convert_model(booster)))


def convert_onnx(booster, model, target):
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    inputs = [("x", FloatTensorType([None, COLUMNS]))]
    target.write_bytes(onnxmltools.convert_xgboost(booster, initial_types=inputs, target_opset=15).SerializeToString())


def convert_compiled(booster, model, target):
    import tl2cgen
    import treelite

    # Many units, because the compiler's time grows faster than a unit.
    units = max(1, booster.num_boosted_rounds() // 10)
    tl2cgen.export_lib(treelite.frontend.load_xgboost_model(str(model)), toolchain="gcc", libpath=target,
                       params={"parallel_comp": units}, verbose=False)


# Peers: a name, and what makes (prediction of a batch -> probabilities of class 1) from the prepared files


def espalier(folder, name):
    import espalier_forest

    forest = espalier_forest.load(folder / f"{name}.json")
    return lambda batch: forest.predict(batch)


def espalier_lightgbm(folder, name):
    import espalier_forest

    forest = espalier_forest.load(folder / f"{name}.txt")
    return lambda batch: forest.predict(batch)


def xgboost_inplace(folder, name):
    import xgboost

    booster = xgboost.Booster({"nthread": 1}, model_file=folder / f"{name}.json")
    return lambda batch: booster.inplace_predict(batch)


def xgboost_matrix(folder, name):
    import xgboost

    booster = xgboost.Booster({"nthread": 1}, model_file=folder / f"{name}.json")
    return lambda batch: booster.predict(xgboost.DMatrix(batch, nthread=1))


def onedal(folder, name):
    import daal4py

    daal4py.daalinit(1)
    model = pickle.loads((folder / f"{name}.daal").read_bytes())
    return lambda batch: model.predict_proba(batch)[:, 1]


def onnxruntime(folder, name):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession((folder / f"{name}.onnx").read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(["probabilities"], {"x": batch})[0][:, 1]


def treelite(folder, name):
    import treelite as library

    model = library.frontend.load_xgboost_model(str(folder / f"{name}.json"))
    return lambda batch: library.gtil.predict(model, batch, nthread=1).reshape(len(batch))


def tl2cgen(folder, name):
    import tl2cgen as library

    predictor = library.Predictor(folder / f"{name}.so", nthread=1)
    return lambda batch: predictor.predict(library.DMatrix(batch)).reshape(len(batch))


def lightgbm(folder, name):
    import lightgbm as library

    booster = library.Booster(model_file=folder / f"{name}.txt")
    return lambda batch: booster.predict(batch, num_threads=1)


# Of one model all engines predict the same; LightGBM's predictor takes only its own.
XGBOOST_MODEL = {"espalier": espalier, "xgboost_inplace": xgboost_inplace, "xgboost_dmatrix": xgboost_matrix,
                 "onedal": onedal, "onnxruntime": onnxruntime, "treelite": treelite, "tl2cgen": tl2cgen}
LIGHTGBM_MODEL = {"espalier": espalier_lightgbm, "lightgbm": lightgbm}


def check_same(predictions, rows):
    expected = predictions["espalier"](rows)
    for peer, predict in predictions.items():
        worst = float(np.max(np.abs(predict(rows) - expected)))
        if worst > 1e-5:
            sys.exit(f"forest_peers: {peer} predicts something else (by up to {worst})")


def time_slice(predict, batches, calls, start):
    begin = time.thread_time()
    for i in range(calls):
        predict(batches[(start + i) % len(batches)])
    return (time.thread_time() - begin) / calls


def compare(predictions, rows, batch, slices):
    """Medians of nanoseconds a row; slices of every engine alternate."""
    batches = [rows[i:i + batch] for i in range(0, len(rows) - batch + 1, batch)]
    calls, taken = {}, {peer: [] for peer in predictions}
    for peer, predict in predictions.items():
        time_slice(predict, batches, 1, 0)
        calls[peer] = max(1, int(SLICE_SECONDS / max(1e-9, time_slice(predict, batches, 3, 1))))
    for i in range(slices):
        for peer, predict in predictions.items():
            taken[peer].append(time_slice(predict, batches, calls[peer], i * calls[peer]))
    return {peer: statistics.median(times) * 1e9 / batch for peer, times in taken.items()}


def measure(folder, name, peers, options):
    rows = random_rows(3, ROWS)
    predictions = {peer: make(folder, name) for peer, make in peers.items() if peer not in options.without}
    check_same(predictions, rows[:1000])
    return {batch: compare(predictions, rows, batch, options.slices) for batch in options.batches}


def show(title, results):
    print(title)
    peers = list(next(iter(results.values())))
    print("  batch " + "".join(f"{peer:>22}" for peer in peers))
    for batch, row in results.items():
        cells = [f"{row['espalier']:>19,.0f} ns"]
        cells += [f"{row[peer]:>11,.0f} ns {row[peer] / row['espalier']:>6.1f}x" for peer in peers[1:]]
        print(f"  {batch:>5} " + "".join(f"{cell:>22}" for cell in cells), flush=True)


def tell(text):
    print(f"forest_peers: {text}", file=sys.stderr, flush=True)


def main():
    words = lambda text: text.split(",")  # noqa: E731
    parser = argparse.ArgumentParser(prog="forest_peers")
    parser.add_argument("--prepare", type=pathlib.Path)
    parser.add_argument("--measure", type=pathlib.Path)
    parser.add_argument("--models", type=words, default=list(SHAPES))
    parser.add_argument("--batches", type=lambda text: [int(word) for word in text.split(",")], default=[1, 64, 1024])
    parser.add_argument("--slices", type=int, default=15)
    parser.add_argument("--without", type=words, default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results, behind = {}, []
    for name in options.models:
        if options.prepare:
            prepare(options.prepare, name, options.without)
            continue
        for kind, peers in (("xgboost", XGBOOST_MODEL), ("lightgbm", LIGHTGBM_MODEL)):
            if kind in options.without:
                continue
            found = results[f"{name} {kind}"] = measure(options.measure, name, peers, options)
            trees, depth = SHAPES[name]
            if not options.json:
                show(f"{name}, trained by {kind}: {trees} trees, depth {depth}", found)
            behind += [f"{name} {kind}, batch {batch}: {peer}" for batch, row in found.items() for peer in row
                       if row[peer] < row["espalier"]]
    if options.json and options.measure:
        print(json.dumps(results, indent=2))
    if behind:
        sys.exit("forest_peers: faster than espalier: " + "; ".join(behind))


if __name__ == "__main__":
    main()
