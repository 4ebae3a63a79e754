/* SPDX-License-Identifier: MIT
 *
 * iface/interface.h is read by C and by GLSL: what both rely on.
 */
#include "unit.h"

#include "steps.h"

static void the_push_block_has_the_128_bytes_that_vulkan_guarantees(void **state) {
    (void)state;
    assert_int_equal(sizeof(vt_push), 128);
    /* std430 packs scalars without gaps; the first and the last field stand where 4-byte fields alone put
     * them */
    assert_int_equal(offsetof(vt_push, q_len), 0);
    assert_int_equal(offsetof(vt_push, scale_log2), 24);
    assert_int_equal(offsetof(vt_push, flags), 124);
}

static void slots_are_unique_and_count_from_zero(void **state) {
    (void)state;
    const uint32_t slots[] = {VT_SLOT_Q,   VT_SLOT_K,     VT_SLOT_V,    VT_SLOT_OUT,
                              VT_SLOT_LSE, VT_SLOT_CARRY, VT_SLOT_BIAS, VT_SLOT_LIST_BIAS};
    assert_int_equal(sizeof slots / sizeof slots[0], VT_SLOT_COUNT);
    for (uint32_t i = 0; i < VT_SLOT_COUNT; ++i)
        assert_int_equal(slots[i], i);
    assert_int_equal(VT_SLOT_COUNT_PLAIN, VT_SLOT_OUT + 1);
    assert_int_equal(VT_SLOT_COUNT_FULL, VT_SLOT_CARRY + 1);
    assert_int_equal(vt_io_slots(VT_IO_PLAIN), 4);
    assert_int_equal(vt_io_slots(VT_IO_FULL), 6);
    assert_int_equal(vt_io_slots(VT_IO_BIAS), 7);
    assert_int_equal(vt_io_slots(VT_IO_LISTS), 7);
    assert_int_equal(vt_io_slots(VT_IO_LISTS_BIAS), 8);
    assert_int_equal(VT_SLOT_LISTS, VT_SLOT_BIAS);
}

static void specialization_ids_are_unique_and_without_gaps(void **state) {
    (void)state;
    const uint32_t ids[] = {
        VT_SPEC_WORKGROUP,
        VT_SPEC_ROWS,
        VT_SPEC_KEYS,
        VT_SPEC_LANES_PER_ROW,
        VT_SPEC_DIM,
        VT_SPEC_VALUE_DIM,
        VT_SPEC_DIM_PAD,
        VT_SPEC_VALUE_PAD,
        VT_SPEC_DIM_CHUNK,
        VT_SPEC_VECTOR,
        VT_SPEC_MASK,
        VT_SPEC_WINDOW,
        VT_SPEC_WINDOW + 1,
        VT_SPEC_WINDOW + 2,
        VT_SPEC_STRIDE,
        VT_SPEC_STRIDE + 1,
        VT_SPEC_STRIDE + 2,
        VT_SPEC_DILATION,
        VT_SPEC_DILATION + 1,
        VT_SPEC_DILATION + 2,
        VT_SPEC_BOX,
        VT_SPEC_BOX + 1,
        VT_SPEC_BOX + 2,
        VT_SPEC_SUBGROUP,
        VT_SPEC_MATRIX,
        VT_SPEC_MATRIX + 1,
        VT_SPEC_MATRIX + 2,
        VT_SPEC_ROLL,
        VT_SPEC_ROLL + 1,
        VT_SPEC_ROLL + 2,
        VT_SPEC_TABLE,
        VT_SPEC_TABLE + 1,
        VT_SPEC_TABLE + 2,
        VT_SPEC_LIST_HEADS,
        VT_SPEC_LIST_BIAS_GROUP,
        VT_SPEC_LIST_BIAS_BATCH,
        VT_SPEC_LIST_SLOT_HEADS,
    };
    int seen[VT_SPEC_COUNT] = {0};
    for (uint32_t i = 0; i < sizeof ids / sizeof ids[0]; ++i) {
        assert_true(ids[i] < VT_SPEC_COUNT);
        assert_int_equal(seen[ids[i]]++, 0);
    }
}

