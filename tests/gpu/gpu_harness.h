/* SPDX-License-Identifier: MIT
 *
 * What the GPU tests stand on. A gpu_problem says what to compute; gpu_check runs it and holds every part of
 * the result against what must be true:
 *
 *  - every buffer lies between guard zones, and outputs, workspace, stride gaps and all that inputs do not
 * define hold NaN before the run: what must not be written is compared bit for bit afterwards, what must not
 * be read poisons the output;
 *  - offsets are not zero, and as little aligned as the plan allows;
 *  - a second run from the same state gives the same bits;
 *  - rows are compared with the oracle (tests/ref), and all that is not compared is at least finite;
 *  - the validation layer has nothing to say.
 *
 * Environment: VATTEN_DEVICE chooses the device (index or part of its name; without any device a test is
 * skipped, without the one asked for it fails), VATTEN_THOROUGH takes whole products of shapes on software
 * devices too, VATTEN_VERBOSE prints what the library logs, VATTEN_TEST_CAPS lowers what the device can do, for
 * example "no_subgroups,shared=16384,without=push_descriptor" (gpu_caps.h has the words; a wrong one is an
 * error). VATTEN_TEST runs only tests whose names it matches ("test_*bias*"), VATTEN_TEST_LAYOUT ("matrix2") leaves out
 * all problems that ask for another layout or for none. VATTEN_TEST_BRIEF is for devices and layers on which compiling a kernel
 * takes seconds: a problem for several layouts is run in one of them, by turns, and problems of more than 1,000 dispatches
 * are left out, and told.
 *
 * Failures are printed and counted, not thrown, so that one run shows them all: end each test with
 * gpu_assert_clean().
 */
#ifndef VATTEN_GPU_HARNESS_H
#define VATTEN_GPU_HARNESS_H

#include <vatten/context.h>
#include <vatten/vatten.h>

#include "ref_dense.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h> /* after setjmp.h, stdarg.h and stdint.h */

#define GPU_SKIP 77 /* exit code of a test program without a device */
#define GPU_LAYOUTS                                                                                          \
    VATTEN_LAYOUT_DOT /* those before it serve more than one kind of problem; it is for keys of bytes */
#define GPU_ALL_LAYOUTS VATTEN_LAYOUT_COUNT
#define GPU_MOST_TURNS  32

typedef enum gpu_slot {
    GPU_Q,
    GPU_K,
    GPU_V,
    GPU_OUT,
    GPU_LSE,
    GPU_EXTRA_K,
    GPU_EXTRA_V,
    GPU_WORKSPACE,
    GPU_BIAS,
    GPU_LISTS,
    GPU_TABLES,
    GPU_STATE,
    GPU_SLOTS
} gpu_slot;

/* The worst element seen, as a multiple of its tolerance. */
typedef struct gpu_worst {
    double ratio, got, want, tolerance;
    char where[160];
} gpu_worst;

/* A device under test and the score of the program. Zero-initialise. */
typedef struct gpu {
    vatten_context *context;
    vatten_device *device;
    vatten_device_info limits;
    char program[64];
    char message[1024];              /* the last error that the library or the validation layer told */
    vatten_memory *spare[GPU_SLOTS]; /* kept from the trial before */
    uint64_t cases, rows, failures;
    bool quiet;         /* failures are counted only */
    vatten_layout only; /* problems that ask for another layout are left out; AUTO: none is */
    uint64_t asserted;  /* failures that gpu_assert_clean has thrown */
    uint64_t layout_cases[GPU_ALL_LAYOUTS], layout_refused[GPU_ALL_LAYOUTS];
    unsigned f16_turns;                   /* of gpu_check_layouts */
    bool brief;                           /* VATTEN_TEST_BRIEF */
    unsigned brief_problems, brief_loops; /* of which one turn was taken */
    unsigned brief_turns[GPU_MOST_TURNS]; /* by how many take them */
    uint64_t left_out;                    /* problems of too many dispatches to be brief */
    uint32_t validation_errors;           /* already counted */
    gpu_worst worst_out[3];               /* by ref_dtype */
    gpu_worst worst_lse;
} gpu;

/* What is known of a row of out. */
typedef enum gpu_trust {
    GPU_RIGHT,   /* what the oracle says */
    GPU_FINITE,  /* numbers, whichever, or not written */
    GPU_ANYTHING /* perhaps NaN */
} gpu_trust;

