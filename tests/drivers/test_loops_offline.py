#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counting instructions in loops, on short listings written by hand in the form of each driver."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import device_list
import loop_count
import loop_runs
import loop_sets
from loop_sets import BRANCH, EXCHANGE, FMA, GLOBAL, MATRIX, MOVE, OTHER, SHARED, WAIT


def read(instructions, text, subgroup=32):
    return loop_count.read(instructions, text, subgroup)


def kinds(instructions, text, subgroup=32):
    return [instruction.kind for instruction in read(instructions, text, subgroup)]


def loops(code):
    """[(head, size, [loops inside])]"""
    def of(level):
        return [(loop.head, len(loop.body), of(loop.inner)) for loop in level]
    return of(loop_count.loops_of(code))


class TheSets(unittest.TestCase):
    def test_each_faked_device_has_one(self):
        for device in device_list.DEVICES:
            self.assertEqual(loop_sets.of(device) is not None, not device.executes, device.ident)

    def test_amd(self):
        text = ("BB0:\n\tds_load_b128 v[0:3], v4 offset:16 ; d9\n\ts_waitcnt lgkmcnt(0) ; bf\n\ts_delay_alu instid0(X) ; bf\n"
                "\tv_fmac_f32_e32 v1, v2, v3 ; 57\n\tv_dual_fmac_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6 ; c8\n"
                "\tv_pk_fma_f16 v0, v1, v2, v3 ; cc\n\tv_fma_mix_f32 v4, s8, v4, neg(0) ; cc\n\tv_fma_mix_f32 v4, s8, v4, v1 ; cc\n"
                "\tv_mov_b32_dpp v1, v2 row_xmask:4 ; 7e\n\tv_max_f32_dpp v1, v2, v3 row_xmask:4 ; 20\n"
                "\tv_mov_b32_e32 v1, v2 ; 7e\n\tbuffer_load_b64 v[0:1], v2, s[0:3], 0 offen ; e0\n\ts_cbranch_scc0 BB0 ; bf\n")
        code = read(loop_sets.AMD, text, 64)
        self.assertEqual([i.kind for i in code], [SHARED, WAIT, loop_sets.HINT, FMA, FMA, FMA, OTHER, FMA, EXCHANGE, EXCHANGE,
                                                  MOVE, GLOBAL, BRANCH])
        self.assertEqual([i.macs for i in code if i.kind == FMA], [1, 2, 2, 1])
        self.assertEqual(code[2].turns, 0)
        self.assertEqual(loops(code), [(0, 13, [])])

    def test_amd_matrices_are_a_subgroups(self):
        code = read(loop_sets.AMD, "\tv_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7] ; cc\n", 64)
        self.assertEqual((code[0].kind, code[0].macs), (MATRIX, 64))

    def test_nvidia(self):
        text = ("block 0 L1 [] -> {\n      r64      = ffma.ftz r91 r87 r64  // delay=1 wt=000010\n"
                "      r88..92  = ld.shared.strong.cta.b128 [r68.x16+rZ+0x110], pT  // delay=2 wr:0\n"
                "      r69      = shfl.bfly r68 0x1 0x1f  // delay=2\n      r1 = mov r2 // delay=1\n"
                "      p1 null  = plop3 p2 p1 pT LUT[0xc0] LUT[0x0]  // delay=11\n"
                "      r4..8 = hmma.m16n8k16.f32 r1..3 r2..4 r4..8 // delay=14\n"
                "@!p1             bra pT L1    // delay=5\n} -> [0]\nblock 1 L2 [0] -> {\n      exit // delay=1\n}\n")
        code = read(loop_sets.NVIDIA, text)
        self.assertEqual([i.kind for i in code], [FMA, SHARED, EXCHANGE, MOVE, OTHER, MATRIX, BRANCH, BRANCH])
        self.assertEqual([i.cycles for i in code], [1, 2, 2, 1, 11, 14, 5, 1])
        self.assertEqual(code[5].macs, 64)
        self.assertEqual(loops(code), [(0, 7, [])])

    def test_intel_counts_lanes(self):
        text = ("L6:\n        mad (8)                   r100:f   r99:f  r10:f  r18<1>:f {F@6}\n"
                "(W)     sync.nop (1)                            null    {A@1}\n"
                "        send.slm (8)              r12     r125   null:0  // rd:4; load.slm.d32x4.a32\n"
                "        send.hdc1 (8)             r33     r32    null    0x2  // rd:4; untyped_read:xyzw simd8 (8) bti(2)\n"
                "        send.hdc1 (8)             r33     r32    null    0x2  // rd:4; untyped_read:xyzw simd8 (8) bti(254)\n"
                "(~f0.0) while (8)                             L6\n")
        code = read(loop_sets.INTEL, text, 16)
        self.assertEqual([i.kind for i in code], [FMA, WAIT, SHARED, GLOBAL, SHARED, BRANCH])
        self.assertEqual(code[0].macs, 0.5)
        self.assertEqual(loops(code), [(0, 6, [])])

    def test_adreno_repeats(self):
        text = ("l10:\n(sy)(ss)(rpt1)mad.f32 r0.x, (r)r1.x, r2.x, r3.x\n(nop3) add.f r16.x, r16.x, r8.z\n"
                "(ss)ldl.u32 r6.z, l[r8.x], 4\n"
                "shfl.xor.u32 r1.x, r2.x, 1\n(ss)br p0.y, #l10\nend\n; stats\nmad.f32 r0.x, r0.x, r0.x, r0.x\n")
        code = read(loop_sets.ADRENO, text)
        self.assertEqual([(i.kind, i.turns) for i in code], [(FMA, 2), (OTHER, 1), (WAIT, 3), (SHARED, 1), (EXCHANGE, 1),
                                                             (BRANCH, 1), (BRANCH, 1)])
        self.assertEqual(code[0].macs, 2)
        self.assertEqual(loops(code), [(0, 6, [])])

    def test_apple_jumps_by_bytes(self):
        text = ("   0: 62020000               ldimm    r0h, 0\n   6: 3a00    ffma     r0, r1, r2, r3\n"
                "   c: 05  shuffle r0, r1, r2\n"
                "  12: 00c0fad2ffff           jmp_any  -12\n  18: 8800   stop\n  1a: 3a00    ffma     r0, r1, r2, r3\n")
        code = read(loop_sets.APPLE, text)
        self.assertEqual([i.kind for i in code], [MOVE, FMA, EXCHANGE, BRANCH, BRANCH])
        self.assertEqual(loops(code), [(1, 3, [])])

    def test_mali(self):
        text = ("   MOV.i32 r27, r1\n   FMA.f32 r24, r29^, r41^, 0x0.neg\n"
                "   LOAD.i128.unsigned.slot1.wait1 @r26:r27, [r26^], offset:0\n"
                "   LD_PKA.i128.unsigned.slot2 @r1, r2, r3\n   BRANCHZ.reconverge r19.h0, offset:-4\n   NOP.end\n")
        code = read(loop_sets.VALHALL, text, 16)
        self.assertEqual([i.kind for i in code], [MOVE, FMA, SHARED, GLOBAL, BRANCH, WAIT])
        self.assertEqual(loops(code), [(1, 4, [])])

    def test_bifrost_pairs_are_one_instruction(self):
        text = ("clause_3:\nds(0) nbb\n{\n    *FMA.f32 t0, r35, r31, r27\n    +NOP t1\n    *NOP t0\n"
                "    +LOAD.i128.wls t1, t1, #0.x, @r28\n"
                "    *NOP t0\n    +BRANCHZ.i16.eq t1, t1.h0, clause_3\n}\n")
        self.assertEqual(kinds(loop_sets.BIFROST, text), [FMA, SHARED, BRANCH])
        self.assertEqual(loops(read(loop_sets.BIFROST, text)), [(0, 3, [])])

    def test_v3d_adds_and_multiplies_at_once(self):
        text = ("nop                           ; nop                         ; ldtmu.rf3\n"
                "fadd rf3, rf3, rf12           ; fmul rf6, rf53, rf54        ; ldtmu.rf56\nmov rf1, rf2      ; nop\n"
                "bu.anyap  -48, r:unif\nnop ; nop\nnop ; nop\nnop ; nop\n")
        code = read(loop_sets.V3D, text, 16)
        self.assertEqual([i.kind for i in code], [GLOBAL, FMA, MOVE, BRANCH, WAIT, WAIT, WAIT])
        self.assertEqual(loops(code), [(1, 6, [])])

    def test_powervr_is_printed_twice(self):
        text = ("shader ir before passes:\n    block B7:\n        0001: fmad %1, %2, %3;\nshader ir after passes:\n    block B7:\n"
                "        0002: { s0 = r44, is4 = ft0 p0: fmad ft0, s0, s1, s2; w0 = r40 }\n"
                "        0003: { s0 = sh34, is4 = ft0 p0: mbyp ft0, s0; w0 = r0 }\n        0004: if(p0) { ctrl: br B7; }\n")
        code = read(loop_sets.POWERVR, text)
        self.assertEqual([i.kind for i in code], [FMA, MOVE, BRANCH])
        self.assertEqual(loops(code), [(0, 3, [])])


