/* SPDX-License-Identifier: MIT
 *
 * vatten_info: which devices there are, what vatten found on the chosen one, and which kernel and tile a
 * problem gets.
 */
#include <stdio.h>
#include <string.h>

#include <vatten/context.h>

#include "family.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"
#include "tool_limits.h"

static const char usage_text[] =
    "usage: vatten_info [options]\n"
    "       vatten_info --quirks\n"
    "       vatten_info attention --q-len N --kv-len N --heads N --dim N [options]\n"
    "       vatten_info neighborhood --extent N,N,... --window N,N,... --heads N --dim N [options]\n"
    "       vatten_info lists --q-len N --q-block N --kv-block N --entries N --heads N --dim N [options]\n"
    "       vatten_info sparse --q-len N --q-block N --kv-block N --entries N --heads N --dim N [options]\n"
    "\n"
    "Lists the devices and what vatten found on the chosen one; with a problem, also the kernel, tile, "
    "dispatches and\n"
    "sizes that it would get. --quirks needs no device.\n"
    "Exit status: 0 done, 1 refused or failed, 2 wrong command line.\n";

typedef struct info_options {
    tool_options tool;
    family_options family;
    int dtype;
    uint64_t batch, q_len, kv_len, extra_len, rows;
    uint32_t heads, kv_heads, dim, value_dim, entries, list_heads;
    option_ints extent;
    bool lse, bias, weights;
    bool quirks;
} info_options;

#define FIELD(member) offsetof(info_options, member)

static const option_spec info_specs[] = {
    {"quirks", OPTION_FLAG, FIELD(quirks), NULL,
     "the table of what drivers do otherwise than others, as Markdown"},
};
static const option_spec heads_specs[] = {
    {"dtype", OPTION_CHOICE, FIELD(dtype), FAMILY_DTYPE_WORDS, "default f32"},
    {"batch", OPTION_U64, FIELD(batch), "N", "default 1"},
    {"heads", OPTION_U32, FIELD(heads), "N", "query heads, required"},
    {"kv-heads", OPTION_U32, FIELD(kv_heads), "N", "default: as heads"},
    {"dim", OPTION_U32, FIELD(dim), "N", "of q and k, required but for --weights"},
    {"value-dim", OPTION_U32, FIELD(value_dim), "N", "of v and out; default: as dim"},
    {"lse", OPTION_FLAG, FIELD(lse), NULL, "also write the log-sum-exp"},
};
static const option_spec dense_specs[] = {
    {"q-len", OPTION_U64, FIELD(q_len), "N", "query tokens, required"},
    {"kv-len", OPTION_U64, FIELD(kv_len), "N", "key tokens; default: as q-len"},
};
static const option_spec list_specs[] = {
    {"q-len", OPTION_U64, FIELD(q_len), "N", "query tokens, required"},
    {"kv-len", OPTION_U64, FIELD(kv_len), "N", "key tokens; default: as q-len"},
    {"entries", OPTION_U32, FIELD(entries), "N", "of a list, at most, required"},
    {"rows", OPTION_U64, FIELD(rows), "N", "lists of a head, required for ranges"},
    {"list-heads", OPTION_U32, FIELD(list_heads), "N", "heads that have lists; default: all"},
};
static const option_spec grid_specs[] = {
    {"extent", OPTION_INTS, FIELD(extent), "N,N,...", "tokens per axis, required"},
    {"extra-len", OPTION_U64, FIELD(extra_len), "N", "extra keys that every query sees"},
    {"bias", OPTION_FLAG, FIELD(bias), NULL, "relative position biases"},
    {"weights", OPTION_FLAG, FIELD(weights), NULL,
     "weights in place of q, k and softmax; dim is then left out"},
};

