"""The parts of docs/embed.md and docs/embed-assign.md that are for Python, as they stand."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "tests/package"))
import embed_test  # noqa: E402


@pytest.mark.parametrize("library, least", [("forest", 2), ("assign", 1)])
def test_page_says_what_happens(library, least, tmp_path):
    embed_test.choose(library)
    page = embed_test.Page(ROOT / "build/release", tmp_path / "page")
    page.exported = [f"export PATH={pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"]
    page.write_programs()
    blocks = embed_test.console_blocks("python")
    assert len(blocks) >= least
    for block in blocks:
        assert page.run(block) == block