/* What lists have in place of what only grids have. */
static void specialization_ids_of_lists_do_not_share(void **state) {
    (void)state;
    const uint32_t ids[] = {
        VT_SPEC_MASK,
        VT_SPEC_SUBGROUP,
        VT_SPEC_MATRIX,
        VT_SPEC_MATRIX + 1,
        VT_SPEC_MATRIX + 2,
        VT_SPEC_LIST_KIND,
        VT_SPEC_LIST_Q_BLOCK,
        VT_SPEC_LIST_KV_BLOCK,
        VT_SPEC_LIST_ENTRIES,
        VT_SPEC_LIST_ROW,
        VT_SPEC_LIST_GROUP,
        VT_SPEC_LIST_LEFT,
        VT_SPEC_LIST_RIGHT,
        VT_SPEC_LIST_PREFIX,
        VT_SPEC_LIST_STRIDE,
        VT_SPEC_LIST_PHASE,
        VT_SPEC_LIST_EXTENT,
        VT_SPEC_LIST_EXTENT + 1,
        VT_SPEC_LIST_Q_BOX,
        VT_SPEC_LIST_Q_BOX + 1,
        VT_SPEC_LIST_KV_BOX,
        VT_SPEC_LIST_KV_BOX + 1,
        VT_SPEC_LIST_HEADS,
        VT_SPEC_LIST_BIAS_GROUP,
        VT_SPEC_LIST_BIAS_BATCH,
        VT_SPEC_LIST_SLOT_HEADS,
    };
    int seen[VT_SPEC_COUNT] = {0};
    for (uint32_t i = 0; i < sizeof ids / sizeof ids[0]; ++i) {
        assert_in_range(ids[i], VT_SPEC_MASK, VT_SPEC_COUNT - 1);
        assert_int_equal(seen[ids[i]]++, 0);
    }
}

/* Dense rules take all ids from the mask on. */
static void specialization_ids_of_rules_do_not_share(void **state) {
    (void)state;
    const uint32_t ids[] = {
        VT_SPEC_MASK,
        VT_SPEC_SUBGROUP,
        VT_SPEC_MATRIX,
        VT_SPEC_MATRIX + 1,
        VT_SPEC_MATRIX + 2,
        VT_SPEC_RULE_LEFT,
        VT_SPEC_RULE_RIGHT,
        VT_SPEC_RULE_PREFIX,
        VT_SPEC_RULE_CHUNK,
        VT_SPEC_RULE_STRIDE,
        VT_SPEC_RULE_PHASE,
        VT_SPEC_TILE_HEADS,
        VT_SPEC_SPLITS,
        VT_SPEC_PAGE,
        VT_SPEC_POOL_PAGES,
        VT_SPEC_ROW_PAGES,
        VT_SPEC_LENGTHS,
        VT_SPEC_HEAD_FIELDS,
        VT_SPEC_HEAD_BATCH,
        VT_SPEC_SOFTCAP,
        VT_SPEC_NORMALISER,
        VT_SPEC_BIAS,
        VT_SPEC_BIAS_GROUP,
        VT_SPEC_BIAS_STRIDE,
        VT_SPEC_BIAS_STRIDE + 1,
        VT_SPEC_BIAS_STRIDE + 2,
        VT_SPEC_BIAS_STRIDE + 3,
        VT_SPEC_BIAS_EXTENT,
        VT_SPEC_BIAS_EXTENT + 1,
        VT_SPEC_BIAS_EXTENT + 2,
        VT_SPEC_BIAS_REACH,
        VT_SPEC_BIAS_REACH + 1,
        VT_SPEC_BIAS_REACH + 2,
        VT_SPEC_TABLE_HEADS,
        VT_SPEC_TABLE_Q_LENGTHS,
        VT_SPEC_TABLE_KV_LENGTHS,
        VT_SPEC_TABLE_Q_STARTS,
        VT_SPEC_TABLE_KV_STARTS,
        VT_SPEC_TABLE_PAGES,
        VT_SPEC_TABLE_Q_SEGMENTS,
        VT_SPEC_TABLE_KV_SEGMENTS,
        VT_SPEC_TABLE_VISIBLE,
        VT_SPEC_TABLE_INTERVALS,
        VT_SPEC_TABLE_EXPIRY,
        VT_SPEC_TABLE_BITS,
        VT_SPEC_TABLE_SPANS,
        VT_SPEC_SEGMENTS,
        VT_SPEC_MASK_GROUP,
        VT_SPEC_MASK_HEADS,
        VT_SPEC_MASK_BATCH,
        VT_SPEC_Q_CAPACITY,
        VT_SPEC_KV_CAPACITY,
        VT_SPEC_HEADS,
        VT_SPEC_SEQUENCES,
        VT_SPEC_STATE_VALUES,
        VT_SPEC_STATE_LANES,
        VT_SPEC_STATE_CALLER,
        VT_SPEC_KV_BLOCK,
        VT_SPEC_TOUCH,
        VT_SPEC_HOLD,
        VT_SPEC_STAGE_WORDS,
    };
    int seen[VT_SPEC_COUNT] = {0};
    for (uint32_t i = 0; i < sizeof ids / sizeof ids[0]; ++i) {
        assert_in_range(ids[i], VT_SPEC_MASK, VT_SPEC_COUNT - 1);
        assert_int_equal(seen[ids[i]]++, 0);
    }
}