/* The shape that the options say; false when they say none. */
static bool make_shape(family_id id, const info_options *options, family_shape *shape) {
    memset(shape, 0, sizeof *shape);
    shape->dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + options->dtype);
    shape->batch = options->batch;
    shape->heads = options->heads;
    shape->kv_heads = options->kv_heads != 0 ? options->kv_heads : options->heads;
    shape->dim = options->dim;
    shape->value_dim = options->value_dim;
    shape->q_len = options->q_len;
    shape->kv_len = options->kv_len != 0 ? options->kv_len : options->q_len;
    shape->extra_len = options->extra_len;
    shape->bias = options->bias;
    shape->weights = options->weights;
    shape->write_lse = options->lse;
    shape->list_entries = options->entries;
    shape->list_rows = options->rows;
    shape->list_heads = options->list_heads;
    if (id != FAMILY_NEIGHBORHOOD)
        return true;
    if (options->extent.count < 1 || options->extent.count > 3) {
        say_error("--extent needs 1 to 3 values, got %zu", options->extent.count);
        return false;
    }
    shape->rank = (uint32_t)options->extent.count;
    for (uint32_t a = 0; a < shape->rank; ++a) {
        if (options->extent.value[a] < 0) {
            say_error("--extent: %lld is out of range", (long long)options->extent.value[a]);
            return false;
        }
        shape->extent[a] = (uint64_t)options->extent.value[a];
    }
    return true;
}

/* ---- What is printed, once as an object; the text is made from it ---- */

static cJSON *device_list(void) {
    cJSON *list = cJSON_CreateArray();
    char name[256];
    for (uint32_t i = 0; vatten_context_device_name(i, name, sizeof name); ++i)
        cJSON_AddItemToArray(list, cJSON_CreateString(name));
    return list;
}

static void add_device(cJSON *object, vatten_context *context) {
    tool_json_device(object, context);
    tool_json_limits(object, context);
}

static void add_count(cJSON *object, const char *name, uint64_t count) {
    cJSON_AddNumberToObject(object, name, (double)count);
}

static void add_buffers(cJSON *object, const vatten_plan_info *info) {
    add_count(object, "q_bytes", info->q_bytes);
    add_count(object, "k_bytes", info->k_bytes);
    add_count(object, "v_bytes", info->v_bytes);
    add_count(object, "out_bytes", info->out_bytes);
    add_count(object, "lse_bytes", info->lse_bytes);
    add_count(object, "extra_k_bytes", info->extra_k_bytes);
    add_count(object, "extra_v_bytes", info->extra_v_bytes);
    add_count(object, "bias_bytes", info->bias_bytes);
    add_count(object, "lists_bytes", info->lists_bytes);
    add_count(object, "offset_alignment", info->offset_alignment);
}

static cJSON *plan_object(vatten_context *context, const family_problem *problem) {
    vatten_plan *plan = NULL;
    vatten_result result = family_create_plan(vatten_context_device(context), problem, &plan);
    if (result != VATTEN_SUCCESS) {
        say_error("plan: %s", vatten_result_name(result));
        return NULL;
    }
    vatten_plan_info info;
    vatten_plan_get_info(plan, &info);
    vatten_plan_destroy(plan);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "family", family_name(problem->id));
    cJSON_AddStringToObject(object, "dtype", family_dtype_name(family_heads(problem)->dtype));
    tool_json_plan(object, &info);
    add_buffers(object, &info);
    return object;
}

/* One line "name  value"; arrays and objects are shown on one line too. */
static void print_line(const cJSON *item) {
    printf("  %-20s ", item->string);
    if (cJSON_IsString(item))
        printf("%s", item->valuestring[0] != '\0' ? item->valuestring : "none");
    else if (cJSON_IsNumber(item))
        printf("%.0f", item->valuedouble);
    else if (cJSON_IsBool(item))
        printf("%s", cJSON_IsTrue(item) ? "yes" : "no");
    const cJSON *child = NULL;
    cJSON_ArrayForEach(child, item) {
        printf("%s%s", child->string != NULL ? child->string : "", child->string != NULL ? " " : "");
        if (cJSON_IsString(child))
            printf("%s", child->valuestring);
        else
            printf("%.0f", child->valuedouble);
        printf("%s", child->next != NULL ? ", " : "");
    }
    if ((cJSON_IsArray(item) || cJSON_IsObject(item)) && item->child == NULL)
        printf("none");
    putchar('\n');
}

