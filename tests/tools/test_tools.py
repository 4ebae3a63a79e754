#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten_run and vatten_audit as a user runs them: results against a plain NumPy reference, and every
error with its exit code, its message, and no output left behind.

usage: test_tools.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 when NumPy or a Vulkan device is missing.
"""
import csv
import json
import os
import re
import unittest

import tool_support as support  # first: it skips where there is no NumPy
import numpy as np
from tool_support import ToolCase, dense_visible, grid_visible, reference, run_tool


# ---- Dense attention -------------------------------------------------------------------------------------------------


class Attention(ToolCase):
    def compare(self, q=(2, 19, 4, 32), k=(2, 23, 4, 32), v=None, dtype="f32", scale=None, **rule):
        tensors = self.save_qkv(q, k, v or k, dtype)
        options = ["--lse", self.path("lse.npy")]
        if dtype == "bf16":
            options += ["--dtype", "bf16"]
        if scale is not None:
            options += ["--scale", scale]
        for name, value in rule.items():
            options += ["--" + name, "%d,%d" % value if name == "window" else value]
        summary = self.run_ok("attention", *options)
        visible = dense_visible(q[1], k[1], **rule)
        out, lse = reference(*tensors, visible, scale)
        self.assertEqual(summary["pairs"], visible.sum())
        self.assertEqual(summary["dtype"], dtype)
        self.check(out, dtype, lse)
        return summary

    def test_plain(self):
        self.compare()

    def test_f16(self):
        self.compare(dtype="f16")

    def test_bf16(self):
        self.compare(dtype="bf16")

    def test_grouped_heads(self):
        self.compare(k=(2, 23, 2, 32))
        self.compare(k=(2, 23, 1, 32))

    def test_value_dim(self):
        self.compare(v=(2, 23, 4, 48))

    def test_scale(self):
        self.compare(scale=0.25)

    def test_causal(self):
        self.compare(causal="last")
        self.compare(causal="first")

    def test_causal_rows_without_keys(self):
        self.compare(q=(1, 20, 2, 16), k=(1, 7, 2, 16), causal="last")

    def test_window(self):
        self.compare(window=(5, 3))
        self.compare(window=(4, -1), causal="last")
        self.compare(window=(-1, 2))
        self.compare(window=(3, 1), align="first")

    def test_prefix(self):
        self.compare(window=(4, 0), prefix=3, causal="last")

    def test_decode(self):
        self.compare(q=(1, 1, 8, 64), k=(1, 300, 2, 64), causal="last")

    def test_layouts_and_split(self):
        shape = (1, 40, 2, 32)
        tensors = self.save_qkv(shape, shape, shape)
        for layout in ("rows", "subgroup", "shared"):
            summary = self.run_ok("attention", "--layout", layout)
            self.assertEqual(summary["tile"]["layout"], layout)
            self.check(reference(*tensors, dense_visible(40, 40))[0])
        self.run_refused("attention", [*self.files(), "--layout", "matrix"], 1, "MATRIX layout")
        whole = self.run_ok("attention")
        split = self.run_ok("attention", "--max-macs", 1000)
        self.assertGreater(split["dispatches"], whole["dispatches"])
        self.check(reference(*tensors, dense_visible(40, 40))[0])

    def test_matrix_layout(self):
        chosen = json.loads(run_tool("vatten_info", "--json")[1])["chosen"]
        if chosen["matrices"] == "":
            self.skipTest("the device or the build has no cooperative matrices")
        tensors = self.save_qkv(*[(1, 40, 2, 32)] * 3, "f16")
        beside = {"matrix2": "cooperative_matrix_2", "matrix_workgroup": "cooperative_matrix_workgroup"}
        for layout in ["matrix"] + [name for name in beside if beside[name] in chosen["features_used"]]:
            summary = self.run_ok("attention", "--layout", layout)
            self.assertEqual(summary["tile"]["layout"], layout)
            self.check(reference(*tensors, dense_visible(40, 40))[0], "f16")

    def test_repeat_and_json(self):
        self.save_qkv((1, 8, 2, 16), (1, 8, 2, 16), (1, 8, 2, 16))
        code, out, err = run_tool("vatten_run", "attention", *self.files(), "--repeat", 5, "--json")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(out.splitlines()), 1)
        summary = json.loads(out)
        self.assertEqual(summary["repeat"], 5)
        self.assertLessEqual(summary["gpu_ms_min"], summary["gpu_ms"])
        self.assertLessEqual(summary["gpu_ms"], summary["gpu_ms_max"])

    def test_validation_layer_is_silent(self):
        self.save_qkv((1, 33, 2, 16), (1, 33, 2, 16), (1, 33, 2, 16))
        self.run_ok("attention", "--validate", "--causal", "last")

    def test_replaces_old_output(self):
        with open(self.path("o.npy"), "wb") as file:
            file.write(b"old")
        self.compare()
        self.assertEqual(sorted(os.listdir(self.folder)), ["k.npy", "lse.npy", "o.npy", "q.npy", "v.npy"])

    def test_npy_versions(self):
        shape = (1, 8, 2, 16)
        wanted = reference(*self.save_qkv(shape, shape, shape), dense_visible(8, 8))[0]
        for version in ((1, 0), (2, 0), (3, 0)):
            for name in ("q.npy", "k.npy", "v.npy"):
                array = np.load(self.path(name))
                with open(self.path(name), "wb") as file:
                    np.lib.format.write_array(file, array, version=version)
            self.run_ok("attention")
            self.check(wanted)


# ---- Neighborhood attention -------------------------------------------------------------------------------------------


class Neighborhood(ToolCase):
    def compare(self, extent, window, stride=None, dilation=None, causal=None, dtype="f32", heads=(2, 2), dim=32,
                extra=0):
        shape = lambda n: (2, *extent, n, dim)
        q, k, v = self.save_qkv(shape(heads[0]), shape(heads[1]), shape(heads[1]), dtype)
        options = ["--lse", self.path("lse.npy"), "--window", ",".join(map(str, window))]
        for name, values in (("stride", stride), ("dilation", dilation), ("causal", causal)):
            if values is not None:
                options += ["--" + name, ",".join(map(str, values))]
        if dtype == "bf16":
            options += ["--dtype", "bf16"]
        rank, tokens = len(extent), int(np.prod(extent))
        ones = (1,) * rank
        visible = grid_visible(extent, window, stride or ones, dilation or ones, causal or (0,) * rank)
        flat = lambda a: a.reshape(2, tokens, a.shape[-2], dim)
        q, k, v = flat(q), flat(k), flat(v)
        if extra:
            options += ["--extra-k", self.path("ek.npy"), "--extra-v", self.path("ev.npy")]
            k = np.concatenate([k, self.save("ek.npy", (2, extra, heads[1], dim), dtype)], axis=1)
            v = np.concatenate([v, self.save("ev.npy", (2, extra, heads[1], dim), dtype)], axis=1)
            visible = np.concatenate([visible, np.ones((tokens, extra), bool)], axis=1)
        self.run_ok("neighborhood", *options)
        out, lse = reference(q, k, v, visible)
        self.check(out.reshape(shape(heads[0])), dtype, lse)

    def test_one_axis(self):
        self.compare((37,), (7,))
        self.compare((37,), (6,), stride=(2,), dilation=(3,))

    def test_two_axes(self):
        self.compare((11, 13), (5, 7))
        self.compare((11, 13), (4, 5), stride=(2, 1), dilation=(2, 1), causal=(0, 1))

    def test_three_axes(self):
        self.compare((5, 6, 7), (3, 3, 5), stride=(1, 3, 2))

    def test_blocked(self):
        self.compare((12, 12), (4, 4), stride=(4, 4))

    def test_whole_grid(self):
        self.compare((6, 7), (6, 7))

    def test_dtypes(self):
        self.compare((9, 10), (3, 5), dtype="f16")
        self.compare((9, 10), (3, 5), dtype="bf16")

    def test_grouped_heads(self):
        self.compare((9, 10), (3, 5), heads=(4, 2))

    def test_extra_keys(self):
        self.compare((9, 10), (3, 5), extra=5)
        self.compare((30,), (7,), causal=(1,), extra=3, heads=(4, 2))


# ---- Refusals: broken files --------------------------------------------------------------------------------------------


class Files(ToolCase):
    def setUp(self):
        super().setUp()
        self.save_qkv((1, 8, 4, 16), (1, 8, 4, 16), (1, 8, 4, 16))

    def refuse(self, *words, code=1, options=()):
        self.run_refused("attention", [*self.files(), "--lse", self.path("lse.npy"), *options], code, *words)

    def overwrite(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def header(self, name, dictionary):
        """Replaces a file by one with the given header text and no data."""
        text = dictionary.encode() + b"\n"
        self.overwrite(name, b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_missing(self):
        os.remove(self.path("k.npy"))
        self.refuse("k.npy", "no such file")

    def test_folder(self):
        os.remove(self.path("k.npy"))
        os.mkdir(self.path("k.npy"))
        self.refuse("k.npy", "regular file")

    def test_not_npy(self):
        self.overwrite("v.npy", b"PK\x03\x04 is a zip")
        self.refuse("v.npy", "not an npy file")
        self.overwrite("v.npy", b"")
        self.refuse("v.npy", "not an npy file")

    def test_version(self):
        self.overwrite("q.npy", b"\x93NUMPY\x09\x00" + self.read("q.npy")[8:])
        self.refuse("q.npy", "version 9.0")

    def test_truncated_anywhere(self):
        whole = self.read("q.npy")
        for length in (3, 9, 11, 60, 127, 128, 129, len(whole) - 1):
            self.overwrite("q.npy", whole[:length])
            self.refuse("q.npy", "truncated" if length > 7 else "not an npy file")

    def test_too_long(self):
        self.overwrite("q.npy", self.read("q.npy") + b"x")
        self.refuse("q.npy", "too long")

    def test_fortran_order(self):
        np.save(self.path("q.npy"), np.asfortranarray(np.zeros((1, 8, 4, 16), "<f4")))
        self.refuse("q.npy", "fortran")

    def test_dtype(self):
        for dtype in ("<f8", ">f4", "<i4"):
            np.save(self.path("q.npy"), np.zeros((1, 8, 4, 16), dtype))
            self.refuse("q.npy", "dtype", dtype)

    def test_structured_dtype(self):
        np.save(self.path("q.npy"), np.zeros((1, 8, 4, 16), [("a", "<f4")]))
        self.refuse("q.npy", "dtype")

    def test_broken_headers(self):
        for text in ("", "{", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, -2)}",
                     "{'descr': '<f4', 'fortran_order': False, 'shape': 7}", "{'descr': '<f4', 'what': 1}",
                     "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}", "{'descr': '<f4", "[1, 2]",
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}"):
            self.header("q.npy", text)
            self.refuse("q.npy", "header")

    def test_overflowing_shape(self):
        self.header("q.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2, 2)}")
        self.refuse("q.npy", "overflow")
        self.header("q.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1, 1, 1)}")
        self.refuse("q.npy", "header")

    def test_huge_shape_without_data(self):
        self.header("q.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (1024, 1048576, 1024, 64)}")
        self.refuse("q.npy", "truncated")

    def test_rank(self):
        self.save("q.npy", (8, 4, 16))
        self.refuse("q.npy", "rank 3", "[batch, tokens, heads, dim]")
        self.save("q.npy", (1, 8, 4, 16))
        self.save("k.npy", (1, 2, 4, 4, 16))
        self.refuse("k.npy", "rank 5")

    def test_shape_mismatch(self):
        for name, shape, word in (("k.npy", (2, 8, 4, 16), "batch"), ("k.npy", (1, 8, 4, 12), "dim"),
                                  ("v.npy", (1, 9, 4, 16), "tokens"), ("v.npy", (1, 8, 2, 16), "heads")):
            self.save_qkv((1, 8, 4, 16), (1, 8, 4, 16), (1, 8, 4, 16))
            self.save(name, shape)
            self.refuse(name, "does not match", word)

    def test_dtype_mismatch(self):
        self.save("k.npy", (1, 8, 4, 16), "f16")
        self.refuse("k.npy", "'<f2'", "does not match", "'<f4'")

    def test_dtype_option(self):
        self.refuse("q.npy", "--dtype bf16", "<u2", options=["--dtype", "bf16"])
        self.refuse("q.npy", "--dtype f16", "<f2", options=["--dtype", "f16"])
        self.save_qkv((1, 8, 4, 16), (1, 8, 4, 16), (1, 8, 4, 16), "bf16")
        self.refuse("q.npy", "--dtype bf16")

    def test_output_cannot_be_written(self):
        options = self.files()
        options[-1] = self.path("nowhere/o.npy")
        self.run_refused("attention", options, 1, "nowhere/o.npy")
        options[-1] = self.folder
        self.run_refused("attention", options, 1, "regular file")

    def test_second_output_cannot_be_written(self):
        self.run_refused("attention", [*self.files(), "--lse", self.path("nowhere/l.npy")], 1, "nowhere/l.npy")


# ---- Refusals: rules and command lines -----------------------------------------------------------------------------------


class Rules(ToolCase):
    def setUp(self):
        super().setUp()
        self.save_qkv((1, 8, 8, 4, 16), (1, 8, 8, 4, 16), (1, 8, 8, 4, 16))

    def refuse(self, family, options, *words, code=1):
        self.run_refused(family, [*self.files(), *options], code, *words)

    def dense(self, q=(1, 8, 4, 16), k=(1, 8, 4, 16), v=None):
        self.save_qkv(q, k, v or k)

    def test_heads_not_divisible(self):
        self.dense(k=(1, 8, 3, 16))
        self.refuse("attention", [], "heads 4", "kv_heads 3")

    def test_scale(self):
        self.dense()
        for scale in ("nan", "inf"):
            self.refuse("attention", ["--scale", scale], "scale")

    def test_dim_too_large(self):
        self.dense(q=(1, 8, 4, 577), k=(1, 8, 4, 577))
        self.refuse("attention", [], "dim", "577")

    def test_empty_tensors(self):
        self.dense(q=(1, 0, 4, 16))
        self.refuse("attention", [], "q_len")
        self.dense(k=(1, 0, 4, 16))
        self.refuse("attention", [], "kv_len")
        self.dense(q=(0, 8, 4, 16), k=(0, 8, 4, 16))
        self.refuse("attention", [], "batch")
        self.dense(q=(1, 8, 0, 16))
        self.refuse("attention", [], "heads")
        self.dense(v=(1, 8, 4, 0))
        self.refuse("attention", [], "v.npy")

    def test_negative_window(self):
        self.dense()
        self.refuse("attention", ["--window", "-2,0"], "window")

    def test_impossible_tile(self):
        self.dense()
        self.refuse("attention", ["--tile", "1048576,0,0,0"], "tile")

    def test_neighborhood_rules(self):
        self.refuse("neighborhood", ["--window", "3,3", "--stride", "4,1"], "stride 4", "window 3")
        self.refuse("neighborhood", ["--window", "9,3"], "window 9", "8")
        self.refuse("neighborhood", ["--window", "3,3", "--dilation", "1,3"], "dilation 3", "8")
        self.refuse("neighborhood", ["--window", "0,3"], "window")
        self.refuse("neighborhood", ["--window", "3,3", "--stride", "0,1"], "stride")
        self.refuse("neighborhood", ["--window", "3,3", "--dilation", "0,1"], "dilation")
        self.refuse("neighborhood", ["--window", "1,1"], "window")

    def test_number_of_values(self):
        for name in ("window", "stride", "dilation", "causal"):
            options = ["--window", "3,3"] if name != "window" else []
            self.refuse("neighborhood", [*options, "--" + name, "1,1,1"], "--" + name, "rank 2", "got 3", code=2)
            self.refuse("neighborhood", [*options, "--" + name, "1"], "--" + name, "rank 2", "got 1", code=2)
        self.refuse("neighborhood", [], "--window", "required", code=2)
        self.dense()
        self.refuse("attention", ["--window", "3"], "--window", "got 1", code=2)

    def test_neighborhood_shapes(self):
        self.save("k.npy", (1, 8, 9, 4, 16))
        self.refuse("neighborhood", ["--window", "3,3"], "k.npy", "extent")
        self.save("q.npy", (1, 4, 4, 4, 4, 4, 16))
        self.refuse("neighborhood", ["--window", "3,3"], "q.npy", "rank 7")
        self.dense(q=(8, 4, 16))
        self.refuse("neighborhood", ["--window", "3"], "q.npy", "rank 3")

    def test_extra_keys(self):
        self.save("ek.npy", (1, 5, 4, 16))
        self.save("ev.npy", (1, 6, 4, 16))
        both = ["--extra-k", self.path("ek.npy"), "--extra-v", self.path("ev.npy")]
        self.refuse("neighborhood", ["--window", "3,3", *both], "ev.npy", "tokens")
        self.refuse("neighborhood", ["--window", "3,3", *both[:2]], "--extra-v", code=2)
        self.dense()
        self.refuse("attention", both, "--extra-k", code=2)

    def test_command_lines(self):
        self.dense()
        for options in (["--causal", "maybe"], ["--window", "3;4"], ["--window", "3,"], ["--scale", "x"],
                        ["--prefix", "-1"], ["--what"], ["--layout", "cubes"], ["--repeat", "0"], ["--dtype", "f64"],
                        ["--tile", "1,2"], ["extra"], ["--scale"], ["--repeat", "4294967296"]):
            self.refuse("attention", options, code=2)
        for missing in range(0, 8, 2):
            files = self.files()
            del files[missing:missing + 2]
            self.run_refused("attention", files, 2, "required")
        self.refuse("attention", ["--lse", self.path("o.npy")], "same file", code=2)
        for words in ([], ["convolution"], ["--q"]):
            code, out, err = run_tool("vatten_run", *words)
            self.assertEqual(code, 2)
            self.assertIn("family", err)

    def test_no_such_device(self):
        self.dense()
        self.refuse("attention", ["--device", "no such device"], "no such device")


# ---- The other tools --------------------------------------------------------------------------------------------------------


class Audit(ToolCase):
    SMALL = ("--dims", "16,8x24", "--only", "dense_f32_shared")

    def rows(self, name):
        with open(self.path(name), newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_compiles_what_the_table_can_choose(self):
        code, out, err = run_tool("vatten_audit", *self.SMALL, "--name", "here", "--csv", self.path("a.csv"))
        self.assertEqual(code, 0, err)
        rows = self.rows("a.csv")
        self.assertEqual(len(out.splitlines()), 2 + len(rows))
        self.assertEqual({row["device"] for row in rows}, {"here"})
        self.assertEqual({(row["dim"], row["value_dim"]) for row in rows}, {("16", "16"), ("8", "24")})
        ends = ("", "_full", "_rules", "_bytes", "_mass", "_mass_bytes", "_columns", "_columns_bytes")
        self.assertLessEqual({"attention_dense_f32_shared" + end for end in ends},
                             {row["kernel"] for row in rows})
        for row in rows:
            self.assertEqual(row["status"], "compiled", row)
            self.assertIn(row["kernel"], err)  # told before it is compiled
        code, out, err = run_tool("vatten_audit", *self.SMALL, "--json")
        self.assertEqual(code, 0, err)
        self.assertEqual([row["kernel"] for row in json.loads(out)], [row["kernel"] for row in rows])

    @staticmethod
    def manifest():
        """{name: layout} of the kernels that the build has, from the table that is made of shaders/kernels.cmake."""
        path = os.path.join(support.folder_of_tools, "..", "lib", "kernels_table.c")
        with open(path, encoding="utf-8") as file:
            return dict(re.findall(r'^ *\{"(\w+)",.*VATTEN_LAYOUT_(\w+)', file.read(), re.MULTILINE))

    def test_lists_every_kernel_that_the_device_can_have(self):
        chosen = json.loads(run_tool("vatten_info", "--json")[1])["chosen"]
        without = set() if chosen["type"] == "cpu" else {"ROWS", "STREAM"}
        has = {"MATRIX2": "cooperative_matrix_2", "ADDRESS": "buffer_device_address",
               "MATRIX_WORKGROUP": "cooperative_matrix_workgroup", "PACKED": "shader_float16",
               "PACKED_SHARED": "shader_float16", "HALF": "shader_float16", "MIXED": "mixed_dot_product",
               "DOT": "integer_dot_product"}
        without |= {n for n in has if has[n] not in chosen["features_used"]} | (set() if chosen["matrices"] else {"MATRIX"})
        without |= set() if chosen["type"] == "cpu" or chosen["dots_accelerated"] else {"DOT"}
        missing = "_bf16_matrix" if chosen["bf16_matrices"] == "" else " "
        manifest = self.manifest()
        self.assertGreater(len(manifest), 150)
        code, out, err = run_tool("vatten_audit", "--list", "--dims", "32")
        self.assertEqual(code, 0, err)
        lines = out.splitlines()
        self.assertEqual(len(lines), len(set(lines)))
        self.assertEqual({line.split()[0] for line in lines},
                         {name for name, layout in manifest.items() if layout not in without and missing not in name})
        self.assertIn("attention_dense_f16_shared_full 32x32 window", lines)
        self.assertEqual(run_tool("vatten_audit", "--list", "--only", "no such kernel")[0], 1)

    def test_lists_kernels_and_problems_that_are_named(self):
        code, out, err = run_tool("vatten_audit", "--list", "--dims", "32", "--only", "dense_f32_shared,neighborhood_f16_shared",
                                  "--problems", "boxes3 biased,causal,grid2")
        self.assertEqual(code, 0, err)
        self.assertEqual(out.splitlines(), ["attention_dense_f32_shared 32x32 causal", "attention_neighborhood_f16_shared 32x32 grid2"])
        code, _, err = run_tool("vatten_audit", "--list", "--problems", "caus")
        self.assertEqual(code, 1)
        self.assertIn("problem of caus", err)

    def test_lists_further_dims_of_some_dtypes(self):
        def dims(*words):
            code, out, err = run_tool("vatten_audit", "--list", "--only", "attention_dense", "--dims", "32", *words)
            self.assertEqual(code, 0, err)
            return {tuple(line.split(" ", 2)[:2]) for line in out.splitlines() if line.endswith(" causal")}

        of_all = dims()
        self.assertEqual({kernel for kernel, _ in of_all if kernel.endswith("16_shared") or kernel.endswith("32_shared")},
                         {f"attention_dense_{dtype}_shared" for dtype in ("f32", "f16", "bf16")})
        self.assertEqual({dim for _, dim in of_all}, {"32x32"})
        self.assertEqual(dims("--more-dims", "64,96x64", "--more-dtypes", "f16") - of_all,
                         {(kernel, dim) for kernel, _ in of_all if "_f16_" in kernel for dim in ("64x64", "96x64")})
        self.assertEqual(dims("--dtypes", "f16"), {(kernel, dim) for kernel, dim in of_all if "_f16_" in kernel})
        self.assertEqual(dims("--more-dims", "64"), of_all | {(kernel, "64x64") for kernel, _ in of_all})

    def test_compiles_kernels_without_tiles(self):
        wanted = {name for name, layout in self.manifest().items() if layout == "AUTO"}
        compiled = {}
        for part in sorted({name.split("_")[0] for name in wanted}):
            code, _, err = run_tool("vatten_audit", "--quiet", "--only", part, "--csv", self.path("a.csv"))
            self.assertEqual(code, 0, err)
            compiled.update({row["kernel"]: row["status"] for row in self.rows("a.csv")})
        self.assertEqual({name: compiled.get(name) for name in wanted}, dict.fromkeys(wanted, "compiled"))

    def write(self, name, **more):
        """A table of one row, from a real one."""
        row = {**self.rows("a.csv")[0], "spills": "0", "registers": "100", "occupancy": "8", **more}
        with open(self.path(name), "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row.keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerow(row)

    def compare(self, before, after):
        return run_tool("vatten_audit", "--quiet", "--read", self.path(after), "--compare", self.path(before))

    def test_compare(self):
        run_tool("vatten_audit", *self.SMALL, "--quiet", "--csv", self.path("a.csv"))
        self.write("before.csv", reason='said "no", twice')
        code, out, _ = self.compare("before.csv", "before.csv")
        self.assertEqual((code, out.splitlines()[0].split(",")[1]), (0, " 0 figures worse"))
        self.write("spills.csv", spills="3")
        code, out, _ = self.compare("before.csv", "spills.csv")
        self.assertEqual(code, 1)
        self.assertIn("spills 0 -> 3", out)
        self.write("registers.csv", registers="110", occupancy="4")
        code, out, _ = self.compare("before.csv", "registers.csv")
        self.assertEqual(code, 0)
        self.assertIn("worse: " + self.rows("a.csv")[0]["device"], out)
        self.assertIn("registers 100 -> 110", out)
        self.assertIn("occupancy 8 -> 4", out)
        self.write("wander.csv", registers="101")
        self.assertIn(" 0 figures worse", self.compare("before.csv", "wander.csv")[1])
        self.write("refused.csv", status="refused")
        self.assertEqual(self.compare("before.csv", "refused.csv")[0], 1)
        self.write("failed.csv", status="FAILED")
        self.assertEqual(self.compare("failed.csv", "failed.csv")[0], 1)

    def test_files_that_are_no_tables(self):
        for name, text in (("empty", ""), ("other", "a,b\n1,2\n"), ("missing", None)):
            if text is not None:
                with open(self.path(name), "w", encoding="utf-8") as file:
                    file.write(text)
            code, out, err = run_tool("vatten_audit", "--read", self.path(name))
            self.assertEqual((code, out), (1, ""))
            self.assertIn(self.path(name), err)

    def test_command_lines(self):
        for words in (("--dims", "0"), ("--dims", "577"), ("--dims", "8x8x8"), ("--more-dims", "0"),
                      ("--only", "no such kernel")):
            code, _, err = run_tool("vatten_audit", *words)
            self.assertEqual(code, 1, words)
            self.assertTrue(err.strip())
        self.assertEqual(run_tool("vatten_audit", "--nonsense")[0], 2)


if __name__ == "__main__":
    support.main(__doc__)
