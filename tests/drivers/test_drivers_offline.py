#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What of tests/drivers needs neither drivers nor a network: the list, the choice, the judging, the error lines."""
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
# pylint: disable=wrong-import-position
import audit_runs
import builds
import device_list
import devices_table
import execution_runs
import folders
import launch
import loop_runs
import loop_sets
import loop_table
import report

DRIVERS = os.path.join(HERE, "drivers.py")


def row(**more):
    return {"device": "x", "kernel": "k", "problem": "p", "dim": "64", "value_dim": "64", "status": "compiled",
            "spills": "0", "scratch": "", "reason": "", **more}


def drivers(*words, **environment):
    return subprocess.run([sys.executable, "-B", DRIVERS, "--build", tempfile.gettempdir(), *words], text=True,
                          capture_output=True, check=False, env={**os.environ, **environment})


class TheList(unittest.TestCase):
    def test_has_the_devices(self):
        count = {}
        for device in device_list.DEVICES:
            count[device.family] = count.get(device.family, 0) + 1
        least = {"amd": 13, "nvidia": 5, "intel": 8, "qualcomm": 8, "arm": 6, "apple": 1, "broadcom": 2, "imagination": 1}
        for family, number in least.items():
            self.assertGreaterEqual(count[family], number, family)
        self.assertGreaterEqual(sum(count[family] for family in least), 40)

    def test_idents_are_unique_and_folders_known(self):
        idents = [run.ident for run in device_list.RUNS]
        self.assertEqual(len(idents), len(set(idents)))
        for device in device_list.DEVICES:
            self.assertIn(device.folder, {device_list.SYSTEM, *device_list.FOLDERS})

    def test_prints_without_a_network(self):
        said = drivers("--list", VATTEN_DRIVERS_MIRROR="none")
        self.assertEqual(said.returncode, 0)
        self.assertEqual(len(said.stdout.splitlines()), len(device_list.RUNS))


    def test_full_runs_have_every_program(self):
        folder = os.path.join(os.path.dirname(HERE), "gpu")
        programs = {name[len("test_"):-2] for name in os.listdir(folder) if name.startswith("test_") and name.endswith(".c")}
        self.assertEqual(set(device_list.FULL), programs)


class TheChoice(unittest.TestCase):
    def test_by_part_and_pattern(self):
        self.assertEqual({run.device.ident for run in device_list.choose(["navi31"])}, {"amd-navi31"})
        self.assertEqual(len(device_list.choose(["audit:amd-*"])), 13)
        self.assertTrue(all(run.default for run in device_list.choose()))

    def test_loops_are_run_when_asked_for(self):
        self.assertFalse([run for run in device_list.choose(["navi31"], (), True) if run.kind == "loops"])
        self.assertEqual([run.ident for run in device_list.choose(["navi31"], {"loops"})], ["loops:amd-navi31"])
        self.assertEqual(len(device_list.choose((), {"loops"})), sum(not d.executes for d in device_list.DEVICES))

    def test_unknown_pattern_is_one_line(self):
        said = drivers("--only", "voodoo2")
        self.assertEqual(said.returncode, 2)
        self.assertEqual(said.stderr.strip().count("\n"), 0)
        self.assertIn("voodoo2", said.stderr)
        self.assertIn("--list", said.stderr)

    def test_unusable_cache_is_one_line(self):
        with tempfile.NamedTemporaryFile() as file:
            said = drivers("--only", "navi31", VATTEN_DRIVERS_CACHE=file.name + "/below")
        self.assertEqual(said.returncode, 2)
        self.assertIn("VATTEN_DRIVERS_CACHE", said.stderr)

    def test_a_mirror_that_is_none_skips_by_name(self):
        with tempfile.TemporaryDirectory() as cache:
            said = drivers("--only", "audit:amd-navi31", VATTEN_DRIVERS_CACHE=cache, VATTEN_DRIVERS_MIRROR="file:///none")
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertIn("skipped: audit:amd-navi31", said.stdout)
        self.assertEqual(said.stdout.splitlines()[-1], "0 passed, 0 failed, 1 skipped")


