"""The parts of docs/embed.md that are for Python, as they stand."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "tests/package"))
import embed_test  # noqa: E402


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    page = embed_test.Page(ROOT / "build/release", tmp_path_factory.mktemp("page"))
    page.exported = [f"export PATH={pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"]
    page.write_programs()
    return page


def test_page_says_what_happens(page):
    blocks = embed_test.console_blocks("python")
    assert len(blocks) >= 2
    for block in blocks:
        assert page.run(block) == block