def amd(*lines):
    return read(loop_sets.AMD, "".join(line + "\n" if line.endswith(":") else f"\t{line} ; 00\n" for line in lines), 64)


class TheLoops(unittest.TestCase):
    def test_a_latch_that_stands_elsewhere(self):
        code = amd("s_nop", "BB1:", "v_add_f32 v0, v0, v0", "s_cbranch_scc1 BB9", "v_mul_f32 v0, v0, v0", "s_endpgm", "BB9:",
                   "v_mov_b32 v0, v1", "s_branch BB1")
        self.assertEqual([sorted(loop.body) for loop in loop_count.loops_of(code)], [[1, 2, 5, 6]])

    def test_nesting(self):
        code = amd("BB1:", "s_nop 0", "BB2:", "s_nop 0", "s_cbranch_scc0 BB2", "BB3:", "s_nop 0", "s_cbranch_scc0 BB3",
                   "s_cbranch_scc0 BB1")
        self.assertEqual(loops(code), [(0, 6, [(1, 2, []), (3, 2, [])])])


FMAC = "v_fmac_f32_e32 v0, v1, v2"


def kernel(scores, outputs, rest=()):
    """A loop over tiles with an inner loop that makes `scores` multiply-adds a turn, and `outputs` unrolled."""
    return amd("BB1:", "buffer_load_b64 v0", "BB2:", "ds_load_b128 v0", *[FMAC] * scores, "s_cbranch_scc0 BB2",
               "ds_load_b128 v0", *[FMAC] * outputs, *rest, "s_cbranch_scc0 BB1", "s_endpgm")