class TheJudging(unittest.TestCase):
    def test_good_rows(self):
        wrong, text = audit_runs.judge([row(), row(status="refused", spills=""), row(dim="256", spills="3")])
        self.assertEqual(wrong, "")
        self.assertIn("2 compiled, 1 refused", text)

    def test_spills_up_to_128_fail(self):
        for more in ({"spills": "1"}, {"scratch": "16"}, {"dim": "128", "value_dim": "128", "spills": "1"}):
            self.assertIn("spill", audit_runs.judge([row(), row(**more)])[0])
        self.assertEqual(audit_runs.judge([row(), row(value_dim="192", spills="1")])[0], "")

    def test_failures_of_the_driver_fail(self):
        self.assertIn("because", audit_runs.judge([row(), row(status="FAILED", reason="because")])[0])

    def test_nothing_compiled_fails(self):
        self.assertTrue(audit_runs.judge([row(status="refused")])[0])
        self.assertTrue(audit_runs.judge([])[0])

    def test_exceptions_have_reasons(self):
        for device, kernel, problem, reason in audit_runs.EXCEPTIONS:
            self.assertTrue(device and kernel and problem and len(reason) > 20)

    def test_exceptions_are_for_their_own_problems(self):
        spilling = {"device": "pi-5", "kernel": "attention_lists_f32_shared", "spills": "2"}
        self.assertFalse(audit_runs.judge([row(**spilling, problem="boxes3 biased")])[0])
        self.assertTrue(audit_runs.judge([row(**spilling, problem="blocks")])[0])


class TheExecutions(unittest.TestCase):
    @staticmethod
    def is_brief(ident, full):
        run = next(run for run in device_list.RUNS if run.ident == ident)
        place = launch.Place(run.device, "folder", "build", "cache")
        return dict(execution_runs._environment(run, place, full)).get("VATTEN_TEST_BRIEF") == "1"

    def test_whole_lists_meet_all_layouts_without_instrumentation(self):
        self.assertTrue(self.is_brief("run:lvp25", False))
        self.assertFalse(self.is_brief("run:lvp25", True))
        self.assertTrue(self.is_brief("layers:lvp25+gpu", True))


class TheTurns(unittest.TestCase):
    @staticmethod
    def options(device, depth="turns"):
        return audit_runs.words(launch.Place(device, "folder", "build", "cache"), device.ident, "t.csv", depth)[1]

    def test_devices_of_a_driver_share_dtypes_and_steps(self):
        dtypes, pairs = {}, {}
        for device in device_list.DEVICES:
            options = self.options(device)
            self.assertNotIn("--only", options)
            hardest, *steps = options[options.index("--dims") + 1].split(",")
            self.assertEqual(hardest, "128")
            turn = options[options.index("--dtypes") + 1]
            if not device.executes:
                dtypes.setdefault(device.icd, []).append(turn)
                pairs.setdefault(device.icd, set()).update((dtype, step) for dtype in turn.split(",") for step in steps)
            options = self.options(device, "dtypes")
            self.assertNotIn("--dtypes", options)
            every = "64" if "arm64" in device.folder else "64,256,576x512"
            self.assertEqual(options[options.index("--dims"):], ["--dims", "128", "--more-dims", every, "--more-dtypes", turn])
        self.assertEqual(dtypes["panfrost"], ["f32", "f16", "bf16", "f32", "f16", "bf16", "f32"])
        self.assertEqual(dtypes["broadcom"], ["f32,bf16", "f16"])
        self.assertEqual(dtypes["asahi"], ["f32,f16,bf16"])
        for driver, turns in dtypes.items():
            self.assertEqual(set(",".join(turns).split(",")), {"f32", "f16", "bf16"}, driver)
            emulated = driver in ("panfrost", "broadcom", "powervr_mesa")
            self.assertEqual({step for _, step in pairs[driver]}, {"64"} if emulated else {"64", "256", "576x512"}, driver)
        for driver in ("radeon", "intel", "freedreno", "asahi"):
            self.assertEqual(len(pairs[driver]), 9, driver)

    def test_full_runs_take_all(self):
        for device in ("amd-navi31", "pi-5"):
            self.assertFalse([word for word in self.options(device_list.device(device), "full") if "dims" in word])


