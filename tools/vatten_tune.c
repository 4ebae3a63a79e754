/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: which tile is the fastest, and what boxes are worth. --sweep times tiles on the device at hand
 * (tune_measure.c); --simulate counts, without a GPU, the key tiles that each box of queries would visit.
 */
#include <stdio.h>
#include <string.h>

#include <vatten/context.h>

#include "family.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"
#include "tune_measure.h"
#include "tune_picture.h"
#include "tune_report.h"

static const char usage_text[] =
    "usage: vatten_tune --simulate --grid N,N,... --window N,N,... [options]\n"
    "       vatten_tune --sweep ...                        times tiles: see vatten_tune --sweep --help\n"
    "\n"
    "Counts what neighborhood attention visits, and how much faster than dense attention that can be at "
    "most, for\n"
    "every box of queries that a workgroup may take; the one that vatten takes is marked. Needs no device: "
    "rows and\n"
    "keys of the tile are 64 unless given; with --device the device's tuning table gives them.\n"
    "Exit status: 0 done, 1 refused or failed, 2 wrong command line.\n";

#define DEFAULT_TILE 64

typedef struct tune_options {
    tool_options tool;
    family_options family;
    bool simulate, all;
    int dtype;
    uint64_t extra_len;
    uint32_t dim, rows, keys;
    option_ints extent, query;
    const char *csv, *picture;
} tune_options;

#define FIELD(member) offsetof(tune_options, member)

static const option_spec tune_specs[] = {
    {"simulate", OPTION_FLAG, FIELD(simulate), NULL, "count visited tiles; required"},
    {"all", OPTION_FLAG, FIELD(all), NULL, "every box, not only those with sides that are powers of two"},
    {"csv", OPTION_TEXT, FIELD(csv), "FILE", "also write the table there"},
    {"picture", OPTION_TEXT, FIELD(picture), "FILE.png",
     "draw what one query sees and its query tile visits"},
    {"query", OPTION_INTS, FIELD(query), "N,N,...",
     "the query of the picture; default: the middle of the grid"},
};
static const option_spec problem_specs[] = {
    {"grid", OPTION_INTS, FIELD(extent), "N,N,...", "tokens per axis, required; 64x64 is taken too"},
    {"extent", OPTION_INTS, FIELD(extent), "N,N,...", "the same, as vatten_info calls it"},
    {"extra-len", OPTION_U64, FIELD(extra_len), "N", "extra keys that every query sees"},
    {"rows", OPTION_U32, FIELD(rows), "N", "query rows of the tile"},
    {"keys", OPTION_U32, FIELD(keys), "N", "keys of the tile"},
    {"dim", OPTION_U32, FIELD(dim), "N", "for the choice of the tile on a device; default 64"},
    {"dtype", OPTION_CHOICE, FIELD(dtype), FAMILY_DTYPE_WORDS, "likewise; default f32"},
};

static bool make_shape(const tune_options *options, family_shape *shape) {
    *shape = (family_shape){.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + options->dtype),
                            .batch = 1,
                            .heads = 1,
                            .kv_heads = 1,
                            .dim = options->dim ? options->dim : 64,
                            .extra_len = options->extra_len};
    if (options->extent.count < 1 || options->extent.count > 3) {
        say_error("--grid needs 1 to 3 values, got %zu", options->extent.count);
        return false;
    }
    shape->rank = (uint32_t)options->extent.count;
    for (uint32_t a = 0; a < shape->rank; ++a) {
        if (options->extent.value[a] < 0) {
            say_error("--grid: axis %u: %lld is out of range", a, (long long)options->extent.value[a]);
            return false;
        }
        shape->extent[a] = (uint64_t)options->extent.value[a];
    }
    return true;
}

/* Without a device every tile is as good as another: square ones by default. */
static void make_tile(const tune_options *options, vatten_tile *tile) {
    tile->rows = options->rows ? options->rows : tile->rows;
    tile->keys = options->keys ? options->keys : tile->keys;
    if (options->tool.device != NULL)
        return;
    tile->rows = tile->rows ? tile->rows : DEFAULT_TILE;
    tile->keys = tile->keys ? tile->keys : DEFAULT_TILE;
}