class TheSums(unittest.TestCase):
    TILE = loop_count.Tile(scores=64, outputs=64, score_step=4, output_step=8)

    def test_loops_turn_as_often_as_the_tile_asks(self):
        found = loop_count.measure(kernel(8, 64), self.TILE, False)
        self.assertEqual(found.hot.macs, 128)
        self.assertEqual(found.whole.turns[FMA], 128)
        self.assertEqual(found.whole.turns[SHARED], 8 + 1)
        self.assertEqual(found.whole.turns[BRANCH], 8 + 1)
        self.assertEqual(found.whole.total, 1 + 8 * 10 + 1 + 64 + 1)
        self.assertEqual(found.hot.total, 8 * 10 + 1 + 64 + 1)
        self.assertEqual((found.over, found.others, found.unrolled), (0, 0, False))

    def test_other_multiply_adds_of_a_turn_are_told_apart(self):
        found = loop_count.measure(kernel(9, 66), self.TILE, False)
        self.assertEqual(found.whole.turns[FMA], 8 * 9 + 66)
        self.assertAlmostEqual(found.over, 2 / 128)

    def test_unrolled(self):
        found = loop_count.measure(amd("BB1:", *[FMAC] * 130, "s_cbranch_scc0 BB1"), self.TILE, False)
        self.assertTrue(found.unrolled)
        self.assertAlmostEqual(found.over, 2 / 128)

    def test_chunks_turn_what_is_around(self):
        code = amd("BB1:", "s_nop 0", "BB2:", "buffer_load_b64 v0", "BB3:", *[FMAC] * 4, "s_cbranch_scc0 BB3", "s_cbranch_scc0 BB2",
                   *[FMAC] * 64, "s_cbranch_scc0 BB1")
        found = loop_count.measure(code, loop_count.Tile(64, 64, 4, 8, chunks=4), False)
        self.assertEqual(found.whole.turns[GLOBAL], 4)
        self.assertEqual(found.whole.turns[FMA], 128)

    def test_loops_without_products_count_once(self):
        found = loop_count.measure(kernel(8, 64, ("BB5:", "v_mov_b32 v0, v1", "s_cbranch_scc0 BB5")), self.TILE, False)
        self.assertEqual((found.others, found.whole.turns[MOVE]), (1, 1))

    def test_what_does_not_come_out_is_told(self):
        for code in (kernel(8, 40), kernel(8, 90), kernel(3, 64), kernel(7, 20), amd(*[FMAC] * 128)):
            with self.assertRaises(loop_count.Unreadable):
                loop_count.measure(code, self.TILE, False)

    def test_matrices(self):
        code = amd("BB1:", *["v_wmma_f32_16x16x16_f16 v0"] * 2, FMAC, "s_cbranch_scc0 BB1")
        found = loop_count.measure(code, loop_count.Tile(64, 64), True)
        self.assertEqual((found.whole.turns[MATRIX], found.whole.turns[FMA], found.over), (2, 1, 0))