class TheKernels(unittest.TestCase):
    @staticmethod
    def module(*instructions):
        words = [0] * 5
        for opcode, *operands in instructions:
            words += [(len(operands) + 1) << 16 | opcode, *operands]
        return b"".join(word.to_bytes(4, "little") for word in words)

    def test_lengths_that_are_chosen_are_found(self):
        select = (52, 1, 7, 169, 2, 3, 4)
        product = (52, 1, 8, 132, 5, 7)
        shared, private = (32, 30, 4, 20), (32, 31, 6, 20)

        def lengths(*instructions):
            return builds.chosen_lengths(self.module(*instructions))

        self.assertEqual(lengths(select, (28, 20, 10, 7), shared), 1)
        self.assertEqual(lengths(select, (28, 20, 10, 7), private), 0)
        self.assertEqual(lengths(select, product, (28, 20, 10, 8), (28, 21, 10, 8), shared, (32, 32, 4, 21)), 2)
        self.assertEqual(lengths(select, product, (28, 20, 10, 5), shared), 0)
        self.assertEqual(lengths((52, 1, 8, 132, 5, 6), (28, 20, 10, 8), shared), 0)


class TheLaunch(unittest.TestCase):
    def test_newer_layers_come_with_their_loader(self):
        with tempfile.TemporaryDirectory() as root:
            old, new = os.path.join(root, "old"), os.path.join(root, "new")
            manifests = os.path.join(old, "usr/share/vulkan/icd.d")
            os.makedirs(manifests)
            with open(os.path.join(manifests, "lvp_icd.json"), "w", encoding="utf-8") as file:
                json.dump({"ICD": {"library_path": "libvulkan_lvp.so", "api_version": "1.4.305"}}, file)
            place = launch.Place(device_list.device("lvp25"), old, "build", root)
            self.assertTrue(launch.command(place, "x")[0][0].startswith(old))
            place.layers = new
            words, values = launch.command(place, "x")
            self.assertEqual(words[0], os.path.join(new, "usr/lib64/ld-linux-x86-64.so.2"))
            libraries = words[2].split(":")
            self.assertTrue(libraries[0].startswith(new) and libraries[1].startswith(old), libraries)
            self.assertTrue(launch.layer_folder(place).startswith(new))
            with open(values["VK_DRIVER_FILES"], encoding="utf-8") as file:
                self.assertEqual(json.load(file)["ICD"]["library_path"], os.path.join(libraries[1], "libvulkan_lvp.so"))

    def test_each_validating_run_knows_defects_and_layers(self):
        runs = [run for run in device_list.RUNS if run.kind == "validate"]
        self.assertGreaterEqual(len(runs), 2)
        for run in runs:
            self.assertTrue(run.defects and run.environment, run.ident)
            self.assertIn(run.layers, device_list.FOLDERS)


class TheCache(unittest.TestCase):
    """Each lock is of one open file, so two in one process stand in for two runs."""

    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.first = folders.Folders(self.place.name)
        self.said = []
        self.second = None

    def tearDown(self):
        self.place.cleanup()

    def open_second(self, refresh=False):
        def work():
            self.second = folders.Folders(self.place.name, refresh, self.said.append)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(0.5)
        return thread

    def test_is_shared_once_settled(self):
        waiting = self.open_second()
        self.assertTrue(waiting.is_alive())
        self.assertIn("prepares", self.said[0])
        self.first.settled()
        waiting.join(10)
        self.assertIsNotNone(self.second)

    def test_is_refreshed_when_nobody_uses_it(self):
        self.first.settled()
        waiting = self.open_second(refresh=True)
        self.assertTrue(waiting.is_alive())
        self.first.lock.close()
        waiting.join(10)
        self.assertIsNotNone(self.second)


