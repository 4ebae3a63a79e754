/* SPDX-License-Identifier: MIT
 *
 * vatten_audit: what the driver's own compiler makes of vatten's kernels: registers, occupancy, spills, scratch,
 * instructions. Compiles and runs nothing, so it serves drivers without a device behind them too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vatten/context.h>

#include "audit_report.h"
#include "audit_sweep.h"
#include "say.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_audit [options]\n"
    "\n"
    "Compiles every kernel that the device can be given: attention and mass with every tile that the tuning\n"
    "table chooses over a list of dims, the others once. Prints what the driver's compiler says about each:\n"
    "registers, occupancy, spills, scratch, instructions, cycles. The row that is being compiled is told on\n"
    "stderr first.\n"
    "Exit status: 0 all compiled or were refused by vatten's own rules, 1 the driver failed on one, or "
    "--compare\n"
    "found lost ground (spills, scratch, or a kernel that no longer compiles), 2 wrong command line.\n";

typedef struct audit_options {
    tool_options tool;
    family_options family;
    option_shapes dims, more_dims;
    option_ints dtypes, more_dtypes;
    const char *name, *only, *problems, *csv, *read, *compare;
    bool quiet, list;
} audit_options;

#define FIELD(member) offsetof(audit_options, member)

static const option_spec audit_specs[] = {
    {"dims", OPTION_SHAPES, FIELD(dims), "D,DxDV,...",
     "dims of attention and mass; default 32,64,96,128,192x128,256,576x512"},
    {"dtypes", OPTION_CHOICES, FIELD(dtypes), FAMILY_DTYPE_WORDS, "of attention and mass; default all"},
    {"more-dims", OPTION_SHAPES, FIELD(more_dims), "D,DxDV,...", "further dims, for some dtypes only"},
    {"more-dtypes", OPTION_CHOICES, FIELD(more_dtypes), FAMILY_DTYPE_WORDS, "those; default all"},
    {"only", OPTION_TEXT, FIELD(only), "PART,...", "kernels whose name contains one of these"},
    {"problems", OPTION_TEXT, FIELD(problems), "NAME,...", "these: causal, grid2, ...; --list prints all"},
    {"name", OPTION_TEXT, FIELD(name), "NAME", "what the device is called in the table"},
    {"csv", OPTION_TEXT, FIELD(csv), "FILE", "also write the table there, line by line as it grows"},
    {"read", OPTION_TEXT, FIELD(read), "FILE", "take the table from a CSV file and compile nothing"},
    {"compare", OPTION_TEXT, FIELD(compare), "OLD", "print what got worse and better since that CSV file"},
    {"quiet", OPTION_FLAG, FIELD(quiet), NULL, "no table on stdout"},
    {"list", OPTION_FLAG, FIELD(list), NULL,
     "print kernel, dims and problem of each row and compile nothing"},
};

/* Where rows go as they come: to the table and, line by line, so that a crash loses none, to the file. */
typedef struct collector {
    audit_table table;
    FILE *csv; /* NULL: none */
    const char *path;
} collector;

static bool collect(void *user, const audit_row *row) {
    collector *to = user;
    if (!to->csv)
        return audit_table_add(&to->table, row);
    audit_csv_row(to->csv, row);
    if (fflush(to->csv) != 0) {
        say_error("%s: %s", to->path, strerror(errno));
        return false;
    }
    return audit_table_add(&to->table, row);
}

/* For --list: `user` counts. */
static bool print_row(void *user, const audit_row *row) {
    size_t *count = user;
    ++*count;
    printf("%s %ux%u %s\n", row->kernel, row->dim, row->value_dim, row->problem);
    return true;
}

/* `option`: the name, for what is said of bad ones. */
static bool make_dims(const char *option, const option_shapes *given, audit_dims *dims) {
    dims->count = given->count;
    for (size_t i = 0; i < given->count; ++i) {
        uint64_t dim = given->part[i][0];
        uint64_t value_dim = given->part[i][given->rank[i] > 1 ? 1 : 0];
        if (given->rank[i] > 2 || dim < 1 || dim > VATTEN_MAX_DIM || value_dim < 1 ||
            value_dim > VATTEN_MAX_DIM) {
            say_error("--%s takes D or DxDV with dims from 1 to %u", option, VATTEN_MAX_DIM);
            return false;
        }
        dims->dim[i] = (uint32_t)dim;
        dims->value_dim[i] = (uint32_t)value_dim;
    }
    return true;
}

