"""Words that no file of the tree may hold: where it was written, what was left open, what proves nothing."""

import re
import subprocess

# Spelled with a class in brackets so that the list does not name itself.
EVERYWHERE = [
    ("a path of one machine", re.compile(r"(?<![\w.~])/(?:[w]ork|[r]oot|[h]ome/\w)/")),
    ("a number of a tracker", re.compile(r"\b[i]ssue\s+#?\d|\b[f]ix(?:es|ed)?\s+#\d|\b[c]lose[sd]?\s+#\d", re.IGNORECASE)),
    ("a note of something left open", re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX|[H]ACK)\b")),
    ("a registry's host", re.compile(r"[p]ypi\.org|[p]roxy\.golang\.org|[d]eb\.debian\.org|[r]egistry\.npmjs|[f]iles\.pythonhosted")),
]
IN_TESTS = [
    ("a test that does not test", re.compile(r"\b[D]ISABLED_|[G]TEST_SKIP|[p]ytest\.mark\.skip|[E]XPECT_TRUE\(true\)")),
    ("a test that sleeps", re.compile(r"[s]leep_for\(|[S]leepFor\(|\b[u]sleep\(|\btime\.[s]leep\(")),
]
IN_CODE = [
    ("a name that says nothing", re.compile(r"\b(?:class|struct)\s+\w*(?:[I]mpl|[U]tils?|[H]elpers?|[M]anager2)\b")),
]


def tree_files(root):
    """Files under version control, and those about to be; the names alone without a repository."""
    listing = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"],
                             capture_output=True)
    if listing.returncode == 0:
        names = [name for name in listing.stdout.decode().split("\0") if name]
    else:
        names = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
    return sorted(name for name in names if (root / name).is_file())


def check(root):
    """One sentence for each line with a word that may not stand there."""
    violations = []
    for name in tree_files(root):
        data = (root / name).read_bytes()
        if b"\0" in data[:8192]:
            continue
        rules = list(EVERYWHERE)
        if name.startswith("tests/"):
            rules += IN_TESTS
        if name.endswith((".h", ".cc")):
            rules += IN_CODE
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            for what, pattern in rules:
                if pattern.search(line):
                    violations.append(f"{name}:{number}: {what}: {line.strip()[:100]}")
    return violations