/* One problem and how to check it. Zero-initialise, then set `grid` and the desc that it names. */
typedef struct gpu_problem {
    char name[128];
    bool grid; /* false: `dense` describes it, true: `hood` */
    /* True: `lists` describes it, `words` are the lists, packed [batch][list heads][rows][words]. */
    bool listed;
    vatten_attention_desc dense;
    vatten_neighborhood_desc hood;
    vatten_lists_desc lists;
    const uint32_t *words;
    uint64_t q_len, kv_len; /* this record's, as in vatten_args: 0 = the plan's, VATTEN_EMPTY = none */
    bool v_is_k;            /* v is the first value_dim of each k, in the same buffer */
    uint64_t seed;
    uint64_t rows;           /* rows to compare with the oracle, drawn by seed; 0 = all */
    bool once;               /* no second run */
    bool small_tiles;        /* gpu_check_layouts: gpu_small_tile instead of the table's choice */
    double tolerance;        /* 0 = ref_tolerance */
    double lse_tolerance;    /* 0 = ref_lse_tolerance, or ref_lse_tolerance_packed */
    const ref_own_rule *own; /* what the oracle goes by instead of the desc; NULL: the desc */
    double density;          /* of the bits of dense plans' masks; 0 = a half */
    bool defined;            /* inputs hold numbers past the tokens in use, too */
    /* How far rows are held against the oracle, which is asked of those that are right only; NULL: all are. */
    gpu_trust (*trust)(const void *user, uint64_t b, uint64_t head, uint64_t query);
    /* Changes the tables of a dense plan, which hold random ones, valid and by seed; NULL: leaves them. */
    void (*tables)(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                   uint8_t *base);

    /* Where inputs come from; NULL: unit variance by seed, weights so that their sums are. Keys in pages are asked for by
     * batch entry and token. A bias: `token` is the query, `d` the key; AXES: the coordinate, axes one after the other;
     * RELATIVE: the entry, b and token are 0. */
    float (*value)(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d);
    const void *user;
} gpu_problem;

/* A tensor within a buffer; `tokens` are those in use, `capacity` those that the plan was made for. */
typedef struct gpu_view {
    bool used;
    ref_dtype dtype;
    uint64_t batch, tokens, capacity, heads, dim;
    vatten_strides strides;
    uint64_t block; /* I8: bytes that share a scale; strides count bytes */
} gpu_view;

/* A buffer argument between guard zones. */
typedef struct gpu_region {
    vatten_memory *memory;
    uint64_t offset, bytes; /* the argument */
    uint64_t total;         /* with both guards */
    uint8_t *image;         /* [total] what it held before the run */
    uint8_t *seen;          /* [total] what it held after */
} gpu_region;

/* A problem on the device. */
typedef struct gpu_trial {
    gpu *owner;
    const gpu_problem *problem;
    vatten_plan *plan;
    vatten_plan_info info;
    gpu_view view[GPU_SLOTS];
    gpu_region region[GPU_SLOTS];
    uint64_t q_now, kv_now;
    vatten_args args;
    ref_table table;     /* the biases, for the oracle */
    ref_lists lists;     /* the lists, for the oracle */
    ref_bias bias;       /* a number for each pair, for the oracle */
    vatten_tables at;    /* dense: where tables stand */
    ref_dense_more more; /* the rest of a dense problem, for the oracle */
    ref_head *heads;
    float *start;         /* states that rows start from */
    uint32_t *page_owner; /* [pool_pages] page of all rows' pages that it is */
    double gpu_ms;
    float *out; /* [batch][q_now][heads][value_dim], after gpu_trial_collect */
    float *lse; /* [batch][heads][q_now], NULL without write_lse */
} gpu_trial;

/* ---- Programs ---- */

/* Opens the device that VATTEN_DEVICE names. `desc` may hold caps and features to do without; NULL for none.
 * Returns 0, GPU_SKIP without a device, 1 on another error. */
int gpu_open(gpu *g, const char *program, const vatten_context_desc *desc);

/* Closes the device and keeps the score, so that the same program can open one with other caps. */
void gpu_leave(gpu *g);

/* Prints the summary, closes, and returns the exit code: 0 or the number of failures, with `failed` added. */
int gpu_close(gpu *g, int failed);

/* Fails the running test if anything went wrong since the last call. */
void gpu_assert_clean(gpu *g);