class TheRuns(unittest.TestCase):
    ROW = {"kernel": "k", "problem": "masked", "dim": "64", "value_dim": "64", "layout": "subgroup", "workgroup": "128",
           "rows": "32", "keys": "8", "lanes_per_row": "8", "subgroup_size": "64", "status": "compiled", "device": "d", "driver": "",
           "registers": "9", "occupancy": "1"}
    LOG = ("vatten_audit: d: k boxes3 biased 64x64\n@@ pipeline\n\n@@ executable 64 compute\n\n@@ text NIR\nnir\n\n"
           "@@ text Assembly\nold\n\n@@ end\n@@ pipeline\n\n@@ executable 32 compute\n\n@@ text Assembly\nnone\n\n@@ executable 64 compute\n\n"
           "@@ text Assembly\n\tcode\n\n@@ end\nvatten_audit: d: k masked 64x64\nvatten_audit: 2 compiled\n")

    def test_the_last_code_of_each_row(self):
        texts = loop_runs.texts_of(self.LOG, "d", loop_sets.AMD)
        self.assertEqual({key: text.strip() for key, text in texts.items()}, {("k", "boxes3 biased", "64x64"): "code"})

    def test_what_is_printed_while_a_pipeline_is_made(self):
        texts = loop_runs.texts_of("vatten_audit: d: k masked 64x64\n@@ pipeline\n   0: code\n\n@@ executable 32 c\n\n@@ end\n",
                                   "d", loop_sets.APPLE)
        self.assertIn("0: code", texts["k", "masked", "64x64"])

    def test_tiles(self):
        tile = loop_runs.tile_of(self.ROW)
        self.assertEqual((tile.scores, tile.outputs, tile.score_step, tile.output_step, tile.chunks), (128, 128, 8, 16, 1))
        self.assertEqual(loop_runs.tile_of({**self.ROW, "dim": "128"}).chunks, 4)
        self.assertEqual(loop_runs.tile_of({**self.ROW, "layout": "matrix2"}).score_step, 0)

    def test_rows(self):
        text = "BB1:\n" + f"\t{FMAC} ; 00\n" * 256 + "\ts_nop 0 ; bf\n" * 255 + "\ts_cbranch_scc0 BB1 ; bf\n"
        good, wrong = loop_runs.judge([self.ROW, {**self.ROW, "status": "refused"}], {("k", "masked", "64x64"): text}, loop_sets.AMD)
        self.assertEqual(wrong, [])
        self.assertEqual((good[0]["product_share"], good[0]["tile_rate"], good[0]["fma"]), ("0.5", "0.5", "256"))
        self.assertEqual(set(good[0]), set(loop_runs.FIELDS))

    def test_too_few_multiply_adds_are_wrong(self):
        rows = [{"kernel": "k", "problem": "p", "dim": "64", "layout": layout, "product_share": share}
                for layout, share in (("subgroup", "0.59"), ("subgroup", "0.6"), ("shared", "0.4"))]
        self.assertEqual(len(loop_runs.below_goal("amd", rows)), 1)
        self.assertIn("0.59", loop_runs.below_goal("nvidia", rows)[0])
        self.assertEqual(loop_runs.below_goal("arm", rows), [])

    def test_no_code_is_wrong(self):
        good, wrong = loop_runs.judge([self.ROW], {}, loop_sets.AMD)
        self.assertEqual(good, [])
        self.assertIn("no code", wrong[0])


if __name__ == "__main__":
    unittest.main()
