#!/usr/bin/env python3
"""Prints a grpcurl call that asks for the prediction of one real flight, ready to be pasted.

    grpcurl_example.py SERVER FEATURES REPLAY.csv
"""

import csv
import json
import sys

# 8 July 2013, a day of thunderstorms, late in the afternoon in New York.
AFTER = 1373313600


def request(row, features):
    """The JSON form of a ModelInferRequest; a missing value is NaN."""
    inputs = [{"name": name, "datatype": "FP32", "shape": [1],
               "contents": {"fp32_contents": [float(row[name]) if row[name] else "NaN"]}} for name in features]
    return {"model_name": "flight-delay", "id": row["flight_id"],
            "parameters": {"tail_number": {"string_param": row["tail_number"]}}, "inputs": inputs}


def main():
    if len(sys.argv) != 4:
        sys.exit("grpcurl_example.py: usage: grpcurl_example.py SERVER FEATURES REPLAY.csv")
    server, features, replay = sys.argv[1:]
    with open(replay, encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if int(row["departs"]) >= AFTER and row["tail_number"])
    body = json.dumps(request(row, features.split(",")), separators=(",", ":"))
    print(f"  grpcurl -plaintext -d '{body}' {server} inference.GRPCInferenceService/ModelInfer")


if __name__ == "__main__":
    main()