/* Prints a failure and counts it. */
void gpu_fail(gpu *g, const char *format, ...);

/* Any other result than `want` is a failure of `what`, told with the last message. Returns whether it was that. */
bool gpu_expect(gpu *g, const char *what, vatten_result got, vatten_result want);

/* Counts what the validation layer said since the last call as a failure of `name`. */
void gpu_check_validation(gpu *g, const char *name);

/* Whether the device can take this dtype at all. */
bool gpu_has_dtype(const gpu *g, vatten_dtype dtype);

/* Whether it can take a layout at all: ROWS and SUBGROUP need subgroup operations, those with matrices more. */
bool gpu_has_layout(const gpu *g, vatten_layout layout);

/* MATRIX, MATRIX2 or MATRIX_WORKGROUP, and what such a layout makes of a dtype: BF16 where the device has matrices of it, else F16. */
bool gpu_has_matrices(vatten_layout layout);
vatten_dtype gpu_matrix_dtype(const gpu *g, vatten_dtype dtype);

/* PACKED, PACKED_SHARED, HALF or MIXED: of F16 alone. And the first two, whose scores are sums of f16. */
bool gpu_stages_f16(vatten_layout layout);
bool gpu_is_packed(vatten_layout layout);

/* Whether to take whole products of shapes. Software devices compile for seconds what a GPU's driver compiles
 * in a moment, so there tests take turns instead, unless VATTEN_THOROUGH is set. */
bool gpu_thorough(const gpu *g);

/* A tile that compiles fast and makes tile edges frequent. */
vatten_tile gpu_small_tile(const gpu *g, vatten_layout layout);

const char *gpu_dtype_name(vatten_dtype dtype);
const char *gpu_layout_name(vatten_layout layout);
ref_dtype gpu_ref_dtype(vatten_dtype dtype);

/* ---- Problems ---- */

/* A dense problem with packed tensors, one batch entry, LSE written, dim = value_dim. */
gpu_problem gpu_dense(vatten_dtype dtype, uint64_t q_len, uint64_t kv_len, uint32_t heads, uint32_t kv_heads,
                      uint32_t dim);

/* The same on a grid of `rank` axes, windows 3, stride and dilation 1. Extents are the caller's to change. */
gpu_problem gpu_grid(vatten_dtype dtype, uint32_t rank, const uint64_t *extents, uint32_t heads,
                     uint32_t kv_heads, uint32_t dim);

vatten_heads *gpu_heads(gpu_problem *problem);
const vatten_heads *gpu_heads_of(const gpu_problem *problem);
vatten_layout gpu_layout_of(const gpu_problem *problem); /* the one asked for */

/* Asks for a layout, with the table's tile or gpu_small_tile. Layouts with matrices take gpu_matrix_dtype, those with f16 in
 * shared memory F16; STREAM is for dense problems, others get ROWS; DOT for those of gpu_takes_dots, others get SUBGROUP. */
bool gpu_takes_dots(const gpu_problem *problem);
void gpu_set_layout(const gpu *g, gpu_problem *problem, vatten_layout layout, bool small);
void gpu_name(gpu_problem *problem, const char *format, ...);

/* Query and key tokens that the plan is made for. */
uint64_t gpu_q_capacity(const gpu_problem *problem);
uint64_t gpu_kv_capacity(const gpu_problem *problem);

/* Lists of a head. */
uint64_t gpu_list_rows(const vatten_lists_desc *desc);

/* Runs the problem and all checks. A layout asked for by tile override may be refused by the device: counted,
 * not a failure. Returns false on failure, and has told it. */
bool gpu_check(gpu *g, const gpu_problem *problem);

/* Whether its scores, by scale and dim, vary no more than by about one where the layout is PACKED or PACKED_SHARED: what those promise
 * is said of such scores (docs/semantics.md). */
bool gpu_scores_suit(vatten_layout layout, const gpu_problem *problem);

/* The same for every layout that its scores suit (one of them with VATTEN_TEST_BRIEF); on software devices those with f16 in shared
 * memory take turns, unless VATTEN_THOROUGH is set.
 * A problem with a tolerance of its own does not change its dtype: MATRIX is then left out, and so is PACKED. */
bool gpu_check_layouts(gpu *g, const gpu_problem *problem);

