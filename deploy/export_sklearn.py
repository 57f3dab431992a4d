#!/usr/bin/env python3
"""Writes a fitted forest of scikit-learn as JSON that espalier reads (docs/model-files.md).

    import export_sklearn
    export_sklearn.save(estimator, "model.json")

or from a shell, for an estimator that joblib or pickle saved and that you trust (reading a pickle runs what is in it;
espalier itself never reads one):

    python3 deploy/export_sklearn.py estimator.joblib model.json

Exported are RandomForest*, ExtraTrees*, DecisionTree*, GradientBoosting* and HistGradientBoosting*, of scikit-learn 1.3
and later. What espalier could not predict exactly is refused with a ValueError: several outputs of a classifier, an
`init` estimator that looks at the row, categories that are not whole numbers of at least 0 (encode them yourself, with
what you fit and send).
"""
import argparse
import json
import sys

FORMAT = "espalier.sklearn"
FORMAT_VERSION = 1
MAX_CATEGORY = 1 << 24


def save(estimator, path):
    """Writes the model to a file."""
    with open(path, "w") as out:
        json.dump(to_document(estimator), out, separators=(",", ":"))


def to_document(estimator):
    """The model as a value of the json module."""
    import sklearn

    kind = type(estimator).__name__
    if tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 3):
        raise ValueError(f"scikit-learn {sklearn.__version__}: need 1.3 or later")
    if kind.startswith("HistGradientBoosting"):
        model = _hist_gradient_boosting(estimator)
    elif kind.startswith("GradientBoosting"):
        model = _gradient_boosting(estimator)
    elif kind.startswith(("RandomForest", "ExtraTrees")) and hasattr(estimator, "estimators_"):
        model = _averaged(estimator, estimator.estimators_)
    elif kind.startswith(("DecisionTree", "ExtraTree")):
        model = _averaged(estimator, [estimator])
    else:
        raise ValueError(f"{kind}: only fitted forests of scikit-learn can be exported")
    # `format` is first: it tells the file from XGBoost's JSON.
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, "sklearn_version": sklearn.__version__, "estimator": kind}
    document.update(model)
    if hasattr(estimator, "feature_names_in_"):
        document["feature_names"] = [str(name) for name in estimator.feature_names_in_]
    if hasattr(estimator, "classes_"):
        document["classes"] = [str(name) for name in estimator.classes_]
    # Last, so that a reader knows what they are trees of.
    document["trees"] = document.pop("trees")
    return document


def _numbers(values):
    return [float(value) for value in values]


def _integers(values):
    return [int(value) for value in values]


def _tree(tree, leaves, output, iteration, missing=True):
    """A tree of sklearn.tree; leaves[node] has the values of a node that is a leaf."""
    state = tree.__getstate__()["nodes"]
    is_leaf = [left < 0 for left in tree.children_left]
    goes_left = state["missing_go_to_left"] if missing and "missing_go_to_left" in state.dtype.names else [0] * len(is_leaf)
    return {
        "output": output,
        "iteration": iteration,
        "left": [-1 if leaf else int(child) for leaf, child in zip(is_leaf, tree.children_left)],
        "right": [-1 if leaf else int(child) for leaf, child in zip(is_leaf, tree.children_right)],
        "feature": [0 if leaf else int(feature) for leaf, feature in zip(is_leaf, tree.feature)],
        "threshold": [0.0 if leaf else float(threshold) for leaf, threshold in zip(is_leaf, tree.threshold)],
        "missing_left": [0 if leaf else int(left) for leaf, left in zip(is_leaf, goes_left)],
        "cover": _numbers(tree.weighted_n_node_samples),
        "leaves": [float(value) for leaf, row in zip(is_leaf, leaves) if leaf for value in row],
    }


def _averaged(estimator, members):
    """Values of leaves, summed and divided by the number of trees."""
    is_classifier = hasattr(estimator, "classes_")
    if is_classifier and estimator.n_outputs_ != 1:
        raise ValueError(f"n_outputs_ {estimator.n_outputs_}: a classifier of several outputs cannot be exported")
    width = int(estimator.n_classes_) if is_classifier else int(estimator.n_outputs_)
    trees = []
    for i, member in enumerate(members):
        # [nodes][outputs][classes]
        values = member.tree_.value[:, 0, :width] if is_classifier else member.tree_.value[:, :, 0]
        trees.append(_tree(member.tree_, values, 0, i))
    return {
        "objective": "probabilities" if is_classifier else "identity",
        "num_features": int(estimator.n_features_in_),
        "num_outputs": width,
        "leaf_width": width,
        "average": True,
        "base_margins": [0.0] * width,
        "trees": trees,
    }


def _gradient_boosting(estimator):
    import numpy as np

    if estimator.init is not None and not isinstance(estimator.init, str):
        raise ValueError("init: an estimator that looks at the row cannot be exported")
    base = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32))[0]
    trees = []
    for i, iteration in enumerate(estimator.estimators_):
        for k, member in enumerate(iteration):
            # One rounding, as scikit-learn multiplies when it predicts.
            leaves = estimator.learning_rate * member.tree_.value[:, 0, :1]
            # It does not look for missing values, and refuses them.
            trees.append(_tree(member.tree_, leaves, k, i, missing=False))
    model = {
        "num_features": int(estimator.n_features_in_),
        "num_outputs": int(estimator.estimators_.shape[1]),
        "leaf_width": 1,
        "average": False,
        "base_margins": _numbers(base),
        "trees": trees,
    }
    if not hasattr(estimator, "classes_"):
        return dict(model, objective="identity")
    if len(estimator.classes_) > 2:
        return dict(model, objective="softmax")
    return dict(model, objective="logistic", scale=2 if estimator.loss == "exponential" else 1, class_of_zero=1)


