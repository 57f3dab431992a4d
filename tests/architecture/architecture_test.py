"""The tree keeps its arrows; and the check itself sees an arrow that turns.

    python3 tests/architecture/architecture_test.py
"""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import rules  # noqa: E402
import words  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]

GOOD = {
    "proto/CMakeLists.txt": "espalier_proto(proto_inference GRPC PROTOS proto/inference.proto)",
    "proto/inference.proto": "",
    "models/base/CMakeLists.txt": "espalier_library(models_base SOURCES clock.cc DEPS absl::status)",
    "models/base/clock.h": "",
    "models/base/clock.cc": '#include "models/base/clock.h"\n',
    "models/forest/CMakeLists.txt": "espalier_library(models_forest SOURCES forest.cc DEPS espalier::models_base)",
    "models/forest/forest.h": '#include "models/base/clock.h"\n',
    "models/forest/forest.cc": '#include "models/forest/forest.h"\n',
    "router/stats/CMakeLists.txt": "espalier_library(router_stats\n  SOURCES mean.cc\n  PRIVATE_DEPS espalier::models_base)",
    "router/stats/mean.h": "#include <vector>\n",
    "router/stats/mean.cc": '#include "router/stats/mean.h"\n#include "models/base/clock.h"\n',
    "services/front/CMakeLists.txt": "espalier_library(services_front SOURCES front.cc\n"
                                     "  DEPS espalier::models_forest espalier::proto_inference)",
    "services/front/front.h": '#include "models/forest/forest.h"\n#include "proto/inference.grpc.pb.h"\n',
    "services/front/front.cc": '#include "services/front/front.h"\n',
}


class TheTree(unittest.TestCase):
    def test_arrows_point_one_way(self):
        self.assertEqual(rules.check(ROOT), [])

    def test_rooms_are_there(self):
        folders = {target.folder for target in rules.parse_targets(ROOT).values()}
        for room in rules.ROOMS:
            self.assertTrue(any(rules.below(folder, [room]) for folder in folders), room)

    def test_words(self):
        self.assertEqual(words.check(ROOT), [])


class TheCheck(unittest.TestCase):
    def violations(self, check=rules.check, **changes):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD, **changes}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return check(root)

    def assert_refused(self, fragment, **changes):
        found = self.violations(**changes)
        self.assertTrue(any(fragment in violation for violation in found), f"{fragment!r} not in {found}")

    def test_accepts_a_good_tree(self):
        self.assertEqual(self.violations(), [])

    def test_models_may_not_include_router(self):
        self.assert_refused("models/forest must not lead to router/stats",
                            **{"models/forest/forest.cc": '#include "router/stats/mean.h"\n'})

    def test_models_may_not_link_router(self):
        self.assert_refused("models/forest must not lead to router/stats", **{
            "models/forest/CMakeLists.txt": "espalier_library(models_forest SOURCES forest.cc\n"
                                            "  DEPS espalier::models_base PRIVATE_DEPS espalier::router_stats)"})

    def test_router_may_not_include_models_beyond_base(self):
        self.assert_refused("router/stats must not lead to models/forest",
                            **{"router/stats/mean.h": '#include "models/forest/forest.h"\n'})

    def test_nothing_below_may_include_services(self):
        for folder in ("models/forest/forest.h", "router/stats/mean.h"):
            self.assert_refused("must not lead to services/front",
                                **{folder: '#include "services/front/front.h"\n'})

    def test_base_stands_on_nothing(self):
        self.assert_refused("models/base must not lead to models/forest",
                            **{"models/base/clock.h": '#include "models/forest/forest.h"\n'})

    def test_xgboost_stays_in_training(self):
        self.assert_refused("XGBoost is used below models/training only",
                            **{"models/forest/forest.cc": "#include <xgboost/c_api.h>\n"})
        self.assert_refused("XGBoost is used below models/training only", **{
            "models/forest/CMakeLists.txt": "espalier_library(models_forest SOURCES forest.cc\n"
                                            "  DEPS espalier::models_base PRIVATE_DEPS xgboost::xgboost)"})

    def test_rpc_stays_in_services(self):
        self.assert_refused("gRPC is used below", **{"router/stats/mean.cc": "#include <grpcpp/grpcpp.h>\n"})
        self.assert_refused("gRPC is used below",
                            **{"models/forest/forest.cc": '#include "proto/inference.grpc.pb.h"\n'})

    def test_deps_cover_includes(self):
        self.assert_refused("DEPS or PRIVATE_DEPS of router_stats lack espalier::models_base", **{
            "router/stats/CMakeLists.txt": "espalier_library(router_stats SOURCES mean.cc)"})

    def test_headers_need_public_deps(self):
        self.assert_refused("but DEPS of router_stats lack espalier::models_base",
                            **{"router/stats/mean.h": '#include "models/base/clock.h"\n'})

    def test_every_source_has_a_target(self):
        self.assert_refused("no target of router/stats lists it", **{"router/stats/stray.cc": ""})

    def test_unknown_dep_is_named(self):
        self.assert_refused("espalier::nowhere, which no folder declares", **{
            "router/stats/CMakeLists.txt": "espalier_library(router_stats SOURCES mean.cc\n"
                                           "  DEPS espalier::nowhere espalier::models_base)"})

    def test_circles_are_found(self):
        self.assert_refused("folders include each other in a circle", **{
            "services/rpc/CMakeLists.txt": "espalier_library(services_rpc SOURCES rpc.cc DEPS espalier::services_front)",
            "services/rpc/rpc.h": "",
            "services/rpc/rpc.cc": '#include "services/front/front.h"\n',
            "services/front/CMakeLists.txt": "espalier_library(services_front SOURCES front.cc\n  DEPS "
                                             "espalier::models_forest espalier::proto_inference espalier::services_rpc)",
            "services/front/front.cc": '#include "services/rpc/rpc.h"\n'})

    def test_words_are_seen(self):
        bad = {"docs/a.md": "see /" + "work/x\n", "models/base/clock.cc": "// TO" + "DO later\n",
               "tests/a_test.cc": "std::this_thread::sleep" + "_for(1s);\n", "models/base/clock.h": "class ClockIm" + "pl {\n"}
        found = self.violations(check=words.check, **bad)
        self.assertEqual(sorted(violation.split(":")[0] for violation in found), sorted(bad))


if __name__ == "__main__":
    unittest.main(verbosity=2)