/* The same on a GPU, or if VATTEN_THOROUGH is set; on other devices for one layout, another for each turn, so that turns
 * 0..11 meet all layouts with all of what changes with turn % 3; where there are matrices the layouts with those in turns too,
 * and DOT each time where it can be. */
bool gpu_check_turn(gpu *g, const gpu_problem *problem, unsigned turn);

/* What a test goes through: for (n = gpu_first_of(g, count); n < count; n = gpu_next_of(g, n, count)). All, or with
 * VATTEN_TEST_BRIEF one of them, another for each loop of that count. */
unsigned gpu_first_of(gpu *g, unsigned count);
unsigned gpu_next_of(const gpu *g, unsigned n, unsigned count);

/* Likewise for layouts, of which brief ones are such as the device has: for (l = gpu_first_layout(g); l < GPU_LAYOUTS; l =
 * gpu_next_layout(g, l)). */
int gpu_first_layout(gpu *g);
int gpu_next_layout(const gpu *g, int layout);

/* ---- The steps of gpu_check, for tests that need something in between ---- */

vatten_result gpu_plan_create(gpu *g, const gpu_problem *problem, vatten_plan **out_plan);
vatten_result gpu_trial_begin(gpu *g, const gpu_problem *problem,
                              gpu_trial *trial); /* plan, buffers, inputs */
bool gpu_trial_run(gpu_trial *trial);            /* by vatten_context_run, twice */
bool gpu_trial_rewind(gpu_trial *trial);         /* all that a record writes is as before the first */
bool gpu_trial_collect(gpu_trial *trial);        /* downloads, checks guards and gaps, fills out and lse */
bool gpu_trial_compare(gpu_trial *trial);        /* with the oracle */
gpu_trust gpu_trust_of(const gpu_problem *problem, uint64_t b, uint64_t head, uint64_t query);
void gpu_trial_end(gpu_trial *trial);

/* What a record wrote, to hold another one against. */
enum { GPU_BIT_SLOTS = 3 };
typedef struct gpu_bits {
    uint8_t *of[GPU_BIT_SLOTS];
} gpu_bits;

bool gpu_bits_take(gpu_trial *trial, gpu_bits *out); /* free them, even if not all could be taken */
bool gpu_bits_same(gpu_trial *trial, const gpu_bits *bits,
                   const char *what); /* else a failure: `what` differs */
void gpu_bits_free(gpu_bits *bits);

/* The same problem for the oracle; `dense`, `grid` and the trial must live as long. */
ref_problem gpu_reference(const gpu_trial *trial, ref_dense_rule *dense, ref_grid_rule *grid);

/* ---- Guarded buffers ---- */

bool gpu_region_create(gpu *g, gpu_region *region, gpu_slot slot, uint64_t bytes, uint64_t alignment);
void gpu_region_write(gpu_region *region, const gpu_view *view, uint64_t index, float value);
float gpu_region_read(const gpu_region *region, const gpu_view *view, uint64_t index);
void gpu_region_restore(gpu_region *region, const gpu_view *view, uint64_t index); /* seen := image */
bool gpu_region_upload(gpu_region *region);
bool gpu_region_download(gpu_region *region);
vatten_buffer gpu_region_buffer(const gpu_region *region); /* of nothing: {0} */
/* The first byte that differs between seen and image in [from, to), or UINT64_MAX. */
uint64_t gpu_region_changed(const gpu_region *region, uint64_t from, uint64_t to);
/* Uploads all, runs the plan and downloads all; fails the test where a guard zone was written. False if it did not run. */
bool gpu_regions_run(gpu *g, gpu_region *regions, int count, vatten_plan *plan, const vatten_args *args,
                     const char *name);
/* The same twice: those of `outputs`, a bit each, hold the same bits after both. False, and told, if not. */
bool gpu_regions_run_twice(gpu *g, gpu_region *regions, int count, uint32_t outputs, vatten_plan *plan,
                           const vatten_args *args, const char *name);
void gpu_region_destroy(gpu *g, gpu_region *region, gpu_slot slot);
void gpu_regions_destroy(gpu *g, gpu_region *regions, int count, const gpu_slot *slots);

uint64_t gpu_view_index(const gpu_view *view, uint64_t b, uint64_t token, uint64_t head, uint64_t d);
uint64_t gpu_view_bytes(const gpu_view *view); /* at capacity */
const char *gpu_slot_name(gpu_slot slot);

#endif /* VATTEN_GPU_HARNESS_H */
