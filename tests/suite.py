"""The parts of the suite, run one after the other; started by tests/run, which says what they are."""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
LOGS = ROOT / "build" / "logs"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "espalier"
JOBS = str(os.cpu_count() or 2)
# What the Python package is built from.
WHEEL_SOURCES = ("CMakeLists.txt", "cmake", "models/CMakeLists.txt", "models/base", "models/forest", "models/repository", "proto", "router")
OURS = ("models", "router", "services", "deploy")

# Checks that go through every declaration of the headers that a source includes, and so are slow. With --full.
SLOW_TIDY_CHECKS = ("performance-unnecessary-value-param", "bugprone-reserved-identifier", "bugprone-stringview-nullptr")

GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.1"
GHZ = "github.com/bojand/ghz/cmd/ghz@v0.120.0"
# The last wheel on PyPI that holds the program perf_analyzer, and the library that it asks for.
PERF_ANALYZER = ("tritonclient==2.41.1", "nvidia-cuda-runtime-cu12==12.1.105")


class Failed(Exception):
    """A step that everything after it in the same part needs."""


class Suite:
    def __init__(self, full, patterns):
        self.full = full
        self.pattern = "|".join(patterns)
        self.built = set()
        self.passed = 0
        self.failures = []

    # Steps

    def run(self, log, *command, **environment):
        """Runs a command with its output in build/logs/LOG.log; True when it exits 0."""
        LOGS.mkdir(parents=True, exist_ok=True)
        path = LOGS / f"{log}.log"
        with path.open("w") as out:
            code = subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.STDOUT, env={**os.environ, **environment}).returncode
        if code != 0:
            print(f"--- {log}: exit {code}: the end of {path.relative_to(ROOT)}")
            print("\n".join(path.read_text(errors="replace").splitlines()[-60:]))
        return code == 0

    def check(self, name, good):
        if good:
            self.passed += 1
        else:
            self.failures.append(name)

    def need(self, name, good):
        if not good:
            raise Failed(name)

    def build(self, preset, *targets):
        if (preset, targets) in self.built:
            return
        self.need(f"configure {preset}", self.run(f"configure-{preset}", "cmake", "--preset", preset))
        started = time.monotonic()
        wanted = ["--target", *targets] if targets else []
        self.need(f"build {preset}", self.run(f"build-{preset}", "cmake", "--build", "--preset", preset, "-j", JOBS, *wanted))
        print(f"      built {preset} in {time.monotonic() - started:.0f} s", flush=True)
        self.built.add((preset, targets))

    def count_junit(self, prefix, path):
        """Adds the cases of a JUnit file; returns how many there were."""
        cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
        for case in cases:
            bad = any(case.find(kind) is not None for kind in ("failure", "error")) or case.get("status") == "notrun"
            name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
            self.check(f"{prefix}: {name}", not bad)
        return len(cases)

    def ctest(self, preset, label=None, wrap=(), **environment):
        junit = LOGS / f"ctest-{preset}.xml"
        junit.unlink(missing_ok=True)
        chosen = ["-L", label] if label else []
        chosen += ["-R", self.pattern] if self.pattern else []
        good = self.run(f"ctest-{preset}", *wrap, "ctest", "--test-dir", f"build/{preset}", "-j", JOBS, "--output-on-failure",
                        "--output-junit", junit, *chosen, **environment)
        before = len(self.failures)
        count = self.count_junit(preset, junit) if junit.exists() else 0
        if not self.pattern:
            self.need(f"{preset}: tests were found", count > 0)
        self.need(f"{preset}: ctest", good or len(self.failures) > before)

    def pytest(self, log, program, *arguments, python=None, **environment):
        junit = LOGS / f"{log}.xml"
        junit.unlink(missing_ok=True)
        chosen = ["-k", re.sub(r"\|", " or ", self.pattern)] if self.pattern else []
        environment["ESPALIER"] = str(program)
        environment["ESPALIER_FULL"] = "1" if self.full else ""
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        good = self.run(log, python or self.venv() / "bin" / "python", "-m", "pytest", "-q", "-x" if os.environ.get("FAIL_FAST") else "-ra",
                        "-p", "no:cacheprovider", f"--junitxml={junit}", *chosen, *arguments,
                        PATH=f"{CACHE / 'bin'}:{os.environ['PATH']}", **environment)
        before = len(self.failures)
        count = self.count_junit(log, junit) if junit.exists() else 0
        if not self.pattern:
            self.need(f"{log}: tests were found", count > 0)
        self.need(f"{log}: pytest", good or len(self.failures) > before or (self.pattern and count == 0))

    # What the clients need

    def venv(self):
        """Python packages in a folder named by the pinned versions and the interpreter, made once."""
        pinned = (ROOT / "tests/clients/requirements.txt").read_bytes()
        key = hashlib.sha256(pinned + sys.version.encode()).hexdigest()[:12]
        folder = CACHE / f"venv-{key}"
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            print(f"      installing the Python clients in {folder}", flush=True)
            self.need("venv", self.run("venv", sys.executable, "-m", "venv", folder))
            self.need("pip install", self.run("pip", folder / "bin/python", "-m", "pip", "install", "-q", "--no-deps",
                                              "-r", "tests/clients/requirements.txt"))
            (folder / "complete").touch()
        return folder

    def wheel_python(self):
        """An interpreter with the clients and the package espalier_forest, in a folder named by its sources, made once."""
        key = hashlib.sha256((str(self.venv()) + sys.version).encode())
        for room in WHEEL_SOURCES:
            for path in sorted((ROOT / room).rglob("*")) or [ROOT / room]:
                if path.is_file() and "__pycache__" not in path.parts:
                    key.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
        folder = CACHE / f"python-{key.hexdigest()[:12]}"
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            print(f"      building the Python package in {folder}", flush=True)
            python = self.venv() / "bin" / "python"
            launcher = {"CMAKE_CXX_COMPILER_LAUNCHER": "ccache"} if shutil.which("ccache") else {}
            # As the release preset compiles, whose objects ccache then has.
            same = ("-C", "cmake.define.CMAKE_CXX_COMPILER=c++", "-C", "cmake.define.CMAKE_CXX_FLAGS_RELEASE=-O3 -g1 -DNDEBUG",
                    "-C", "cmake.define.ESPALIER_WERROR=ON")
            self.need("wheel", self.run("wheel", python, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", folder / "wheel",
                                        "-C", f"build-dir={ROOT / 'build/python'}", *same, "models/forest/python",
                                        PATH=f"{self.venv() / 'bin'}:{os.environ['PATH']}", **launcher))
            self.need("wheel venv", self.run("wheel-venv", python, "-m", "venv", folder))
            library = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
            (folder / library / "clients.pth").write_text(f"{self.venv() / library}\n")
            self.need("wheel install", self.run("wheel-install", folder / "bin/python", "-m", "pip", "install", "--no-deps", "--no-index",
                                                *(folder / "wheel").glob("*.whl")))
            (folder / "complete").touch()
        return folder / "bin" / "python"

    def go_install(self, name, package):
        if (CACHE / "bin" / name).exists():
            return
        print(f"      building {package}", flush=True)
        self.need(f"go install {name}", self.run(f"go-{name}", "go", "install", package, GOBIN=str(CACHE / "bin")))

    def perf_analyzer(self):
        """Triton's load generator, taken out of the wheel, beside a script that finds its library."""
        program = CACHE / "bin" / "perf_analyzer"
        if program.exists():
            return
        folder = CACHE / "perf_analyzer"
        shutil.rmtree(folder, ignore_errors=True)
        print(f"      unpacking {PERF_ANALYZER[0]}", flush=True)
        self.need("pip download", self.run("pip-perf-analyzer", self.venv() / "bin/python", "-m", "pip", "install", "-q",
                                           "--no-deps", "--target", folder, *PERF_ANALYZER))
        binary = next(folder.rglob("perf_analyzer"))
        binary.chmod(0o755)
        library = next(folder.rglob("libcudart.so.12")).parent
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={library} exec {binary} "$@"\n')
        program.chmod(0o755)

    def clients_environment(self):
        self.go_install("grpcurl", GRPCURL)
        self.perf_analyzer()
        if self.full:
            self.go_install("ghz", GHZ)

    # Parts

    def format(self):
        sources = [p for room in (*OURS, "deploy", "tests") for p in sorted((ROOT / room).rglob("*")) if p.suffix in (".h", ".cc")]
        self.check("format", self.run("format", "clang-format-14", "--dry-run", "-Werror", *sources))

    def unit(self):
        self.build("release")
        self.ctest("release")

    def clients(self):
        self.build("release")
        self.clients_environment()
        self.pytest("clients", ROOT / "build/release/espalier", "tests/clients")

    def python(self):
        python = self.wheel_python()
        self.pytest("python", ROOT / "build/release/espalier", "tests/models/forest/python", "tests/router/python", python=python)

    def e2e(self):
        self.build("release")
        self.pytest("e2e", ROOT / "build/release/espalier", "tests/e2e")

    def asan(self):
        options = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
                   "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
        self.build("asan-ubsan", "tests_asan", "espalier")
        self.ctest("asan-ubsan", "asan", **options)
        self.clients_environment()
        self.pytest("clients-asan", ROOT / "build/asan-ubsan/espalier", "tests/clients", "-m", "not release_only", **options)

    def tsan(self):
        # ThreadSanitizer of GCC 12 knows fewer address layouts than today's kernels make up.
        self.build("tsan", "tests_tsan")
        self.ctest("tsan", "tsan", ("setarch", platform.machine(), "-R"), TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1")

    def fuzz(self):
        self.build("fuzz", "fuzzers")
        seconds = 600 if self.full else 20
        fuzzers = sorted(p for p in (ROOT / "build/fuzz/tests/fuzz").glob("*_fuzz") if os.access(p, os.X_OK))
        self.need("fuzz: fuzzers were found", fuzzers or self.pattern)
        for fuzzer in fuzzers:
            if self.pattern and not re.search(self.pattern, fuzzer.name):
                continue
            found = ROOT / "build/fuzz/found" / fuzzer.name
            found.mkdir(parents=True, exist_ok=True)
            corpus = ROOT / "tests/fuzz/corpus" / fuzzer.name.removesuffix("_fuzz")
            self.need(f"fuzz: {corpus.relative_to(ROOT)} is the corpus of {fuzzer.name}", corpus.is_dir())
            dictionary = [f"-dict={p}" for p in (ROOT / "tests/fuzz").glob(f"{fuzzer.name.removesuffix('_fuzz')}.dict")]
            print(f"      {fuzzer.name} for {seconds} s", flush=True)
            self.check(f"fuzz: {fuzzer.name}",
                       self.run(f"fuzz-{fuzzer.name}", fuzzer, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048",
                                "-print_final_stats=1", *dictionary, f"-artifact_prefix={LOGS}/{fuzzer.name}-", found, corpus))

    def tidy(self):
        self.build("release")
        with concurrent.futures.ThreadPoolExecutor(int(JOBS)) as pool:
            commands = [entry for entry in json.loads((ROOT / "build/release/compile_commands.json").read_text())
                        if entry["file"].startswith(tuple(f"{ROOT}/{room}/" for room in OURS))]
            for name, good in pool.map(self.tidy_one, commands):
                self.check(f"tidy: {name}", good)

    def tidy_one(self, entry):
        """One source; what is found clean is remembered by its preprocessed text and the configuration."""
        source = pathlib.Path(entry["file"]).relative_to(ROOT)
        command = [word for word in shlex.split(entry["command"]) if word not in ("-Werror", "ccache", shutil.which("ccache"))]
        flags = command[1:command.index("-o")]
        checks = [] if self.full else ["--checks=" + ",".join(f"-{check}" for check in SLOW_TIDY_CHECKS)]
        text = subprocess.run(["clang++-14", *flags, "-E", source], cwd=ROOT, capture_output=True).stdout
        key = hashlib.sha256(text.replace(str(ROOT).encode(), b"") + (ROOT / ".clang-tidy").read_bytes() +
                             " ".join(checks + flags).replace(str(ROOT), "").encode())
        clean = CACHE / "tidy" / key.hexdigest()
        if clean.exists():
            return source, True
        good = self.run("tidy-" + str(source).replace("/", "-"), "clang-tidy-14", "--quiet", *checks, source, "--", *flags,
                        "-Wthread-safety", "-Wno-unknown-warning-option")
        if good:
            clean.parent.mkdir(parents=True, exist_ok=True)
            clean.touch()
        return source, good


PARTS = ("format", "unit", "clients", "python", "e2e", "asan", "tsan", "fuzz", "tidy")


def main():
    parser = argparse.ArgumentParser(prog="tests/run")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("CCACHE_BASEDIR", str(ROOT))
    os.environ.setdefault("CCACHE_NOHASHDIR", "true")

    parts = [name for name in options.names if name in PARTS]
    patterns = [name for name in options.names if name not in PARTS]
    suite = Suite(options.full, patterns)
    for part in parts or (("unit", "clients", "python", "e2e") if patterns else PARTS):
        print(f"=== {part}", flush=True)
        started, passed, failed = time.monotonic(), suite.passed, len(suite.failures)
        try:
            getattr(suite, part)()
        except Failed as failure:
            suite.failures.append(str(failure))
        print(f"    {part}: {suite.passed - passed} passed, {len(suite.failures) - failed} failed, "
              f"{time.monotonic() - started:.0f} s", flush=True)

    for name in suite.failures:
        print(f"FAILED {name}")
    if suite.passed + len(suite.failures) == 0:
        print("no test has that name")
    print(f"{suite.passed} passed, {len(suite.failures)} failed")
    return 1 if suite.failures or suite.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
