/* SPDX-License-Identifier: MIT
 *
 * vatten_run: attention from .npy files to .npy files.
 *
 * Outline: options -> tensors -> device -> plan -> buffers -> run -> download -> write outputs -> print what
 * ran. The outputs are written last and all together, so a failure anywhere leaves none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vatten/context.h>

#include "family.h"
#include "npy.h"
#include "options.h"
#include "run_files.h"
#include "say.h"
#include "stats.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_run attention --q FILE --k FILE --v FILE --out FILE [options]\n"
    "       vatten_run neighborhood --q FILE --k FILE --v FILE --out FILE --window N,N,... [options]\n"
    "       vatten_run neighborhood --weights FILE --v FILE --out FILE --window N,N,... [options]\n"
    "       vatten_run lists --q FILE --k FILE --v FILE --out FILE --lists FILE --q-block N [options]\n"
    "       vatten_run sparse --q FILE --k FILE --v FILE --out FILE --q-block N --kv-block N --entries N "
    "[options]\n"
    "\n"
    "Tensors are .npy files (<f4, <f2, or <u2 with --dtype bf16; C order):\n"
    "  attention, lists, sparse  [batch, tokens, heads, dim]\n"
    "  neighborhood              [batch, 1 to 3 axes, heads, dim]\n"
    "  lists itself              <u4 [batch or 1, list heads, rows, words of a list]\n"
    "Prints device, kernel, tile and GPU milliseconds as one JSON object.\n"
    "Exit status: 0 done, 1 refused or failed (no output is left), 2 wrong command line.\n";

enum { MAX_REPEAT = 10000 };

typedef struct run_options {
    tool_options tool;
    family_options family;
    run_paths paths;
    uint32_t repeat;
} run_options;

static const option_spec run_specs[] = {
    {"repeat", OPTION_U32, offsetof(run_options, repeat), "N", "run N times; gpu_ms is the median"},
};

/* Everything that has to be given back. */
typedef struct run_state {
    run_tensors tensors;
    npy_array out, lse;
    vatten_context *context;
    vatten_plan *plan;
    vatten_memory *memory[9]; /* buffers of vatten_args: q k v out lse extra_k extra_v bias lists */
    family_shape shape;
    vatten_plan_info info;
    stats_summary gpu_ms;
} run_state;

static bool said(bool ok, const char *what, vatten_result result) {
    if (!ok)
        say_error("%s: %s", what, vatten_result_name(result));
    return ok;
}

/* Makes buffer `slot` of `bytes` bytes, fills it from `array` if that is given; no buffer when the plan needs
 * none. */
static bool make_buffer(run_state *state, int slot, uint64_t bytes, const npy_array *array,
                        vatten_buffer *out) {
    if (bytes == 0)
        return true;
    vatten_result result = vatten_memory_create(state->context, bytes, &state->memory[slot]);
    if (!said(result == VATTEN_SUCCESS, "buffer", result))
        return false;
    if (array != NULL) {
        result = vatten_memory_upload(state->memory[slot], 0, array->data, array->bytes);
        if (!said(result == VATTEN_SUCCESS, "upload", result))
            return false;
    }
    *out = vatten_memory_buffer(state->memory[slot]);
    return true;
}

static bool make_args(run_state *state, vatten_args *args) {
    const vatten_plan_info *info = &state->info;
    const run_tensors *t = &state->tensors;
    return make_buffer(state, 0, info->q_bytes, &t->q, &args->q) &&
           make_buffer(state, 1, info->k_bytes, &t->k, &args->k) &&
           make_buffer(state, 2, info->v_bytes, &t->v, &args->v) &&
           make_buffer(state, 3, info->out_bytes, NULL, &args->out) &&
           make_buffer(state, 4, info->lse_bytes, NULL, &args->lse) &&
           make_buffer(state, 5, info->extra_k_bytes, &t->extra_k, &args->extra_k) &&
           make_buffer(state, 6, info->extra_v_bytes, &t->extra_v, &args->extra_v) &&
           make_buffer(state, 7, info->bias_bytes, &t->bias, &args->bias) &&
           make_buffer(state, 8, info->lists_bytes, &t->lists, &args->lists);
}

static bool run_repeated(run_state *state, const vatten_args *args, uint32_t repeat) {
    double *times = calloc(repeat, sizeof *times);
    if (times == NULL)
        return said(false, "run", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    vatten_result result = VATTEN_SUCCESS;
    for (uint32_t i = 0; i < repeat && result == VATTEN_SUCCESS; ++i)
        result = vatten_context_run(state->context, state->plan, args, &times[i]);
    state->gpu_ms = stats_summarize(times, repeat);
    free(times);
    return said(result == VATTEN_SUCCESS, "run", result);
}

static bool download(run_state *state, family_id id) {
    if (!run_out_array(&state->tensors, &state->out))
        return false;
    vatten_result result = vatten_memory_download(state->memory[3], 0, state->out.data, state->out.bytes);
    if (!said(result == VATTEN_SUCCESS, "download", result))
        return false;
    if (!state->shape.write_lse)
        return true;
    if (!run_lse_array(id, &state->shape, &state->lse))
        return false;
    result = vatten_memory_download(state->memory[4], 0, state->lse.data, state->lse.bytes);
    return said(result == VATTEN_SUCCESS, "download", result);
}

static bool print_summary(const run_options *options, const run_state *state, family_id id) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "family", family_name(id));
    tool_json_device(object, state->context);
    cJSON_AddStringToObject(object, "dtype", family_dtype_name(state->shape.dtype));
    tool_json_plan(object, &state->info);
    cJSON_AddNumberToObject(object, "gpu_ms", state->gpu_ms.median);
    cJSON_AddNumberToObject(object, "gpu_ms_min", state->gpu_ms.min);
    cJSON_AddNumberToObject(object, "gpu_ms_max", state->gpu_ms.max);
    cJSON_AddNumberToObject(object, "repeat", options->repeat);
    cJSON_AddStringToObject(object, "out", options->paths.out);
    if (options->paths.lse != NULL)
        cJSON_AddStringToObject(object, "lse", options->paths.lse);
    return tool_json_print(object, !options->tool.json);
}

