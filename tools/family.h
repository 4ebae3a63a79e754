/* SPDX-License-Identifier: MIT
 *
 * The families of plans as the tools see them: for each one its name, the options that say its rule
 * (causality, window,
 * ...), and how those and a shape become the library's desc. A new family is a new row in family.c's table.
 */
#ifndef TOOLS_FAMILY_H
#define TOOLS_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

#include <vatten/vatten.h>

#include "options.h"

typedef enum family_id {
    FAMILY_ATTENTION,
    FAMILY_NEIGHBORHOOD,
    FAMILY_LISTS,
    FAMILY_SPARSE,
    FAMILY_COUNT
} family_id;

/* Words of --causal of dense attention; `last` and `first` also say which key stands on the diagonal. */
#define FAMILY_CAUSAL_WORDS "none|last|first"
enum { FAMILY_CAUSAL_NONE, FAMILY_CAUSAL_LAST, FAMILY_CAUSAL_FIRST };

/* f32, f16, bf16 stand for VATTEN_DTYPE_F32 + index. */
#define FAMILY_DTYPE_WORDS "f32|f16|bf16"
/* As vatten_layout numbers them. */
#define FAMILY_LAYOUT_WORDS                                                                                  \
    "auto|rows|subgroup|shared|matrix|stream|matrix2|address|matrix_workgroup|packed|packed_shared|half|"    \
    "mixed|dot"

/* Everything that is not a shape. Zero-initialised means all defaults. */
typedef struct family_options {
    /* all families */
    float scale;
    int layout; /* vatten_layout */
    option_ints tile;
    uint64_t max_macs;
    uint64_t max_moves;
    /* attention, lists; causality also sparse */
    int dense_causal;
    int align;
    option_ints dense_window;
    uint64_t prefix;
    /* neighborhood */
    option_ints window, stride, dilation, causal, roll, box;
    int edge;
    /* lists, sparse */
    uint32_t q_block, kv_block;
    /* lists */
    int list_kind; /* vatten_list_kind */
    bool row_masks;
    uint32_t key_stride, key_phase;
    /* sparse; what is missing in `selection` stands beside it */
    vatten_selection selection;
    int budget;    /* vatten_budget */
    int execution; /* vatten_sparse_execution */
    uint64_t max_workspace;
} family_options;

/* What tensors say, or the options of vatten_info and vatten_bench in their place. */
typedef struct family_shape {
    vatten_dtype dtype;
    uint64_t batch;
    uint32_t heads, kv_heads, dim, value_dim;
    uint64_t q_len, kv_len; /* all but neighborhood */
    uint32_t rank;          /* neighborhood */
    uint64_t extent[3];
    uint64_t extra_len;
    bool bias;    /* relative biases */
    bool weights; /* in place of q, k and dim */
    bool write_lse;
    uint64_t list_rows; /* lists */
    uint32_t list_entries, list_heads;
    vatten_strides list_strides;
} family_shape;

typedef struct family_problem {
    family_id id;
    vatten_attention_desc attention; /* the one that `id` names */
    vatten_neighborhood_desc neighborhood;
    vatten_lists_desc lists;
    vatten_sparse_desc sparse;
} family_problem;

const char *family_name(family_id id);
const char *family_summary(family_id id);
bool family_find(const char *name, family_id *out_id);

/* Option tables that write into `options`: the rule of one family, and what all share. */
option_table family_rule_table(family_id id, family_options *options);
option_table family_kernel_table(family_options *options);

/* The desc of a problem. False, and said why, when the number of values of an option does not fit: a usage
 * error. What the values mean is for the library to judge. */
bool family_make_problem(family_id id, const family_options *options, const family_shape *shape,
                         family_problem *out_problem);

/* What --layout and --tile ask for. False, and said why, when the numbers do not fit. */
bool family_make_tile(int layout, const option_ints *list, vatten_tile *tile);

vatten_result family_create_plan(vatten_device *device, const family_problem *problem,
                                 vatten_plan **out_plan);

/* Words of one entry of a list, and of what stands in front of the first. */
uint32_t family_entry_words(const family_options *options);
uint32_t family_front_words(const family_options *options);

const char *family_dtype_name(vatten_dtype dtype);
uint32_t family_dtype_size(vatten_dtype dtype);
const char *family_layout_name(vatten_layout layout);

/* The desc's heads, of whichever family. */
const vatten_heads *family_heads(const family_problem *problem);

/* Query tokens of a shape: q_len, or the product of the extents. */
uint64_t family_tokens(family_id id, const family_shape *shape);

/* Key tokens of a shape: those of a grid are its queries. */
uint64_t family_keys(family_id id, const family_shape *shape);

#endif /* TOOLS_FAMILY_H */