static bool make_query(const tune_options *options, const vatten_neighborhood_desc *desc, uint64_t query[3]) {
    const option_ints *given = &options->query;
    if (given->count != 0 && given->count != desc->rank) {
        say_error("--query needs %u value%s for rank %u, got %zu", desc->rank, desc->rank == 1 ? "" : "s",
                  desc->rank, given->count);
        return false;
    }
    for (uint32_t a = 0; a < desc->rank; ++a) {
        uint64_t extent = desc->axis[a].extent;
        if (given->count != 0 && (given->value[a] < 0 || (uint64_t)given->value[a] >= extent)) {
            say_error("--query: axis %u: %lld is outside 0..%lld", a, (long long)given->value[a],
                      (long long)extent - 1);
            return false;
        }
        query[a] = given->count != 0 ? (uint64_t)given->value[a] : extent / 2;
    }
    return true;
}

static bool report(const tune_options *options, vatten_context *context, const vatten_neighborhood_desc *desc,
                   const uint64_t query[3], const tune_table *table) {
    vatten_context_info info = {0};
    if (context != NULL)
        vatten_context_get_info(context, &info);
    const char *device = context != NULL ? info.device_name : NULL;
    if (options->csv != NULL && !tune_write_csv(options->csv, desc, table))
        return false;
    if (options->picture != NULL && !tune_write_picture(options->picture, desc, &table->chosen, query))
        return false;
    if (options->tool.json)
        return tune_print_json(device, desc, table);
    tune_print_text(device, desc, table);
    return say_flush();
}

static int simulate(const tune_options *options, const vatten_neighborhood_desc *desc,
                    const uint64_t query[3]) {
    const vatten_logger logger = say_logger(options->tool.verbose);
    vatten_context *context = NULL;
    tune_table table;
    if (options->tool.device != NULL && !tool_open(&options->tool, logger, &context))
        return SAY_FAILED;
    const vatten_device *device = context != NULL ? vatten_context_device(context) : NULL;
    bool good = tune_sweep(device, &logger, desc, options->all, &table) &&
                report(options, context, desc, query, &table);
    tune_table_free(&table);
    vatten_context_destroy(context);
    return good ? SAY_OK : SAY_FAILED;
}

static int run(const tune_options *options) {
    family_shape shape;
    family_problem problem;
    uint64_t query[3] = {0, 0, 0};
    if (!options->simulate) {
        say_error("nothing to do: --sweep or --simulate is required");
        return SAY_USAGE;
    }
    if (!make_shape(options, &shape) ||
        !family_make_problem(FAMILY_NEIGHBORHOOD, &options->family, &shape, &problem) ||
        !make_query(options, &problem.neighborhood, query))
        return SAY_USAGE;
    make_tile(options, &problem.neighborhood.heads.tile);
    return simulate(options, &problem.neighborhood, query);
}

/* A family's name comes first, or behind --sweep. */
static bool is_sweep(int argc, char **argv) {
    family_id id;
    bool found = argc > 1 && family_find(argv[1], &id);
    for (int i = 1; i < argc; ++i)
        found = found || strcmp(argv[i], "--sweep") == 0;
    return found;
}

int main(int argc, char **argv) {
    say_begin("vatten_tune");
    if (is_sweep(argc, argv)) {
        int skip = strcmp(argv[1], "--sweep") == 0 ? 1 : 0;
        return tune_measure(argc - skip, argv + skip);
    }
    tune_options options = {0};
    const option_table own = {"tune", tune_specs, sizeof tune_specs / sizeof *tune_specs, &options};
    const option_table problem = {"problem", problem_specs, sizeof problem_specs / sizeof *problem_specs,
                                  &options};
    const option_table tables[] = {own, problem, family_rule_table(FAMILY_NEIGHBORHOOD, &options.family),
                                   family_kernel_table(&options.family), tool_option_table(&options.tool)};
    size_t table_count = sizeof tables / sizeof *tables;
    int status;
    if (!tool_parse("vatten_tune", argc, argv, tables, table_count, usage_text, &options.tool, &status))
        return status;
    return run(&options);
}