/* Nobody checks lists once they are on the device. */
static bool lists_are_good(const run_options *options, const run_state *state,
                           const family_problem *problem) {
    const vatten_logger logger = say_logger(options->tool.verbose);
    vatten_result result = problem->id == FAMILY_LISTS
                               ? vatten_lists_check(&logger, &problem->lists, state->tensors.lists.data)
                               : VATTEN_SUCCESS;
    return said(result == VATTEN_SUCCESS, "lists", result);
}

static int run(const run_options *options, family_id id, run_state *state) {
    family_problem problem;
    if (!run_tensors_load(id, &options->paths, &state->tensors, &state->shape) ||
        (id == FAMILY_LISTS &&
         !run_lists_shape(&options->paths, &state->tensors, &options->family, &state->shape)))
        return SAY_FAILED;
    if (!family_make_problem(id, &options->family, &state->shape, &problem))
        return SAY_USAGE;
    if (!lists_are_good(options, state, &problem))
        return SAY_FAILED;
    if (!tool_open(&options->tool, say_logger(options->tool.verbose), &state->context))
        return SAY_FAILED;
    vatten_result result = family_create_plan(vatten_context_device(state->context), &problem, &state->plan);
    if (!said(result == VATTEN_SUCCESS, "plan", result))
        return SAY_FAILED;
    vatten_plan_get_info(state->plan, &state->info);
    if (!run_scores_fit(&options->paths, &state->tensors, &state->info))
        return SAY_FAILED;
    vatten_args args = {0};
    if (!make_args(state, &args) || !run_repeated(state, &args, options->repeat) || !download(state, id) ||
        tool_found_invalid(state->context) || !run_outputs_write(&options->paths, &state->out, &state->lse))
        return SAY_FAILED;
    return print_summary(options, state, id) ? SAY_OK : SAY_FAILED;
}

static void clean_up(run_state *state) {
    vatten_plan_destroy(state->plan);
    for (size_t i = 0; i < sizeof state->memory / sizeof *state->memory; ++i)
        vatten_memory_destroy(state->memory[i]);
    vatten_context_destroy(state->context);
    npy_free(&state->out);
    npy_free(&state->lse);
    run_tensors_free(&state->tensors);
}

/* The tables of a family; returns how many. */
static size_t make_tables(family_id id, run_options *options, option_table tables[6]) {
    const option_table own = run_own_path_table(id, &options->paths);
    const option_table run = {"run", run_specs, sizeof run_specs / sizeof *run_specs, options};
    size_t count = 0;
    tables[count++] = run_path_table(&options->paths);
    if (own.count != 0)
        tables[count++] = own;
    tables[count++] = family_rule_table(id, &options->family);
    tables[count++] = family_kernel_table(&options->family);
    tables[count++] = run;
    tables[count++] = tool_option_table(&options->tool);
    return count;
}

static int run_family(int argc, char **argv, family_id id) {
    run_options options = {.repeat = 1};
    option_table tables[6];
    const size_t table_count = make_tables(id, &options, tables);
    int status;
    if (!tool_parse("vatten_run", argc, argv, tables, table_count, usage_text, &options.tool, &status))
        return status;
    if (!run_paths_complete(id, &options.paths))
        return SAY_USAGE;
    if (options.repeat == 0 || options.repeat > MAX_REPEAT) {
        say_error("--repeat: %u is not between 1 and %d", options.repeat, MAX_REPEAT);
        return SAY_USAGE;
    }
    run_state state;
    memset(&state, 0, sizeof state);
    int code = run(&options, id, &state);
    clean_up(&state);
    return code;
}

int main(int argc, char **argv) {
    say_begin("vatten_run");
    const char *first = argc > 1 ? argv[1] : "";
    family_id id = FAMILY_COUNT;
    if (family_find(first, &id))
        return run_family(argc - 1, argv + 1, id);
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        printf("%s\nvatten_run FAMILY --help lists the options of a family:\n", usage_text);
        for (int i = 0; i < FAMILY_COUNT; ++i)
            printf("  %-14s %s\n", family_name((family_id)i), family_summary((family_id)i));
        return SAY_OK;
    }
    if (strcmp(first, "--version") == 0) {
        tool_print_version("vatten_run");
        return SAY_OK;
    }
    say_error("'%s' is not a family: attention, neighborhood, lists or sparse is wanted first, see --help",
              first);
    return SAY_USAGE;
}
