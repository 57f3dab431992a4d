#!/usr/bin/env python3
"""Did the quickstart hold? Compares what the client measured with what the server's analysis says.

    check.py SUMMARY.json STATUS.json [--part]

SUMMARY.json is written by flights-replay, STATUS.json by `espalier experiment status --json`. With --part only a
part of the flights was replayed, so figures and verdict are not those of the whole half-year and only the agreement
of both sides is checked. Prints a line for each expectation; exit code 1 if one did not hold.
"""

import json
import sys

# July to December 2013, models of January to June. Changes of XGBoost move them in the third digit.
FIGURES = {"control": {"brier": (0.174, 0.184), "auc": (0.64, 0.67)},
           "weather": {"brier": (0.160, 0.169), "auc": (0.70, 0.74)}}
DECIDED_WITHIN = 80_000


def expectations(summary, status, whole):
    """(what, holds) pairs."""
    variants = {variant["key"]: variant for variant in summary["variants"]}
    metric = status["metrics"][0]
    judged = {variant["key"]: variant for variant in metric["variants"]}
    yield "both variants answered", sorted(variants) == ["control", "weather"] == sorted(judged)
    yield "control is version 1, weather version 2", (variants["control"]["version"], variants["weather"]["version"]) == ("1", "2")
    yield (f"every outcome is recorded: {summary['outcomes']} of {summary['flights']}",
           summary["outcomes"] == summary["flights"])
    exposures = sum(variant["unit_flights"] for variant in variants.values())
    yield f"every flight with an aircraft is analysed: {status['exposures']} of {exposures}", status["exposures"] == exposures
    for key, variant in variants.items():
        mean = judged[key]["mean"]
        yield (f"{key}: the server's Brier score {mean:.6f} is the client's {variant['unit_brier']:.6f}",
               abs(mean - variant["unit_brier"]) < 1e-6)
    yield f"the split is as configured (SRM p = {status['srm']['p']:.3g})", not status["srm"]["alarm"]
    if not whole:
        return
    for key, figures in FIGURES.items():
        for name, (low, high) in figures.items():
            yield f"{key}: {name} {variants[key][name]:.4f} is in [{low}, {high}]", low <= variants[key][name] <= high
    weather = judged["weather"]
    yield (f"weather is better: {weather['effect']:+.4f} [{weather['effect_low']:+.4f}, {weather['effect_high']:+.4f}]",
           weather["effect_high"] < 0)
    yield (f"and that was known after {summary['decided_after']} flights",
           0 < summary["decided_after"] <= DECIDED_WITHIN)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--part"]
    if len(arguments) != 2:
        sys.exit("check.py: usage: check.py SUMMARY.json STATUS.json [--part]")
    try:
        with open(arguments[0], encoding="utf-8") as file:
            summary = json.load(file)
        with open(arguments[1], encoding="utf-8") as file:
            status = json.load(file)
        held = True
        for what, holds in expectations(summary, status, whole="--part" not in sys.argv):
            print(f"  {'ok  ' if holds else 'FAIL'}  {what}")
            held = held and holds
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        sys.exit(f"check.py: {type(error).__name__}: {error}")
    if not held:
        sys.exit(1)


if __name__ == "__main__":
    main()