static void bits_do_not_share(void **state) {
    (void)state;
    const uint32_t masks[] = {VT_MASK_CAUSAL,  VT_MASK_LEFT,      VT_MASK_RIGHT,   VT_MASK_ALIGN_FIRST,
                              VT_MASK_STRIDED, VT_MASK_ROW_MASKS, VT_MASK_Q_BOXES, VT_MASK_KV_BOXES};
    const uint32_t axes[] = {7 * VT_MASK_CAUSAL_AXES, 7 * VT_MASK_OPEN_AXES, 7 * VT_MASK_ZERO_AXES,
                             VT_MASK_WEIGHTS, VT_MASK_WHOLE};
    assert_int_equal(axes[0] ^ axes[1] ^ axes[2] ^ axes[3] ^ axes[4],
                     axes[0] + axes[1] + axes[2] + axes[3] + axes[4]);
    const uint32_t flags[] = {VT_FLAG_LSE, VT_FLAG_CARRY_IN, VT_FLAG_CARRY_OUT};
    const uint32_t rules[] = {VT_SELECT_CAUSAL,   VT_SELECT_OWN,          VT_SELECT_SOFTMAX,
                              VT_SELECT_MIN_MAX,  VT_SELECT_CROSSING_OUT, VT_SELECT_COUNTS,
                              VT_SELECT_COMPLETE, VT_SELECT_BIAS,         VT_SELECT_BY_BLOCK};
    uint32_t all_masks = 0;
    uint32_t all_flags = 0;
    uint32_t all_rules = 0;
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; ++i) {
        assert_true(masks[i] != 0 && (all_masks & masks[i]) == 0);
        all_masks |= masks[i];
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; ++i) {
        assert_true(flags[i] != 0 && (all_flags & flags[i]) == 0);
        all_flags |= flags[i];
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; ++i) {
        assert_true(rules[i] != 0 && (all_rules & rules[i]) == 0);
        all_rules |= rules[i];
    }
}

/* In the order in which they run. */
static void passes_of_rank_count_from_zero(void **state) {
    (void)state;
    const uint32_t passes[] = {VT_RANK_JOIN,   VT_RANK_MEASURE, VT_RANK_START,       VT_RANK_MASS,
                               VT_RANK_GOAL,   VT_RANK_WEIGH,   VT_RANK_PICK_WEIGHT, VT_RANK_TIES,
                               VT_RANK_BUDGET, VT_RANK_COUNT,   VT_RANK_PICK,        VT_RANK_ENDS,
                               VT_RANK_SCAN,   VT_RANK_MARK,    VT_RANK_LIST};
    assert_int_equal(sizeof passes / sizeof passes[0], VT_RANK_PASSES);
    for (uint32_t i = 0; i < VT_RANK_PASSES; ++i)
        assert_int_equal(passes[i], i);
}

static bool is_built(vt_map map, vatten_dtype dtype, vatten_layout layout, vt_io io, bool wide) {
    bool widens = layout == VATTEN_LAYOUT_ADDRESS && dtype != VATTEN_DTYPE_F32 && io != VT_IO_BYTES;
    if (wide && !widens)
        return false;
    bool ruled = io == VT_IO_RULES || io == VT_IO_BYTES, mass = io >= VT_IO_MASS && io <= VT_IO_COLUMNS_BYTES;
    if ((io == VT_IO_BIAS && map != VT_MAP_NEIGHBORHOOD) || ((ruled || mass) && map != VT_MAP_DENSE) ||
        (io >= VT_IO_LISTS) != (map == VT_MAP_LISTS))
        return false;
    if (layout == VATTEN_LAYOUT_STREAM)
        return ruled;
    if (layout == VATTEN_LAYOUT_ADDRESS)
        return !mass;
    if (vt_layout_stages_f16(layout))
        return dtype == VATTEN_DTYPE_F16 && io != VT_IO_BYTES && !mass && vt_kernels_have(layout);
    if (layout == VATTEN_LAYOUT_DOT)
        return io == VT_IO_BYTES;
    bool matrices = io != VT_IO_BYTES && !mass && vt_kernels_have_dtype(layout, dtype);
    return !vt_layout_has_matrices(layout) || (dtype != VATTEN_DTYPE_F32 && matrices);
}

