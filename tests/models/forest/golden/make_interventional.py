#!/usr/bin/env python3
"""Writes contributions against a background, as the package shap computes them, beside the models of 1.7.6.

    python3 -m venv /tmp/shap && /tmp/shap/bin/pip install 'xgboost==1.7.6' 'numpy<2' scipy shap
    /tmp/shap/bin/python make_interventional.py

1.7.6/NAME.interventional   float32, little-endian, [rows][outputs][features + 1], the bias last: of the rows of
                            rows.f32 against those from the ninth on (the first ones hold extreme values), by
                            shap.TreeExplainer(model, background, feature_perturbation="interventional").
"""
import os

import numpy as np
import shap
import xgboost as xgb

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROWS = np.fromfile(os.path.join(FOLDER, "rows.f32"), dtype="<f4").reshape(-1, 8)
BACKGROUND = ROWS[8:]

for name in ("binary_logistic", "multi_softprob"):
    booster = xgb.Booster(model_file=os.path.join(FOLDER, "1.7.6", name + ".json"))
    explainer = shap.TreeExplainer(booster, BACKGROUND, feature_perturbation="interventional")
    values = explainer.shap_values(ROWS, check_additivity=False)
    if isinstance(values, list):  # older versions: one array a class
        values = np.stack(values, axis=2)
    values = values.reshape(len(ROWS), 8, -1).transpose(0, 2, 1)
    bias = np.broadcast_to(np.reshape(explainer.expected_value, (1, -1, 1)), values.shape[:2] + (1,))
    contributions = np.concatenate([values, bias], axis=2)
    margins = booster.predict(xgb.DMatrix(ROWS), output_margin=True).reshape(len(ROWS), -1)
    error = np.abs(contributions.sum(axis=2) - margins).max()
    assert error < 1e-4, (name, error)
    path = os.path.join(FOLDER, "1.7.6", name + ".interventional")
    contributions.astype("<f4").tofile(path)
    print(path, contributions.shape, "sums are off by", error)