static void print_text(const cJSON *object) {
    const cJSON *item = NULL;
    int index = 0;
    printf("devices:\n");
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(object, "devices"))
        printf("  %-20d %s\n", index++, item->valuestring);
    printf("chosen:\n");
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(object, "chosen")) print_line(item);
    const cJSON *plan = cJSON_GetObjectItem(object, "plan");
    if (plan != NULL)
        printf("plan:\n");
    cJSON_ArrayForEach(item, plan) print_line(item);
}

static int show(const info_options *options, const family_problem *problem) {
    vatten_context *context = NULL;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToObject(object, "devices", device_list());
    bool ok = tool_open(&options->tool, say_logger(options->tool.verbose), &context);
    if (ok)
        add_device(cJSON_AddObjectToObject(object, "chosen"), context);
    if (ok && problem != NULL) {
        cJSON *plan = plan_object(context, problem);
        ok = plan != NULL && cJSON_AddItemToObject(object, "plan", plan);
    }
    if (ok)
        ok = !tool_found_invalid(context);
    vatten_context_destroy(context);
    if (ok && options->tool.json)
        return tool_json_print(object, false) ? SAY_OK : SAY_FAILED;
    if (ok)
        print_text(object);
    cJSON_Delete(object);
    return ok ? SAY_OK : SAY_FAILED;
}

static int show_quirks(bool json) {
    if (json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToObject(object, "quirks", tool_json_quirks(NULL));
        return tool_json_print(object, false) ? SAY_OK : SAY_FAILED;
    }
    vatten_quirk quirk;
    printf("| quirk | devices | what changes | source |\n|---|---|---|---|\n");
    for (uint32_t i = 0; vatten_quirk_get(i, &quirk); ++i)
        printf("| `%s` | %s | %s | %s |\n", quirk.name, quirk.devices, quirk.effect, quirk.source);
    return SAY_OK;
}

#define TABLE(SPECS)                                                                                         \
    { "shape", SPECS, sizeof SPECS / sizeof *SPECS, NULL }

/* What says a shape of each family. */
static const option_table shape_tables[FAMILY_COUNT] = {
    [FAMILY_ATTENTION] = TABLE(dense_specs),
    [FAMILY_NEIGHBORHOOD] = TABLE(grid_specs),
    [FAMILY_LISTS] = TABLE(list_specs),
    [FAMILY_SPARSE] = TABLE(dense_specs),
};

/* The tables of a family; without one (FAMILY_COUNT) only the common options. Returns how many. */
static size_t make_tables(family_id id, info_options *options, option_table tables[5]) {
    size_t count = 0;
    if (id == FAMILY_COUNT)
        tables[count++] = (option_table){"info", info_specs, sizeof info_specs / sizeof *info_specs, options};
    if (id != FAMILY_COUNT) {
        option_table shape = shape_tables[id];
        shape.target = options;
        option_table heads = {"heads", heads_specs, sizeof heads_specs / sizeof *heads_specs, options};
        tables[count++] = shape;
        tables[count++] = heads;
        tables[count++] = family_rule_table(id, &options->family);
        tables[count++] = family_kernel_table(&options->family);
    }
    tables[count++] = tool_option_table(&options->tool);
    return count;
}

int main(int argc, char **argv) {
    say_begin("vatten_info");
    info_options options = {.batch = 1};
    family_id id = FAMILY_COUNT;
    bool has_problem = argc > 1 && family_find(argv[1], &id);
    int skip = has_problem ? 1 : 0;
    option_table tables[5];
    size_t table_count = make_tables(id, &options, tables);
    int status;
    if (!tool_parse("vatten_info", argc - skip, argv + skip, tables, table_count, usage_text, &options.tool,
                    &status))
        return status;
    if (options.quirks)
        return show_quirks(options.tool.json);
    family_shape shape;
    family_problem problem;
    if (has_problem &&
        (!make_shape(id, &options, &shape) || !family_make_problem(id, &options.family, &shape, &problem)))
        return SAY_USAGE;
    return show(&options, has_problem ? &problem : NULL);
}