static void every_kind_of_kernel_is_in_the_table_once(void **state) {
    (void)state;
    uint32_t found = 0;
    for (vt_map map = VT_MAP_DENSE; map <= VT_MAP_LISTS; ++map)
        for (vatten_dtype dtype = VATTEN_DTYPE_F32; dtype <= VATTEN_DTYPE_BF16; ++dtype)
            for (vatten_layout layout = VATTEN_LAYOUT_ROWS; layout < VATTEN_LAYOUT_COUNT; ++layout)
                for (int each = VT_IO_PLAIN; each < 2 * VT_IO_COUNT; ++each) {
                    vt_io io = (vt_io)(each / 2);
                    bool wide = each % 2;
                    if (!is_built(map, dtype, layout, io, wide))
                        continue;
                    uint32_t i = vt_kernel_find(map, dtype, layout, io, wide);
                    assert_true(i < vt_kernel_count);
                    const vt_kernel *kernel = &vt_kernels[i];
                    assert_true(kernel->map == map && kernel->dtype == dtype && kernel->layout == layout &&
                                kernel->io == io && kernel->wide == wide);
                    ++found;
                }
    for (vt_task task = VT_TASK_POOL; task <= VT_TASK_APPEND_I8; ++task) {
        bool many = task == VT_TASK_POOL || task == VT_TASK_POOL_KEEP || task == VT_TASK_SCORE ||
                    task == VT_TASK_COMBINE || task >= VT_TASK_APPEND_F32;
        vatten_dtype last = many ? VATTEN_DTYPE_BF16 : VATTEN_DTYPE_F32;
        vatten_dtype first = task == VT_TASK_POOL_KEEP ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32;
        for (vatten_dtype dtype = first; dtype <= last; ++dtype) {
            uint32_t i = vt_kernel_of_task(task, dtype);
            assert_true(i < vt_kernel_count && vt_kernels[i].task == task && vt_kernels[i].dtype == dtype);
            ++found;
        }
    }
    assert_int_equal(found, vt_kernel_count);
}

/* attention_<map>_<dtype>_<layout>[_wide][_full|_bias|_rules|_bytes...] or <task>_<dtype>, as vatten_plan_info.kernel shows it: it has
 * 64 bytes. */
static void a_kernels_name_is_its_address(void **state) {
    (void)state;
    const char *const maps[] = {"dense", "neighborhood", "lists"};
    const char *const dtypes[] = {NULL, "f32", "f16", "bf16"};
    const char *const layouts[] = {
        NULL,      "rows",    "subgroup",         "shared", "matrix",        "stream",
        "matrix2", "address", "matrix_workgroup", "packed", "packed_shared", "half",
        "mixed",   "dot"};
    const char *const ios[] = {"",      "_full",       "_bias",    "_rules",         "_bytes",
                               "_mass", "_mass_bytes", "_columns", "_columns_bytes", "",
                               "_bias"};
    const char *const tasks[] = {"attention", "pool",       "pool_keep",  "score",       "select",
                                 "mark",      "invert",     "spans",      "combine",     "rank",
                                 "topk",      "append_f32", "append_f16", "append_bf16", "append_i8"};
    for (uint32_t i = 0; i < vt_kernel_count; ++i) {
        const vt_kernel *kernel = &vt_kernels[i];
        char name[64];
        if (kernel->task != VT_TASK_ATTEND) {
            snprintf(name, sizeof name, "%s_%s", tasks[kernel->task], dtypes[kernel->dtype]);
            assert_string_equal(kernel->name, name);
            continue;
        }
        int size =
            snprintf(name, sizeof name, "attention_%s_%s_%s%s%s", maps[kernel->map], dtypes[kernel->dtype],
                     layouts[kernel->layout], kernel->wide ? "_wide" : "", ios[kernel->io]);
        assert_true(size < 64);
        assert_string_equal(kernel->name, name);
    }
}

static void an_unknown_kernel_is_not_found(void **state) {
    (void)state;
    assert_int_equal(vt_kernel_find(VT_MAP_DENSE, (vatten_dtype)9, VATTEN_LAYOUT_ROWS, VT_IO_PLAIN, false),
                     vt_kernel_count);
    assert_int_equal(vt_kernel_find(VT_MAP_DENSE, VATTEN_DTYPE_F32, VATTEN_LAYOUT_AUTO, VT_IO_PLAIN, false),
                     vt_kernel_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_push_block_has_the_128_bytes_that_vulkan_guarantees),
        cmocka_unit_test(slots_are_unique_and_count_from_zero),
        cmocka_unit_test(specialization_ids_are_unique_and_without_gaps),
        cmocka_unit_test(specialization_ids_of_lists_do_not_share),
        cmocka_unit_test(specialization_ids_of_rules_do_not_share),
        cmocka_unit_test(bits_do_not_share),
        cmocka_unit_test(passes_of_rank_count_from_zero),
        cmocka_unit_test(every_kind_of_kernel_is_in_the_table_once),
        cmocka_unit_test(a_kernels_name_is_its_address),
        cmocka_unit_test(an_unknown_kernel_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