static uint32_t dtype_bits(const option_ints *given) {
    uint32_t bits = 0;
    for (size_t i = 0; i < given->count; ++i)
        bits |= 1u << (VATTEN_DTYPE_F32 + given->value[i]);
    return given->count ? bits : UINT32_MAX;
}

/* The device may have no statistics to give: then the audit still says what compiles. */
static void warn_without_statistics(vatten_context *context) {
    vatten_context_info info;
    vatten_context_get_info(context, &info);
    if (!(info.enabled & VATTEN_FEATURE_PIPELINE_STATISTICS))
        say_note("%s has no VK_KHR_pipeline_executable_properties: figures stay empty", info.device_name);
}

static bool sweep_all(const audit_options *options, audit_sink sink, void *user) {
    audit_dims dims, more;
    audit_sweep sweep = {.name = options->name,
                         .only = options->only,
                         .problems = options->problems,
                         .dims = &dims,
                         .dtypes = dtype_bits(&options->dtypes),
                         .more = &more,
                         .more_dtypes = dtype_bits(&options->more_dtypes),
                         .options = &options->family,
                         .list = options->list,
                         .sink = sink,
                         .user = user};
    if (!make_dims("dims", &options->dims, &dims) || !make_dims("more-dims", &options->more_dims, &more))
        return false;
    if (!tool_open(&options->tool, say_quiet_logger(), &sweep.context)) {
        say_error("%s", say_last_error());
        return false;
    }
    if (!sweep.list)
        warn_without_statistics(sweep.context);
    bool good = audit_run(&sweep) && !tool_found_invalid(sweep.context);
    vatten_context_destroy(sweep.context);
    return good;
}

static bool gather(const audit_options *options, collector *to) {
    if (options->read)
        return audit_csv_read(options->read, &to->table);
    if (options->csv) {
        to->path = options->csv;
        to->csv = fopen(options->csv, "w");
        if (!to->csv) {
            say_error("%s: %s", options->csv, strerror(errno));
            return false;
        }
        audit_csv_header(to->csv);
    }
    bool good = sweep_all(options, collect, to);
    if (to->csv && fclose(to->csv) != 0) {
        say_error("%s: %s", options->csv, strerror(errno));
        return false;
    }
    return good;
}

static bool print_table(const audit_options *options, const audit_table *table) {
    if (options->quiet)
        return true;
    if (options->tool.json)
        return audit_print_json(table);
    audit_print_markdown(table);
    return true;
}

static void say_none(const audit_options *options) {
    say_error("no kernel's name contains \"%s\"%s%s", options->only ? options->only : "",
              options->problems ? " with a problem of " : "", options->problems ? options->problems : "");
}

static int list(const audit_options *options) {
    size_t count = 0;
    bool good = sweep_all(options, print_row, &count);
    if (good && count == 0)
        say_none(options);
    return say_flush() && good && count > 0 ? SAY_OK : SAY_FAILED;
}

/* `before` is read first: a file that cannot be read shall not cost an audit. */
static int show(const audit_options *options) {
    audit_table before = {0};
    collector to = {0};
    if (options->compare && !audit_csv_read(options->compare, &before))
        return SAY_FAILED;
    bool good = gather(options, &to) && print_table(options, &to.table);
    if (good) {
        if (to.table.count == 0) {
            say_none(options);
            good = false;
        }
        good = audit_sum_up(&to.table) == 0 && good;
        if (options->compare)
            good = audit_compare(&before, &to.table) == 0 && good;
    }
    audit_table_free(&to.table);
    audit_table_free(&before);
    return say_flush() && good ? SAY_OK : SAY_FAILED;
}

int main(int argc, char **argv) {
    say_begin("vatten_audit");
    audit_options options = {.tool = {.statistics = true}};
    const option_table own = {"audit", audit_specs, sizeof audit_specs / sizeof *audit_specs, &options};
    const option_table tables[] = {own, family_kernel_table(&options.family),
                                   tool_option_table(&options.tool)};
    size_t table_count = sizeof tables / sizeof *tables;
    int status;
    if (!tool_parse("vatten_audit", argc, argv, tables, table_count, usage_text, &options.tool, &status))
        return status;
    return options.list ? list(&options) : show(&options);
}
