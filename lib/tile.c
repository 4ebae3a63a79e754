/* SPDX-License-Identifier: MIT */
#include "tile.h"

#include "repack.h"
#include "sizes.h"
#include "tune_workgroup.h"

#include <iface/interface.h>

static uint32_t round_up(uint32_t a, uint32_t b) {
    return (uint32_t)vt_round_up(a, b);
}

/* Queries up to such a padded dim stay in the registers of layouts with matrices. On AMD RDNA 3, where a matrix takes most,
 * they fill a quarter of them then; without their shared memory twice as many subgroups fit. MATRIX2 has more in its
 * registers and less in shared memory: there RDNA 3 spills at dim 128, and no cycle is gained. */
#define HELD_DIM         128
#define HELD_DIM_MATRIX2 64
#define HELD_DIM_CPU     16 /* what is unrolled for that takes LLVM minutes at dim 128 */

static uint32_t max_u32(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

bool vt_tile_owns_rows(const vt_tile *tile) {
    return tile->layout == VATTEN_LAYOUT_ROWS || tile->layout == VATTEN_LAYOUT_ADDRESS;
}

/* Dims are padded to what a layout loops over. ROWS and ADDRESS move rows in and out by chunks of 8, and each lane of ROWS
 * loads an element of a row or more. In the split layouts q . k goes through shared memory in chunks of
 * 32, or at once for small dims (PACKED takes eight dims at a time), and each lane of a row owns whole groups of four outputs. In
 * STREAM each lane of the workgroup owns whole groups of four of both dims. Matrices are whole. DOT has whole words of a key, at
 * once. */
static void pad_dims(vt_tile *tile, const vt_problem *problem) {
    uint32_t dim = max_u32(problem->dim, 1); /* arrays of no element are not to be had */
    if (vt_tile_owns_rows(tile)) {
        uint32_t least = tile->layout == VATTEN_LAYOUT_ROWS ? tile->workgroup : 1;
        tile->dim_chunk = 8;
        tile->dim_pad = round_up(max_u32(dim, least), tile->dim_chunk);
        tile->value_pad = round_up(max_u32(problem->value_dim, least), tile->dim_chunk);
        return;
    }
    if (vt_layout_has_matrices(tile->layout)) {
        tile->dim_chunk = tile->matrix.k;
        tile->dim_pad = round_up(dim, tile->matrix.k);
        tile->value_pad = round_up(problem->value_dim, tile->matrix.n);
        return;
    }
    if (tile->layout == VATTEN_LAYOUT_STREAM) {
        tile->dim_chunk = 4 * tile->workgroup;
        tile->dim_pad = round_up(dim, tile->dim_chunk);
        tile->value_pad = round_up(problem->value_dim, tile->dim_chunk);
        return;
    }
    uint32_t least = vt_layout_is_packed(tile->layout) ? 8 : 4;
    uint32_t most = vt_layout_stages_f16(tile->layout) ? 128 : 64;
    bool dots = tile->layout == VATTEN_LAYOUT_DOT;
    tile->dim_chunk = dots ? round_up(dim, VT_DOT_UNIT) : dim <= most ? round_up(dim, least) : 32;
    tile->dim_pad = round_up(dim, tile->dim_chunk);
    tile->value_pad = round_up(problem->value_dim, 4 * tile->lanes_per_row);
}

static bool holds_queries(const vt_caps *caps, const vt_tile *tile) {
    if (!vt_layout_has_matrices(tile->layout))
        return false;
    if (tile->layout == VATTEN_LAYOUT_MATRIX_WORKGROUP)
        return true;
    if (vt_caps_is_cpu(caps))
        return tile->dim_pad <= HELD_DIM_CPU;
    return tile->dim_pad <= (tile->layout == VATTEN_LAYOUT_MATRIX2 ? HELD_DIM_MATRIX2 : HELD_DIM);
}

/* As matrix_tiles.glsl declares it, and layout_matrix.glsl beside it. */
static uint32_t matrix_bytes(const vt_tile *tile) {
    uint32_t q_stride = tile->dim_pad / 4 + 2;
    uint32_t v_stride = tile->value_pad / 4 + 2;
    uint32_t q_size = tile->rows * q_stride;
    uint32_t kv_size = tile->keys * max_u32(q_stride, v_stride);
    uint32_t bytes = 8 * (tile->hold ? max_u32(q_size, kv_size) : q_size + kv_size);
    if (tile->layout == VATTEN_LAYOUT_MATRIX2)
        return bytes;
    return bytes + tile->rows * ((tile->keys / 4 + 2) * 8 + (tile->keys / 4 + 1) * 16);
}

static uint32_t dot_digits(const vt_problem *problem) {
    return problem->dtype == VATTEN_DTYPE_F32 ? VT_DOT_DIGITS_F32 : VT_DOT_DIGITS_16;
}

uint32_t vt_tile_stage_words(const vt_tile *tile) {
    uint32_t elements = tile->layout == VATTEN_LAYOUT_DOT ? VT_DOT_UNIT : 4;
    return max_u32(tile->dim_chunk / elements + 1, tile->value_pad / 4);
}

/* As products_dot.glsl declares it. */
static uint32_t dot_bytes(const vt_problem *problem, const vt_tile *tile) {
    uint32_t units = problem->dim / VT_DOT_UNIT;
    uint32_t q_size = tile->rows * (dot_digits(problem) * units + 1);
    uint32_t kv_size = tile->keys * vt_tile_stage_words(tile);
    return 16 * (q_size + kv_size) + 4 * problem->dim / problem->kv_block * (tile->rows + tile->keys);
}

/* Lanes of a row talk through shared memory, not by shuffles; of the split layouts. */
static bool talks_by_memory(vatten_layout layout) {
    return layout == VATTEN_LAYOUT_SHARED || layout == VATTEN_LAYOUT_PACKED_SHARED;
}

/* Columns of a lane whose weights are one word, as exchange.glsl has them. */
static uint32_t weight_columns(const vt_tile *tile) {
    return vt_layout_is_packed(tile->layout) && tile->keys / tile->lanes_per_row % 2 == 0 ? 2 : 1;
}

/* As products_words.glsl and exchange_shared.glsl declare it, or as the driver takes it for itself. */
static uint32_t shared_bytes(const vt_caps *caps, const vt_problem *problem, const vt_tile *tile) {
    if (tile->layout == VATTEN_LAYOUT_MATRIX_WORKGROUP)
        return caps->matrix_reserved;
    if (vt_tile_owns_rows(tile) || tile->layout == VATTEN_LAYOUT_STREAM)
        return 0;
    if (vt_layout_has_matrices(tile->layout))
        return matrix_bytes(tile);
    if (tile->layout == VATTEN_LAYOUT_DOT)
        return dot_bytes(problem, tile);
    uint32_t stage = tile->rows * (tile->dim_pad / 4 + 1) + tile->keys * vt_tile_stage_words(tile);
    uint32_t word = vt_layout_stages_f16(tile->layout) ? 8 : 16;
    uint32_t weights = tile->keys / weight_columns(tile) + 1;
    uint32_t exchange = 4 * tile->rows * (weights + tile->lanes_per_row);
    return stage * word + (talks_by_memory(tile->layout) ? exchange : 0);
}

static uint64_t matrix_iterations(const vt_tile *tile) {
    const vt_matrix *matrix = &tile->matrix;
    uint64_t rows = (uint64_t)tile->rows * tile->lanes_per_row / tile->workgroup;
    uint64_t columns = tile->keys / tile->lanes_per_row;
    uint64_t blocks = (uint64_t)tile->rows * tile->subgroup / tile->workgroup / matrix->m;
    uint64_t key_blocks = tile->keys / matrix->n;
    uint64_t out_blocks = tile->value_pad / matrix->n;
    uint64_t stage_k = vt_ceil_div((uint64_t)tile->keys * tile->dim_pad / 4, tile->workgroup);
    uint64_t stage_v = vt_ceil_div((uint64_t)tile->keys * tile->value_pad / 4, tile->workgroup);
    uint64_t scores = (tile->dim_pad / matrix->k + 2) * (1 + blocks + key_blocks * (1 + blocks));
    uint64_t soften = rows * (8 + 6 * columns + matrix->n / 4);
    uint64_t spread = (tile->keys / matrix->k + 1) * (1 + blocks + out_blocks * (1 + blocks));
    return 1 + stage_k + stage_v + scores + soften + spread;
}

/* Scores of a tile of DOT. */
static uint64_t dot_products(const vt_problem *problem, const vt_tile *tile, uint64_t rows,
                             uint64_t columns) {
    uint64_t units = problem->dim / VT_DOT_UNIT;
    uint64_t blocks = problem->dim / problem->kv_block;
    uint64_t digits = dot_digits(problem);
    uint64_t stage =
        vt_ceil_div(tile->keys * units, tile->workgroup) + vt_ceil_div(tile->keys * blocks, tile->workgroup);
    uint64_t multiply = units * (1 + columns + rows * (1 + digits * (1 + columns * 5)));
    return stage + multiply + blocks * (1 + columns * (1 + rows * (1 + 2 * digits)));
}

/* Every loop counted as if nothing were unrolled: which loops a compiler unrolls is its own affair. */
static uint64_t iterations(const vt_problem *problem, const vt_tile *tile) {
    if (vt_tile_owns_rows(tile))
        return 1;
    if (tile->layout == VATTEN_LAYOUT_MATRIX_WORKGROUP)
        return vt_workgroup_iterations(tile);
    if (vt_layout_has_matrices(tile->layout))
        return matrix_iterations(tile);
    if (tile->layout == VATTEN_LAYOUT_STREAM)
        return 1 + 2 * (uint64_t)tile->keys;
    uint64_t rows = tile->rows * tile->lanes_per_row / tile->workgroup;
    uint64_t columns = tile->keys / tile->lanes_per_row;
    uint64_t outputs = tile->value_pad / (4 * tile->lanes_per_row);
    uint64_t chunks = tile->dim_pad / tile->dim_chunk;
    uint64_t stage_k = vt_ceil_div((uint64_t)tile->keys * tile->dim_chunk / 4, tile->workgroup);
    uint64_t stage_v = vt_ceil_div((uint64_t)tile->keys * tile->value_pad / 4, tile->workgroup);
    uint64_t products = chunks * (1 + stage_k + tile->dim_chunk / 4 * (1 + columns + rows * (1 + columns)));
    if (tile->layout == VATTEN_LAYOUT_DOT)
        products = dot_products(problem, tile, rows, columns);
    uint64_t soften = rows * (8 + outputs + 4 * columns + 2 * tile->lanes_per_row);
    uint64_t spread = tile->keys * (2 + rows + outputs * (1 + rows)) + columns;
    if (vt_layout_stages_f16(tile->layout)) /* scores are scaled, runs of keys are widened */
        spread += rows * (1 + columns) + tile->keys * rows * (1 + outputs);
    return 1 + products + rows * columns * 4 + stage_v + soften + spread;
}

static bool power_of_two(uint32_t x) {
    return x && (x & (x - 1)) == 0;
}

static const char *split_misfit(const vt_caps *caps, const vt_tile *tile) {
    if (tile->rows % (tile->workgroup / tile->lanes_per_row) != 0)
        return "rows must be a multiple of workgroup / lanes_per_row";
    if (tile->keys % tile->lanes_per_row != 0)
        return "keys must be a multiple of lanes_per_row";
    bool shuffles = !talks_by_memory(tile->layout);
    if (shuffles && !(caps->subgroup_ops & VT_SUBGROUP_SHUFFLE))
        return "the device has no subgroup shuffles";
    if (shuffles && tile->lanes_per_row > caps->subgroup_min)
        return "lanes_per_row is above the smallest subgroup size";
    return tile->shared_bytes > caps->shared_bytes ? "not enough shared memory" : NULL;
}

static const char *rows_misfit(const vt_caps *caps, const vt_tile *tile) {
    if (tile->lanes_per_row != 1)
        return "lanes_per_row must be 1 in the ROWS layout";
    if (!(caps->subgroup_ops & VT_SUBGROUP_SHUFFLE))
        return "the device has no subgroup shuffles";
    if (tile->workgroup > caps->subgroup_min)
        return "workgroup is above the smallest subgroup size, which the ROWS layout needs";
    return tile->rows % tile->workgroup != 0 ? "rows must be a multiple of workgroup" : NULL;
}

static const char *address_misfit(const vt_caps *caps, const vt_problem *problem, const vt_tile *tile) {
    if (!(caps->features & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS))
        return "the ADDRESS layout needs VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS, which is not enabled";
    if (!vt_caps_takes_addresses(caps))
        return "the ADDRESS layout needs 152 bytes of push constants";
    if (tile->lanes_per_row != 1)
        return "lanes_per_row must be 1 in the ADDRESS layout";
    if (problem->kv_len == 0)
        return "without keys there is no address";
    return tile->rows % tile->workgroup != 0 ? "rows must be a multiple of workgroup" : NULL;
}

static const char *stream_misfit(const vt_caps *caps, const vt_tile *tile) {
    if (!(caps->subgroup_ops & VT_SUBGROUP_SHUFFLE))
        return "the device has no subgroup shuffles";
    if (tile->workgroup > caps->subgroup_min)
        return "workgroup is above the smallest subgroup size, which the STREAM layout needs";
    if (tile->lanes_per_row != tile->workgroup || tile->keys != tile->workgroup)
        return "lanes_per_row and keys must be workgroup in the STREAM layout";
    return tile->rows > 16 ? "rows are above 16, which is what the STREAM layout is for" : NULL;
}

static const char *mixed_misfit(const vt_caps *caps, vatten_layout layout) {
    if (layout != VATTEN_LAYOUT_MIXED)
        return NULL;
    if (!vt_kernels_have(VATTEN_LAYOUT_MIXED))
        return "the library was built without the MIXED layout, by a shader compiler without "
               "GL_EXT_spirv_intrinsics";
    return caps->features & VATTEN_FEATURE_MIXED_DOT_PRODUCT
               ? NULL
               : "the MIXED layout needs VATTEN_FEATURE_MIXED_DOT_PRODUCT, which is not enabled";
}

/* What PACKED, PACKED_SHARED, HALF and MIXED ask for beside what all split layouts do. */
static const char *f16_misfit(const vt_caps *caps, const vt_problem *problem, const vt_tile *tile) {
    bool packed = vt_layout_is_packed(tile->layout);
    if (problem->dtype != VATTEN_DTYPE_F16)
        return "layouts with f16 in shared memory take dtype F16 only";
    if (problem->kv_bytes)
        return "layouts with f16 in shared memory take no keys of bytes";
    if (packed && (problem->weights || problem->rules.normaliser != VATTEN_NORMALISER_SOFTMAX))
        return "the PACKED layouts round weights of a softmax only";
    if (!(caps->features & VATTEN_FEATURE_SHADER_FLOAT16))
        return "layouts with f16 in shared memory need VATTEN_FEATURE_SHADER_FLOAT16, which is not enabled";
    const char *why = mixed_misfit(caps, tile->layout);
    return why ? why : split_misfit(caps, tile);
}

/* Why the problem or the device has no DOT, whatever the tile. */
static const char *dot_missing(const vt_caps *caps, const vt_problem *problem) {
    if (!problem->kv_bytes)
        return "the DOT layout is for keys of bytes";
    if (problem->kv_block % VT_DOT_UNIT != 0)
        return "the DOT layout needs a kv_block that is a multiple of 16";
    if (!(caps->features & VATTEN_FEATURE_INTEGER_DOT_PRODUCT))
        return "the DOT layout needs VATTEN_FEATURE_INTEGER_DOT_PRODUCT, which is not enabled";
    return NULL;
}

/* Why the library as it was built has no kernel with matrices for the problem. */
static const char *matrix_unbuilt(vatten_layout layout, const vt_problem *problem) {
    if (!vt_kernels_have(VATTEN_LAYOUT_MATRIX))
        return "the library was built without the MATRIX layout, by a shader compiler without "
               "GL_KHR_cooperative_matrix";
    if (!vt_kernels_have(layout))
        return layout == VATTEN_LAYOUT_MATRIX2
                   ? "the library was built without the MATRIX2 layout, by a shader compiler without "
                     "GL_NV_cooperative_matrix2"
                   : "the library was built without the MATRIX_WORKGROUP layout, by a shader compiler "
                     "without "
                     "GL_NV_cooperative_matrix2";
    if (problem->dtype == VATTEN_DTYPE_F32)
        return "the MATRIX layouts take dtypes F16 and BF16 only";
    if (!vt_kernels_have_dtype(layout, problem->dtype))
        return "the library was built without matrices of bf16, by a shader compiler without GL_EXT_bfloat16";
    if (problem->kv_bytes)
        return "the MATRIX layouts take no keys of bytes";
    if (problem->rules.normaliser != VATTEN_NORMALISER_SOFTMAX)
        return "the MATRIX layouts round weights of a softmax only";
    return NULL;
}

static const char *matrix_disabled(const vt_caps *caps, vatten_layout layout, vatten_dtype dtype) {
    vatten_features features = caps->features;
    if (!(features & VATTEN_FEATURE_COOPERATIVE_MATRIX))
        return "the MATRIX layouts need VATTEN_FEATURE_COOPERATIVE_MATRIX, which is not enabled";
    if (dtype == VATTEN_DTYPE_BF16 && !(features & VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16))
        return "matrices of bf16 need VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16, which is not enabled";
    if (layout == VATTEN_LAYOUT_MATRIX2 && !(features & VATTEN_FEATURE_COOPERATIVE_MATRIX_2))
        return "the MATRIX2 layout needs VATTEN_FEATURE_COOPERATIVE_MATRIX_2, which is not enabled";
    if (layout == VATTEN_LAYOUT_MATRIX_WORKGROUP && !(features & VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP))
        return "the MATRIX_WORKGROUP layout needs VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP, which is not "
               "enabled";
    if (!(features & VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL))
        return "the MATRIX layouts need VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL, which is not enabled";
    return NULL;
}

/* Why the device, or the library as it was built, has no such layout for the problem, whatever the tile. */
const char *vt_tile_missing(const vt_caps *caps, vatten_layout layout, const vt_problem *problem) {
    uint32_t count;
    const char *why = matrix_unbuilt(layout, problem);
    if (!why)
        why = matrix_disabled(caps, layout, problem->dtype);
    if (why)
        return why;
    if (layout == VATTEN_LAYOUT_MATRIX_WORKGROUP)
        return vt_workgroup_missing(caps, problem->dtype);
    vt_caps_matrices(caps, problem->dtype, &count);
    if (count == 0)
        return "the device multiplies no such matrices with f32 sums in a subgroup, or has too few registers "
               "to hold the sums";
    if (caps->matrix_subgroup == 0)
        return "the subgroup size of a compute pipeline is not sure";
    return caps->subgroup_ops & VT_SUBGROUP_SHUFFLE ? NULL : "the device has no subgroup shuffles";
}

static const char *matrix_size_misfit(const vt_tile *tile) {
    const vt_matrix *matrix = &tile->matrix;
    bool inside = tile->layout == VATTEN_LAYOUT_MATRIX2;
    if (tile->subgroup == 0 || !vt_caps_takes_matrix(matrix))
        return "the MATRIX layouts need a subgroup size and a matrix";
    if (inside && matrix->n != matrix->k)
        return "the MATRIX2 layout needs matrices with as many columns as a product takes keys";
    if (tile->workgroup % tile->subgroup != 0)
        return "workgroup must be a multiple of the subgroup size";
    if (tile->rows % (tile->workgroup / tile->subgroup * matrix->m) != 0)
        return "each subgroup must own whole matrices of rows";
    if (tile->keys % matrix->n != 0 || tile->keys % matrix->k != 0)
        return "keys must be whole matrices";
    if (inside)
        return tile->lanes_per_row != matrix->n
                   ? "lanes_per_row must be the columns of a matrix in the MATRIX2 layout"
                   : NULL;
    return tile->keys % (4 * tile->lanes_per_row) != 0 ? "keys must be a multiple of 4 lanes_per_row" : NULL;
}

static const char *matrix_misfit(const vt_caps *caps, const vt_tile *tile) {
    if (tile->workgroup / tile->subgroup > caps->subgroups)
        return "workgroup has more subgroups than the device takes";
    bool lanes = tile->layout == VATTEN_LAYOUT_MATRIX;
    if (lanes && tile->lanes_per_row > tile->subgroup)
        return "lanes_per_row is above the subgroup size";
    if (lanes && tile->rows % (tile->workgroup / tile->lanes_per_row) != 0)
        return "rows must be a multiple of workgroup / lanes_per_row";
    return tile->shared_bytes > caps->shared_bytes ? "not enough shared memory" : NULL;
}

const char *vt_tile_malformed(const vt_tile *tile) {
    if (tile->workgroup == 0 || tile->rows == 0 || tile->keys == 0 || tile->lanes_per_row == 0)
        return "a size is 0";
    if (tile->rows > 1024 || tile->keys > 1024)
        return "rows or keys are above 1024";
    if (tile->layout == VATTEN_LAYOUT_MATRIX_WORKGROUP)
        return tile->lanes_per_row != tile->keys ? "lanes_per_row must be keys in the MATRIX_WORKGROUP layout"
                                                 : NULL;
    if (!power_of_two(tile->lanes_per_row) || tile->workgroup % tile->lanes_per_row != 0)
        return "lanes_per_row must be a power of two that divides workgroup";
    return NULL;
}

/* What must hold before the padded sizes can even be worked out. */
static const char *size_misfit(const vt_caps *caps, const vt_tile *tile) {
    if (tile->workgroup > caps->invocations || tile->workgroup > caps->workgroup_size_x)
        return "workgroup is above the device's invocations";
    return vt_tile_malformed(tile);
}

static bool binds(const vt_caps *caps, const vt_problem *problem, const vt_tensor *t, uint64_t tokens,
                  uint32_t dim) {
    return vt_tensor_range(problem, t, caps->storage_alignment, 1, 1, vt_max(tokens, 1), dim) <=
           caps->storage_range;
}

/* Grids are bound by planes, and all queries of ranges together. */
static bool bound_by_tiles(const vt_problem *problem) {
    const vt_list_rule *list = &problem->list;
    if (problem->rules.used) /* rules_cut.c asks */
        return false;
    return problem->map == VT_MAP_DENSE || (problem->map == VT_MAP_LISTS && !list->q_boxed &&
                                            !list->kv_boxed && list->kind != VATTEN_LIST_RANGES);
}

/* Rows, and keys, of a tile are bound together, however far apart they lie, where whatever the tile no more are. */
static const char *range_misfit(const vt_caps *caps, const vt_problem *problem, const vt_tile *tile) {
    if (!bound_by_tiles(problem))
        return NULL;
    bool listed = problem->map == VT_MAP_LISTS;
    uint64_t rows = vt_min(tile->rows, problem->q_len);
    uint64_t keys = vt_min(tile->keys, problem->kv_len);
    if (listed)
        rows = vt_min(rows, problem->list.q_block);
    if (listed && problem->list.kind == VATTEN_LIST_KEYS)
        keys = problem->kv_len;
    if (!binds(caps, problem, &problem->q, rows, problem->dim) ||
        !binds(caps, problem, &problem->out, rows, problem->value_dim))
        return "rows of the tile lie too far apart in q or out for one binding";
    if (!binds(caps, problem, &problem->k, keys, problem->dim) ||
        !binds(caps, problem, &problem->v, keys, problem->value_dim))
        return "keys of the tile lie too far apart in k or v for one binding";
    if (problem->list.biased &&
        vt_bias_range(problem, caps->storage_alignment, 1, 1, rows, keys) > caps->storage_range)
        return "rows of the tile lie too far apart in the bias for one binding";
    return NULL;
}

static const char *layout_misfit(const vt_caps *caps, const vt_problem *problem, const vt_tile *tile) {
    switch (tile->layout) {
    case VATTEN_LAYOUT_ADDRESS:
        return address_misfit(caps, problem, tile);
    case VATTEN_LAYOUT_MATRIX:
    case VATTEN_LAYOUT_MATRIX2:
        return matrix_misfit(caps, tile);
    case VATTEN_LAYOUT_MATRIX_WORKGROUP:
        return vt_workgroup_misfit(caps, tile);
    case VATTEN_LAYOUT_ROWS:
        return rows_misfit(caps, tile);
    case VATTEN_LAYOUT_STREAM:
        return stream_misfit(caps, tile);
    case VATTEN_LAYOUT_PACKED:
    case VATTEN_LAYOUT_PACKED_SHARED:
    case VATTEN_LAYOUT_HALF:
    case VATTEN_LAYOUT_MIXED:
        return f16_misfit(caps, problem, tile);
    default:
        return split_misfit(caps, tile);
    }
}

/* Elements of the longest array of vec4 that lanes own, as the layouts declare them (query and acc). Matrices are none. */
static uint64_t private_quads(const vt_tile *tile) {
    uint32_t longest = max_u32(tile->dim_pad, tile->value_pad);
    if (vt_layout_has_matrices(tile->layout))
        return 0;
    if (vt_tile_owns_rows(tile))
        return (uint64_t)tile->rows / tile->workgroup * longest / 4;
    if (tile->layout == VATTEN_LAYOUT_STREAM)
        return (uint64_t)tile->rows * longest / (4 * tile->workgroup);
    return (uint64_t)tile->rows * tile->value_pad / (4 * tile->workgroup);
}

const char *vt_tile_complete(const vt_caps *caps, const vt_problem *problem, vt_tile *tile) {
    const char *why = size_misfit(caps, tile);
    if (!why && tile->layout == VATTEN_LAYOUT_STREAM && !problem->rules.used)
        why = "the STREAM layout is for dense attention";
    if (!why && tile->layout == VATTEN_LAYOUT_MATRIX_WORKGROUP)
        why = vt_workgroup_size_misfit(caps, problem->dtype, tile);
    else if (!why && vt_layout_has_matrices(tile->layout))
        why = matrix_size_misfit(tile);
    if (!why && tile->layout == VATTEN_LAYOUT_DOT)
        why = dot_missing(caps, problem);
    if (why)
        return why;
    pad_dims(tile, problem);
    tile->hold = holds_queries(caps, tile);
    tile->repacks = tile->layout == VATTEN_LAYOUT_ADDRESS && vt_repack_pays(caps, problem);
    tile->shared_bytes = shared_bytes(caps, problem, tile);
    tile->iterations = iterations(problem, tile);
    why = layout_misfit(caps, problem, tile);
    if (!why && private_quads(tile) > caps->private_quads)
        why = "a lane would own a longer array than the device's driver takes: more lanes, or fewer rows, "
              "share it";
    return why ? why : range_misfit(caps, problem, tile);
}