class TheRest(unittest.TestCase):
    def test_mirror(self):
        listing = "Other|x|u://a/\nDebian|bookworm-updates|u://b/\nDebian|bookworm|u://c/debian/\n"
        self.assertEqual(folders.mirror_from(listing), "u://c/debian")
        self.assertIsNone(folders.mirror_from("Ubuntu|noble|u://d/\n"))

    def test_messages_name_no_host(self):
        self.assertNotIn("example", folders.without_hosts("E: Failed to fetch http://example.test/a 404"))

    def test_crash_names_signal_and_line(self):
        with tempfile.TemporaryDirectory() as place:
            log = os.path.join(place, "log")
            crash = "import os,sys; print('row 7', flush=True); os.kill(os.getpid(), 11)"
            outcome = launch.run([sys.executable, "-c", crash], dict(os.environ), log, 20)
            self.assertIn("SIGSEGV", outcome.why())
            self.assertIn("row 7", outcome.why())
            outcome = launch.run([sys.executable, "-c", "import time; time.sleep(60)"], dict(os.environ), log, 1)
            self.assertIn("still running", outcome.why())

    def test_sums(self):
        lines = []
        counted = report.Report(3, lines.append)
        counted.passed("a")
        counted.skipped("b", "why")
        self.assertEqual(counted.finish(), 0)
        self.assertEqual(lines[-1], "1 passed, 0 failed, 1 skipped")
        counted.failed("c", "why")
        self.assertEqual(counted.finish(), 1)

    def test_page(self):
        device = device_list.device("amd-navi31")
        with tempfile.TemporaryDirectory() as place:
            with open(os.path.join(place, "amd-navi31.csv"), "w", encoding="utf-8") as file:
                file.write("device,driver,kernel,problem,dim,value_dim,workgroup,rows,keys,lanes_per_row,status,spills,"
                           "scratch,registers,occupancy,instructions,statistics,reason\n"
                           "amd-navi31,radv,attention_dense_f16_subgroup,causal,128,128,128,64,32,8,compiled,0,0,192,8,2203,"
                           "a=1;,\n")
            page = os.path.join(place, "devices.md")
            devices_table.write(page, place, [device])
            with open(page, encoding="utf-8") as file:
                text = file.read()
        self.assertIn("| AMD Navi 31 (RDNA 3) | radv | 1 | 0 | 0 | 0 |", text)
        self.assertIn("128: 64x32/8 | 192 | 8 | 2203 |", text)

    def test_page_of_loops(self):
        figures = dict.fromkeys(loop_runs.FIELDS, "1")
        rows = [{**figures, "kernel": f"attention_dense_f16_{layout}", "problem": "causal", "dim": "64", "layout": layout,
                 "product_share": "0.714", "registers": "192"} for layout in ("subgroup", "shared", "matrix")]
        with tempfile.TemporaryDirectory() as place:
            loop_runs.write_csv(os.path.join(place, "amd-navi31.csv"), rows)
            page = os.path.join(place, "loops.md")
            loop_table.write(page, place, [device_list.device("amd-navi31"), device_list.device("pi-5")])
            with open(page, encoding="utf-8") as file:
                text = file.read()
            with open(os.path.join(place, "results", "loops.csv"), encoding="utf-8") as file:
                self.assertEqual(len(file.readlines()), 4)
        self.assertIn("| AMD Navi 31 (RDNA 3) | subgroup, 64 | 1: 1x1/1 | 71 % |", text)
        self.assertIn("| AMD Navi 31 (RDNA 3) | matrix, 64 |", text)
        self.assertNotIn("shared, 64", text)


if __name__ == "__main__":
    unittest.main()
