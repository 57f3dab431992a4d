"""A page on a library to embed, as it stands: its programs are compiled and its commands run, and say what it says.

    python3 tests/package/embed_test.py forest BUILD WORK [--write [python]]       # docs/embed.md
    python3 tests/package/embed_test.py assign BUILD WORK [--write [python]]       # docs/embed-assign.md

Blocks ```LANGUAGE FILE are written to files, blocks ```console are run from the clone (```console python by
tests/models/forest/python/page_test.py, which has the package): lines with `$ ` are commands,
the lines after one are its output, errors included. --write puts the outputs of this run into the page.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The page, the headers, what the shared library may need, and how many functions each version of it has.
LIBRARIES = {
    "forest": ("docs/embed.md", ("models/forest/include/espalier/forest.h", "models/forest/include/espalier/watch.h"), r"absl_\w+|hwy",
               {"ESPALIER_FOREST_1.0": 11, "ESPALIER_FOREST_1.1": 6}),
    "assign": ("docs/embed-assign.md", ("router/include/espalier/assign.h",), r"absl_\w+|re2|yaml-cpp|protobuf",
               {"ESPALIER_ASSIGN_1.0": 12}),
}


def choose(library):
    """The library that this module is about."""
    global LIBRARY, PAGE, HEADERS, NEEDS, VERSIONS
    LIBRARY = library
    page, headers, NEEDS, VERSIONS = LIBRARIES[library]
    PAGE, HEADERS = ROOT / page, [ROOT / header for header in headers]


choose("forest")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PREFIX, APP = "/tmp/espalier-prefix", "/tmp/espalier-app"


class Page:
    """The page with its folders under `work`, so that two runs do not meet."""

    def __init__(self, build, work):
        self.folders = {PREFIX: f"{work}/prefix", APP: f"{work}/app", "build/release": str(build)}
        shutil.rmtree(work, ignore_errors=True)
        pathlib.Path(self.folders[APP]).mkdir(parents=True)

    def here(self, text):
        # In one pass: a folder may hold the name of another.
        return re.sub("|".join(map(re.escape, self.folders)), lambda name: self.folders[name[0]], text)

    def there(self, text):
        for there, folder in self.folders.items():
            text = text.replace(folder, there)
        return text

    def write_programs(self):
        for language, name, text in BLOCK.findall(PAGE.read_text()):
            if name and language != "console":
                pathlib.Path(self.folders[APP], name).write_text(text)

    def run(self, block):
        """The block with the outputs of this run. One shell, so that what is exported stays."""
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        mark = "-- the next command --"
        script = "\n".join(f"( {self.here(c)} ) 2>&1; echo '{mark}'" if not c.startswith("export ")
                           else f"{self.here(c)}; echo '{mark}'" for c in commands)
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=self.environment(), capture_output=True, text=True)
        self.exported += [self.here(c) for c in commands if c.startswith("export ")]
        outputs = self.there(done.stdout).split(mark + "\n")
        return "".join(f"$ {command}\n{output}" for command, output in zip(commands, outputs))

    exported = ()

    def environment(self):
        variables = dict(line.removeprefix("export ").split("=", 1) for line in self.exported)
        return {**os.environ, **variables}


def console_blocks(kind=""):
    return [text for language, name, text in BLOCK.findall(PAGE.read_text()) if (language, name) == ("console", kind)]


class Embed(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.page = Page(BUILD, WORK)
        cls.page.exported = []
        cls.page.write_programs()
        cls.blocks = console_blocks()
        cls.outputs = [cls.page.run(block) for block in cls.blocks]
        cls.library = pathlib.Path(cls.page.folders[PREFIX], "lib", f"libespalier_{LIBRARY}.so")

    def test_page_says_what_happens(self):
        for block, output in zip(self.blocks, self.outputs):
            # What an install prints is not on the page.
            output = re.sub(r"^-- Install.*\n|^-- Up-to-date.*\n", "", output, flags=re.MULTILINE)
            self.assertEqual(block, output)

    def test_shared_library_needs_little(self):
        dynamic = subprocess.run(["readelf", "-d", self.library], check=True, capture_output=True, text=True).stdout
        needed = re.findall(r"NEEDED.*\[(.*)\]", dynamic)
        allowed = re.compile(rf"lib({NEEDS}|stdc\+\+|m|gcc_s|c|pthread|asan|ubsan|tsan)\.so|ld-linux")
        self.assertEqual([name for name in needed if not allowed.match(name)], [])
        # And what those need in turn.
        everything = subprocess.run(["ldd", self.library], check=True, capture_output=True, text=True).stdout
        self.assertNotRegex(everything, "grpc|xgboost|crypto|ssl|gomp|not found" + ("" if "protobuf" in NEEDS else "|protobuf"))
        self.assertIn(f"[libespalier_{LIBRARY}.so.1]", dynamic)

    def test_shared_library_exports_the_header_and_nothing_else(self):
        names = subprocess.run(["nm", "-D", "--defined-only", self.library], check=True, capture_output=True, text=True).stdout
        exported = {line.split()[2] for line in names.splitlines() if line.split()[1] != "A"}
        text = "".join(header.read_text() for header in HEADERS)
        declared = set(re.findall(r"^ESPALIER_API[^(]*?(espalier_\w+)\(", text, re.MULTILINE))
        self.assertGreater(len(declared), 8)
        self.assertEqual({name.split("@@")[0] for name in exported}, declared)
        # What a version has stays: a function that comes later gets a version of its own.
        versions = [name.split("@@")[1] for name in exported]
        self.assertEqual({version: versions.count(version) for version in versions}, VERSIONS)

    def test_installed_headers_stand_alone(self):
        include = pathlib.Path(self.page.folders[PREFIX], "include")
        kinds = (("cc", "c11", "h"), ("c++", "c++17", "h"), ("c++", "c++17", "hpp"), ("c++", "c++20", "hpp"))
        for header, (compiler, language, suffix) in ((header, kind) for header in HEADERS for kind in kinds):
            subprocess.run([compiler, f"-std={language}", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", f"-I{include}",
                            "-x", "c" if compiler == "cc" else "c++", "-"], input=f"#include <espalier/{header.stem}.{suffix}>\n", text=True, check=True)


def write_page(kind=""):
    page = Page(BUILD, WORK)
    page.exported = []
    page.write_programs()
    text = PAGE.read_text()
    for block in console_blocks(kind):
        text = text.replace(block, re.sub(r"^-- (Install|Up-to-date).*\n", "", page.run(block), flags=re.MULTILINE))
    PAGE.write_text(text)


if __name__ == "__main__":
    choose(sys.argv[1])
    BUILD, WORK = (pathlib.Path(argument).resolve() for argument in sys.argv[2:4])
    if sys.argv[4:5] == ["--write"]:
        write_page(*sys.argv[5:])
    else:
        unittest.main(argv=sys.argv[:1], verbosity=2)