def _hist_objective(estimator):
    link = type(estimator._loss.link).__name__
    objectives = {"IdentityLink": "identity", "LogLink": "exp", "LogitLink": "logistic", "MultinomialLogit": "softmax"}
    if link not in objectives:
        raise ValueError(f"loss {estimator.loss}: its link {link} cannot be exported")
    return objectives[link]


def _whole_numbers(categories):
    """The categories of a feature by their codes, as they stand in a row."""
    numbers = []
    for category in categories:
        if category is None or category != category:  # a missing value is one of them
            numbers.append(None)
            continue
        try:
            number = int(category)
            exact = not isinstance(category, str) and number == category and 0 <= number < MAX_CATEGORY
        except (TypeError, ValueError, OverflowError):
            exact = False
        if not exact:
            raise ValueError(f"category {category!r}: must be a whole number from 0 to {MAX_CATEGORY - 1}")
        numbers.append(number)
    return numbers


def _hist_columns(estimator):
    """For each column of the trees the feature, and the categories by code (None: a number)."""
    features = int(estimator.n_features_in_)
    categorical = estimator.is_categorical_
    if categorical is None or not any(categorical):
        return list(range(features)), [None] * features
    preprocessor = getattr(estimator, "_preprocessor", None)
    if preprocessor is None:
        raise ValueError("categorical_features: need scikit-learn 1.4 or later to be exported")
    encoder = preprocessor.named_transformers_["encoder"]
    columns = [i for i in range(features) if categorical[i]] + [i for i in range(features) if not categorical[i]]
    categories = [_whole_numbers(names) for names in encoder.categories_]
    return columns, categories + [None] * (features - len(categories))


def _bits(words):
    return [32 * i + bit for i, word in enumerate(words) for bit in range(32) if int(word) >> bit & 1]


def _hist_tree(predictor, columns, categories, output, iteration):
    nodes = predictor.nodes
    tree = {
        "output": output,
        "iteration": iteration,
        "left": [-1 if node["is_leaf"] else int(node["left"]) for node in nodes],
        "right": [-1 if node["is_leaf"] else int(node["right"]) for node in nodes],
        "feature": [0 if node["is_leaf"] else columns[node["feature_idx"]] for node in nodes],
        "threshold": [
            0.0 if node["is_leaf"] or node["is_categorical"] else float(node["num_threshold"]) for node in nodes
        ],
        "missing_left": [0 if node["is_leaf"] else int(node["missing_go_to_left"]) for node in nodes],
        "cover": _numbers(nodes["count"]),
        "leaves": [float(node["value"]) for node in nodes if node["is_leaf"]],
    }
    splits, sizes, flat = [], [], []
    for i, node in enumerate(nodes):
        if node["is_leaf"] or not node["is_categorical"]:
            continue
        names = categories[node["feature_idx"]]
        left = set(_bits(predictor.raw_left_cat_bitsets[node["bitset_idx"]]))
        known = {code for code, name in enumerate(names) if name is not None}
        # The set that is listed goes right; a category that is unknown or missing goes left with all others.
        chosen = known - left
        if not node["missing_go_to_left"]:
            chosen = known & left
            tree["left"][i], tree["right"][i] = tree["right"][i], tree["left"][i]
        if not chosen:
            raise ValueError("a categorical split without categories cannot be exported")
        tree["missing_left"][i] = 1
        splits.append(i)
        sizes.append(len(chosen))
        flat.extend(sorted(names[code] for code in chosen))
    return dict(tree, categorical=splits, category_sizes=sizes, categories=flat)


def _hist_gradient_boosting(estimator):
    columns, categories = _hist_columns(estimator)
    trees = []
    for i, iteration in enumerate(estimator._predictors):
        for k, predictor in enumerate(iteration):
            trees.append(_hist_tree(predictor, columns, categories, k, i))
    outputs = int(estimator.n_trees_per_iteration_)
    base = estimator._baseline_prediction
    return {
        "objective": _hist_objective(estimator),
        "num_features": int(estimator.n_features_in_),
        "num_outputs": outputs,
        "leaf_width": 1,
        "average": False,
        "base_margins": _numbers(base.ravel() if hasattr(base, "ravel") else [base]),
        "trees": trees,
    }


def main():
    parser = argparse.ArgumentParser(description="Writes a fitted forest of scikit-learn as JSON that espalier reads.")
    parser.add_argument("estimator", help="file that joblib or pickle wrote; it is run, so trust it")
    parser.add_argument("json", help="file to write, model.json in a repository")
    arguments = parser.parse_args()
    import joblib

    try:
        save(joblib.load(arguments.estimator), arguments.json)
    except ValueError as error:
        print(f"export_sklearn: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
