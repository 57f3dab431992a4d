"""The arrows of the house, read from the includes and from the CMake DEPS lists.

    violations = rules.check(pathlib.Path("."))     # [] when every arrow points the right way

proto <- models, proto <- router, services on top; models and router do not know each other, but both stand on
models/base. One CMake target per folder (or a few), whose DEPS name everything that its files include.
"""

import pathlib
import re
from dataclasses import dataclass, field

# A room may lead into these; a folder always may lead into itself. Longest prefix wins.
ALLOWED = {
    "proto": ["proto"],
    "models/base": [],
    "models": ["proto", "models"],
    "router": ["proto", "models/base", "router"],
    "services": ["proto", "models", "router", "services"],
}

# Libraries of others that are kept in one place: a header or link target that matches may stand only below
# the folders named. Tests and benchmarks compare against anything.
KEPT_IN = [
    ("XGBoost", re.compile(r"^xgboost(/|::)"), ["models/training"]),
    ("gRPC", re.compile(r"^(grpc|grpcpp)/|^gRPC::|\.grpc\.pb\.h$"), ["proto", "services"]),
    # What applications embed (models/repository and below) knows neither.
    ("protobuf", re.compile(r"^google/protobuf/|^protobuf::|\.pb\.h$"), ["proto", "models/config", "router", "services"]),
    ("the log", re.compile(r"^spdlog(/|::)"), ["models/config", "services"]),
    ("SQLite", re.compile(r"^sqlite3\.h$|^SQLite::"), ["services/events"]),
    ("the command line parser", re.compile(r"^CLI/|^CLI11::"), ["services"]),
    ("the metrics library", re.compile(r"^prometheus/|^prometheus-cpp::"), ["services"]),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
CMAKE_CALL = re.compile(r"^\s*(\w+)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", re.MULTILINE)
ROOMS = ("proto", "models", "router", "services")


@dataclass
class Target:
    name: str
    folder: str
    sources: list = field(default_factory=list)
    public: set = field(default_factory=set)
    private: set = field(default_factory=set)


def room_of(folder):
    """The longest key of ALLOWED that is a prefix of the folder, or None."""
    parts = folder.split("/")
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in ALLOWED:
            return "/".join(parts[:length])
    return None


def below(folder, tops):
    return any(folder == top or folder.startswith(top + "/") for top in tops)


def files(root, *suffixes):
    """Files of the rooms, as paths relative to the root, in order."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.is_file() and (path.suffix in suffixes or path.name in suffixes):
                yield path.relative_to(root)


def includes(text):
    return [quoted or angled for quoted, angled in INCLUDE.findall(text)]


def words_by_keyword(words, keywords, first):
    """Splits the arguments of a CMake call: {"SOURCES": [...], "DEPS": [...]}."""
    groups, key = {}, first
    for word in words:
        if word in keywords:
            key = word
        else:
            groups.setdefault(key, []).append(word)
    return groups


def parse_targets(root):
    """Every target of the rooms, by CMake name (without the prefix espalier_)."""
    targets = {}
    for path in files(root, "CMakeLists.txt"):
        text = re.sub(r"#[^\n]*", "", (root / path).read_text())
        folder = path.parent.as_posix()
        for command, arguments in CMAKE_CALL.findall(text):
            words = arguments.replace('"', "").split()
            if command in ("espalier_library", "espalier_header_library", "espalier_python_module", "espalier_proto"):
                target = Target(words[0], folder)
                groups = words_by_keyword(words[1:], ("SOURCES", "PROTOS", "DEPS", "PRIVATE_DEPS", "GRPC"), "")
                target.sources = groups.get("SOURCES", []) + groups.get("PROTOS", [])
                target.public = set(groups.get("DEPS", []))
                target.private = set(groups.get("PRIVATE_DEPS", []))
                targets[words[0]] = target
            elif command == "add_executable":
                targets[words[0]] = Target(words[0], folder, words[1:])
            elif command == "target_link_libraries" and words:
                name = words[0].removeprefix("espalier_")
                if name in targets:
                    groups = words_by_keyword(words[1:], ("PUBLIC", "PRIVATE", "INTERFACE"), "PUBLIC")
                    targets[name].public |= set(groups.get("PUBLIC", []) + groups.get("INTERFACE", []))
                    targets[name].private |= set(groups.get("PRIVATE", []))
    return targets


def check_arrow(violations, where, source, destination):
    room = room_of(source)
    if source == destination or room is None or room_of(destination) is None:
        return
    if not below(destination, ALLOWED[room]):
        violations.append(f"{where}: {source} must not lead to {destination}")


def check_kept(violations, where, folder, name):
    for library, pattern, homes in KEPT_IN:
        if pattern.search(name) and not below(folder, homes):
            violations.append(f"{where}: {name}: {library} is used below {', '.join(homes)} only")


def check_includes(root, violations):
    """Arrows by #include; returns {(folder, folder)}."""
    edges = set()
    for path in files(root, ".h", ".cc"):
        folder = path.parent.as_posix()
        for name in includes((root / path).read_text()):
            check_kept(violations, path, folder, name)
            included = pathlib.PurePosixPath(name).parent.as_posix()
            if name.split("/")[0] in ROOMS:
                check_arrow(violations, path, folder, included)
                edges.add((folder, included))
    return edges


def check_links(targets, violations):
    """Arrows by DEPS; returns {(target, target)}."""
    edges = set()
    for target in targets.values():
        where = f"{target.folder}/CMakeLists.txt"
        for dep in sorted(target.public | target.private):
            check_kept(violations, where, target.folder, dep)
            if not dep.startswith("espalier::"):
                continue
            other = targets.get(dep.removeprefix("espalier::"))
            if other is None:
                violations.append(f"{where}: {target.name} names {dep}, which no folder declares")
                continue
            check_arrow(violations, where, target.folder, other.folder)
            edges.add((target.name, other.name))
    return edges


def owner_by_file(root, targets, violations):
    """{path: target}: a source by its SOURCES entry, a header by the source beside it or the folder's library."""
    owners = {}
    for target in targets.values():
        for source in target.sources:
            path = source if target.folder == "proto" else f"{target.folder}/{source}"
            owners[path] = target
            stem = path.rsplit(".", 1)[0]
            if path.endswith(".proto"):
                owners[stem + ".pb.h"] = owners[stem + ".grpc.pb.h"] = target
            else:
                owners.setdefault(stem + ".h", target)
    libraries = {}
    for target in targets.values():
        if f"{target.folder}/main.cc" not in [f"{target.folder}/{s}" for s in target.sources]:
            libraries.setdefault(target.folder, []).append(target)
    for path in files(root, ".h", ".cc"):
        name = path.as_posix()
        if name in owners:
            continue
        candidates = libraries.get(path.parent.as_posix(), [])
        if path.suffix == ".cc":
            violations.append(f"{name}: no target of {path.parent} lists it in SOURCES")
        elif candidates:
            owners[name] = candidates[0]
        else:
            violations.append(f"{name}: {path.parent} declares no target")
    return owners


def check_deps_cover_includes(root, targets, violations):
    """What a file includes, its target names; what a header includes, the target names publicly."""
    owners = owner_by_file(root, targets, violations)
    for path in files(root, ".h", ".cc"):
        target = owners.get(path.as_posix())
        if target is None:
            continue
        for name in includes((root / path).read_text()):
            other = owners.get(name)
            if other is None:
                if name.split("/")[0] in ROOMS:
                    violations.append(f"{path}: includes {name}, which no target owns")
                continue
            if other is target:
                continue
            deps = target.public if path.suffix == ".h" else target.public | target.private
            if f"espalier::{other.name}" not in deps:
                kind = "DEPS" if path.suffix == ".h" else "DEPS or PRIVATE_DEPS"
                violations.append(f"{path}: includes {name}, but {kind} of {target.name} lack espalier::{other.name}")


def check_no_cycle(what, edges, violations):
    """Reports one cycle among the folders or targets, if there is any."""
    graph = {}
    for source, destination in edges:
        if source != destination:
            graph.setdefault(source, set()).add(destination)
    done, trail = set(), []

    def visit(node):
        if node in trail:
            violations.append(f"{what} in a circle: {' -> '.join(trail[trail.index(node):] + [node])}")
            return True
        if node in done:
            return False
        trail.append(node)
        found = any(visit(n) for n in sorted(graph.get(node, ())))
        trail.pop()
        done.add(node)
        return found

    for start in sorted(graph):
        if visit(start):
            return


def check(root):
    """Every arrow of the tree below `root` that points the wrong way, one sentence each."""
    violations = []
    targets = parse_targets(root)
    include_edges = check_includes(root, violations)
    link_edges = check_links(targets, violations)
    check_deps_cover_includes(root, targets, violations)
    check_no_cycle("folders include each other", include_edges, violations)
    check_no_cycle("targets link each other", link_edges, violations)
    return violations
